"""One connection on the bare loop: what comes unasked, early or late, and what it then is."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.tls import client_context
from exporter.net.connection import Connection
from exporter.net.dial import dial
from exporter.net.talk import WholeAnswer
from tests.servers.authority import Authority
from tests.servers.raw import Raw, Visit, serving
from tests.waiting import PATIENCE, rest, until


class Line(WholeAnswer):
    """Waits for one line."""

    def __init__(self) -> None:
        self.text = b""
        self.released = 0

    def feed(self, data: bytes) -> None:
        self.text += data
        self.done = self.text.endswith(b"\n")

    def release(self) -> None:
        self.released += 1


async def opened(server: Raw) -> Connection:
    return await dial(["127.0.0.1"], server.port, Trace())


async def test_a_banner_is_kept_until_somebody_asks(authority: Authority) -> None:
    async def talk(visit: Visit) -> None:
        await visit.say(b"220 ")
        await asyncio.sleep(0.01)
        await visit.say(b"hello\n")
        await visit.reader.read()

    async with serving(talk) as server:
        connection = await opened(server)
        await rest()
        assert connection.fresh
        line = Line()
        await connection.exchange(b"", line)
        assert (line.text, line.released, connection.fresh) == (b"220 hello\n", 1, False)
        assert connection.first_byte > 0
        assert connection.place == f"127.0.0.1:{server.port}"
        assert (connection.local, connection.cipher, connection.tls_version) == ("127.0.0.1", "", "")
        connection.close()
        connection.close()
        assert connection.closed
        await until(lambda: server.open == 0)
        assert connection.local == ""


async def test_a_banner_without_end_is_cut(authority: Authority) -> None:
    async def talk(visit: Visit) -> None:
        while True:
            await visit.say(b"x" * 4096)

    async with serving(talk) as server:
        connection = await opened(server)
        await until(lambda: connection.closed)
        assert len(connection._early) < 1 << 19


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_what_comes_between_two_questions_ends_the_connection(
    authority: Authority, secure: bool
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.readline()
        await visit.say(b"one\n")
        await asyncio.sleep(0.02)
        await visit.say(b"unasked\n")
        await visit.reader.read()

    tls = authority.server() if secure else None
    async with serving(talk, tls=tls) as server:
        connection = await opened(server)
        if secure:
            await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
            assert connection.tls_version == "TLSv1.3"
            assert connection.cipher.startswith("TLS_")
        line = Line()
        await connection.exchange(b"a\n", line)
        closed: list[bool] = []
        connection.on_closed = lambda: closed.append(True)
        await until(lambda: closed)
        assert (line.text, connection.closed, closed) == (b"one\n", True, [True])
        with pytest.raises(ProbeError, match="closed the connection") as caught:
            await connection.exchange(b"b\n", Line())
        assert caught.value.reason is Reason.CONNECT


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_an_answer_that_the_end_cuts_is_the_readers_to_judge(
    authority: Authority, secure: bool
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.readline()
        await visit.say(b"half")

    tls = authority.server() if secure else None
    async with serving(talk, tls=tls) as server:
        connection = await opened(server)
        if secure:
            await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
        line = Line()
        with pytest.raises(ProbeError, match="closed the connection instead of answering"):
            await connection.exchange(b"a\n", line)
        assert (line.text, line.released) == (b"half", 1)
        connection.abort()
        await rest()


@pytest.mark.parametrize(("newest", "hint"), [("TLSv1_3", True), ("TLSv1_2", False)])
async def test_a_reset_before_the_first_answer_may_be_for_want_of_our_certificate(
    authority: Authority, newest: str, hint: bool
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.readline()
        visit.reset()

    context = authority.server()
    context.maximum_version = ssl.TLSVersion[newest]
    async with serving(talk, tls=context) as server:
        connection = await opened(server)
        await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
        with pytest.raises(ProbeError, match="reset the connection") as caught:
            await connection.exchange(b"a\n", Line())
        await rest()
    assert ("it may require a client certificate" in caught.value.detail) == hint


async def test_a_name_that_tls_cannot_carry_is_reported(authority: Authority) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.read()

    async with serving(talk) as server:
        connection = await opened(server)
        with pytest.raises(ProbeError, match="the server name for TLS is no valid host name") as caught:
            await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), ".x")
        connection.abort()
        await rest()
    assert caught.value.reason is Reason.TLS


async def test_the_goodbye_of_tls_is_said_before_the_connection_is_closed(authority: Authority) -> None:
    seen: list[bytes] = []

    async def talk(visit: Visit) -> None:
        seen.append(await visit.reader.read())  # an end without goodbye would be an error of TLS

    context = authority.server()
    async with serving(talk, tls=context) as server:
        connection = await opened(server)
        await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
        connection.close()
        await until(lambda: seen)
    assert seen == [b""]


@contextlib.asynccontextmanager
async def by_hand(
    context: ssl.SSLContext, then: Callable[[ssl.SSLObject], None], last: list[str]
) -> AsyncIterator[Raw]:
    """Serve the handshake of TLS record by record; what `then` adds goes out together with its end.

    Nobody closes the connection but the client. `last` gets the words of a handshake that failed.
    """

    async def talk(visit: Visit) -> None:
        inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(inner, outer, server_side=True)
        while data := await visit.reader.read(65_536):
            inner.write(data)
            try:
                session.do_handshake()
                then(session)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                last.append(error.reason)
            await visit.say(outer.read())

    async with serving(talk) as server:
        yield server


def tls_1_2(authority: Authority) -> ssl.SSLContext:
    context = authority.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # the server has the last word of the handshake
    return context


async def test_a_banner_in_one_piece_with_the_end_of_the_handshake_is_read(authority: Authority) -> None:
    def banner(session: ssl.SSLObject) -> None:
        session.write(b"220 hi\n")

    last: list[str] = []
    async with by_hand(tls_1_2(authority), banner, last) as server:
        connection = await opened(server)
        await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
        line = Line()
        async with asyncio.timeout(PATIENCE):
            await connection.exchange(b"", line)
        connection.abort()
        await rest()
    assert (line.text, last) == (b"220 hi\n", [])


async def test_a_server_that_says_goodbye_is_hung_up_on(authority: Authority) -> None:
    def goodbye(session: ssl.SSLObject) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            session.unwrap()

    last: list[str] = []
    async with by_hand(tls_1_2(authority), goodbye, last) as server:
        connection = await opened(server)
        await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
        with pytest.raises(ProbeError, match="closed the connection instead of answering"):
            async with asyncio.timeout(PATIENCE):
                await connection.exchange(b"", Line())
        await until(lambda: server.open == 0)
        assert connection.closed


async def test_the_server_learns_why_its_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    outsider = Authority(tmp_path, "stranger")
    last: list[str] = []
    async with by_hand(authority.server(), lambda _: None, last) as server:
        connection = await opened(server)
        with pytest.raises(ProbeError, match="unknown authority"):
            await connection.secure(client_context(TlsOptions(ca_file=outsider.ca_file)), "localhost")
        await rest()
        connection.abort()
        await rest()
    assert last == ["TLSV1_ALERT_UNKNOWN_CA"]


async def test_an_aborted_connection_is_closed_at_once(authority: Authority) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.read()

    async with serving(talk) as server:
        connection = await opened(server)
        connection.abort()
        assert connection.closed
        await until(lambda: server.open == 0)


@pytest.mark.parametrize(("banner", "whole"), [(b"220 hi\n", True), (b"220", False)])
async def test_a_banner_of_a_server_that_has_hung_up_is_judged_when_somebody_asks(
    authority: Authority, banner: bytes, whole: bool
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.say(banner)

    async with serving(talk) as server:
        connection = await opened(server)
        await until(lambda: connection.closed)
        line = Line()
        async with asyncio.timeout(PATIENCE):
            if whole:
                await connection.exchange(b"a\n", line)
            else:
                with pytest.raises(ProbeError, match="closed the connection instead of answering"):
                    await connection.exchange(b"a\n", line)
        assert line.text == banner
        with pytest.raises(ProbeError, match="closed the connection"):
            await connection.exchange(b"a\n", Line())


async def test_a_reset_of_an_idle_connection_closes_it(authority: Authority) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.readline()
        await visit.say(b"one\n")
        await asyncio.sleep(0.01)
        visit.reset()

    async with serving(talk) as server:
        connection = await opened(server)
        await connection.exchange(b"a\n", Line())
        assert not connection.closed
        await until(lambda: connection.closed)


async def test_rubbish_on_an_idle_connection_of_tls_closes_it_without_a_noise(authority: Authority) -> None:
    said: list[Visit] = []

    async def talk(visit: Visit) -> None:
        inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = authority.server().wrap_bio(inner, outer, server_side=True)
        said.append(visit)
        while data := await visit.reader.read(65_536):
            inner.write(data)
            with contextlib.suppress(ssl.SSLError):
                session.do_handshake()
            await visit.say(outer.read())

    noise: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    async with serving(talk) as server:
        connection = await opened(server)
        await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
        await rest()
        await said[0].say(b"\x17\x03\x03\x00\x20" + b"x" * 32)  # a record that nobody encrypted
        await rest()
        assert (connection.closed, server.open, noise) == (True, 0, [])


async def test_the_end_of_a_handshake_goes_out_with_what_is_said_first(authority: Authority) -> None:
    """Or with the farewell; and at once where it holds a certificate, which the server may refuse."""

    async def pieces(*, asks: bool, talks: bool) -> int:
        found: list[bytes] = []

        async def talk(visit: Visit) -> None:
            inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
            context = authority.server()
            context.verify_mode = ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE
            session = context.wrap_bio(inner, outer, server_side=True)
            while data := await visit.reader.read(65_536):
                found.append(data)
                inner.write(data)
                with contextlib.suppress(ssl.SSLWantReadError):
                    session.do_handshake()
                    session.read()
                    session.write(b"hello\n")
                await visit.say(outer.read())

        async with serving(talk) as server:
            connection = await opened(server)
            await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
            await rest()
            if talks:
                async with asyncio.timeout(PATIENCE):
                    await connection.exchange(b"hello\n", Line())
            connection.close()
            await until(lambda: server.open == 0)
        return len(found)

    # Of three flights, the hello, the end of the handshake and the question, the last two are one packet. The
    # farewell is one more where a question was asked.
    assert await pieces(asks=False, talks=False) == 2
    assert await pieces(asks=False, talks=True) == 3
    assert await pieces(asks=True, talks=False) == 3
    assert await pieces(asks=True, talks=True) == 4
