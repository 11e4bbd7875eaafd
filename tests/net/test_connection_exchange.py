"""One exchange after another on a connection: what each one measures, and what its failure leaves behind."""

import asyncio
import contextlib
import gc
import ssl
import time

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

ERROR = ProbeError(Reason.BAD_RESPONSE, "this is no answer")
BOTH = pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])


class Lines(WholeAnswer):
    """Waits for one line, notes when each piece came, and refuses one that says so."""

    def __init__(self) -> None:
        self.text = b""
        self.times: list[float] = []
        self.released = 0

    def feed(self, data: bytes) -> None:
        self.times.append(time.perf_counter())
        self.text += data
        if self.text.startswith(b"bad"):
            raise ERROR
        self.done = self.text.endswith(b"\n")

    def release(self) -> None:
        self.released += 1


async def reached(server: Raw, authority: Authority, secure: bool) -> Connection:
    connection = await dial(["127.0.0.1"], server.port, Trace())
    if secure:
        await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
    return connection


async def answer_each(visit: Visit) -> None:
    """Answer each line with two pieces, the second a moment later."""
    while line := await visit.reader.readline():
        await visit.say(b"<" + line.strip())
        await asyncio.sleep(0.02)
        await visit.say(b">\n")


@BOTH
async def test_each_answer_has_its_own_reader_and_the_time_of_its_own_first_byte(
    authority: Authority, secure: bool
) -> None:
    async with serving(answer_each, tls=authority.server() if secure else None) as server:
        connection = await reached(server, authority, secure)
        assert (connection.fresh, connection.first_byte) == (True, 0.0)
        firsts: list[float] = []
        for question in (b"one", b"two"):
            lines = Lines()
            sent = time.perf_counter()
            await connection.exchange(question + b"\n", lines)
            assert (lines.text, lines.released) == (b"<" + question + b">\n", 1)
            assert sent < connection.first_byte <= lines.times[0] < lines.times[-1]
            firsts.append(connection.first_byte)
        assert firsts[0] < firsts[1]
        assert (connection.fresh, connection.closed) == (False, False)
        connection.close()


@BOTH
async def test_an_answer_that_its_reader_refuses_closes_the_connection(
    authority: Authority, secure: bool
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.readline()
        await visit.say(b"bad\n")
        await visit.reader.read()

    async with serving(talk, tls=authority.server() if secure else None) as server:
        connection = await reached(server, authority, secure)
        lines = Lines()
        with pytest.raises(ProbeError) as caught:
            await connection.exchange(b"a\n", lines)
        assert caught.value is ERROR
        assert (lines.released, connection.closed, connection.fresh) == (1, True, False)
        await until(lambda: server.open == 0)
        with pytest.raises(ProbeError, match="closed the connection"):
            await connection.exchange(b"b\n", Lines())


@pytest.mark.parametrize("said", [b"", b"half", b"one\n"], ids=["nothing", "a part", "an answer before"])
async def test_a_reset_is_for_want_of_a_certificate_only_before_the_first_byte_of_all(
    authority: Authority, said: bytes
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.readline()
        await visit.say(said)
        if said.endswith(b"\n"):
            await visit.reader.readline()
        await asyncio.sleep(0.02)  # a reset would overtake what was just said
        visit.reset()

    async with serving(talk, tls=authority.server()) as server:
        connection = await reached(server, authority, True)
        if said.endswith(b"\n"):
            await connection.exchange(b"a\n", Lines())
        with pytest.raises(ProbeError, match="reset the connection") as caught:
            await connection.exchange(b"b\n", Lines())
        await rest()
    assert ("may require a client certificate" in caught.value.detail) is (said == b"")
    assert caught.value.reason is Reason.CONNECT


async def test_no_handshake_is_begun_on_a_connection_that_is_closed(authority: Authority) -> None:
    async def talk(_visit: Visit) -> None:
        return

    async with serving(talk) as server:
        connection = await reached(server, authority, False)
        await until(lambda: connection.closed)
        with pytest.raises(ProbeError, match=r"closed the connection$") as caught:
            await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
    assert caught.value.reason is Reason.CONNECT
    assert (connection.certificate, connection.chain_expiry, connection.tls_version) == (None, None, "")


async def test_after_the_handshake_the_dates_of_certificate_and_chain_are_known(authority: Authority) -> None:
    async with serving(answer_each, tls=authority.server()) as server:
        before = time.monotonic()
        connection = await reached(server, authority, True)
        assert connection.certificate is not None and connection.certificate.expiry is not None
        assert connection.chain_expiry is not None
        assert connection.chain_expiry <= connection.certificate.expiry
        assert before <= connection.made_at <= time.monotonic()
        assert (connection.address, connection.port) == ("127.0.0.1", server.port)
        connection.abort()
        await rest()


async def test_a_connection_that_is_closed_within_its_handshake_says_no_goodbye(authority: Authority) -> None:
    heard: list[bytes] = []

    async def talk(visit: Visit) -> None:
        heard.append(await visit.reader.read())

    async with serving(talk) as server:
        connection = await reached(server, authority, False)
        context = client_context(TlsOptions(ca_file=authority.ca_file))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connection.secure(context, "localhost")
        connection.close()
        await until(lambda: heard)
    record_length = 5 + int.from_bytes(heard[0][3:5], "big")
    assert heard[0][0] == 0x16  # a record of the handshake (RFC 8446, section 5.1)
    assert len(heard[0]) == record_length, "the ClientHello, and nothing behind it"


@BOTH
async def test_a_failure_that_comes_after_the_caller_has_gone_is_nobodys(
    authority: Authority, secure: bool
) -> None:
    visits: list[Visit] = []

    async def talk(visit: Visit) -> None:
        visits.append(visit)
        await visit.reader.readline()
        await visit.reader.read()

    noise: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    async with serving(talk, tls=authority.server() if secure else None) as server:
        connection = await reached(server, authority, secure)
        lines = Lines()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connection.exchange(b"a\n", lines)
        assert lines.released == 1
        await until(lambda: visits)
        visits[0].reset()
        await until(lambda: connection.closed)
        gc.collect()
        await rest()
    assert (lines.text, noise) == (b"", [])


async def test_the_end_of_a_connection_is_reported_once(authority: Authority) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.readline()

    async with serving(talk) as server:
        connection = await reached(server, authority, False)
        ends: list[bool] = []
        connection.on_closed = lambda: ends.append(connection.closed)
        with pytest.raises(ProbeError, match="instead of answering"):
            async with asyncio.timeout(PATIENCE):
                await connection.exchange(b"a\n", Lines())
        await until(lambda: ends)
        connection.abort()
        connection.close()
        await rest()
    assert (ends, connection.local, connection.cipher) == ([True], "", "")


async def test_a_server_that_speaks_no_tls_is_named_and_its_connection_closed(authority: Authority) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.read(64)
        await visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.reader.read()

    async with serving(talk) as server:
        connection = await reached(server, authority, False)
        with pytest.raises(ProbeError, match="does not speak TLS on this port: it answers plain HTTP"):
            await connection.secure(client_context(TlsOptions(ca_file=authority.ca_file)), "localhost")
        assert connection.closed
        await until(lambda: server.open == 0)


async def test_a_record_that_nobody_encrypted_ends_an_exchange_as_a_failure_of_tls(
    authority: Authority,
) -> None:
    async def talk(visit: Visit) -> None:
        inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = authority.server().wrap_bio(inner, outer, server_side=True)
        while data := await visit.reader.read(65_536):
            inner.write(data)
            with contextlib.suppress(ssl.SSLWantReadError):
                session.do_handshake()
                break
            await visit.say(outer.read())
        await visit.say(outer.read())
        await asyncio.sleep(0.02)
        await visit.say(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        await visit.reader.read()

    async with serving(talk) as server:
        connection = await reached(server, authority, True)
        lines = Lines()
        with pytest.raises(ProbeError) as caught:
            async with asyncio.timeout(PATIENCE):
                await connection.exchange(b"a\n", lines)
        assert (caught.value.reason, lines.released, connection.closed) == (Reason.TLS, 1, True)
        connection.abort()
        await rest()
