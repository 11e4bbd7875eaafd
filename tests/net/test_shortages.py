"""What we ourselves have none left of is no failure of the peer: neither its name nor its port."""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Proxy, Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.token import AccessToken
from exporter.net.certificate import expiry_of_file
from exporter.net.dial import dial
from exporter.net.network import LoopNetwork
from exporter.net.reasons import os_error, resolve_error
from exporter.net.resolver import Threads
from exporter.net.shortages import RESOURCES, present_shortage, shortage_in, shortage_of
from exporter.net.tokens import Tokens
from tests.clock import HandClock
from tests.net.test_tokens import grant
from tests.scarcity import LIMIT, Scarcity, no_descriptors
from tests.servers.authority import Authority
from tests.servers.oauth import Issuer, issuing
from tests.servers.ports import free_port
from tests.servers.raw import Raw, Visit, answering, keeping, ok, serving
from tests.waiting import PATIENCE

HERE = f"this process has no file descriptors left (limit {LIMIT}); raise LimitNOFILE or ulimit -n"


@pytest.mark.parametrize(
    ("code", "resource", "words"),
    [
        (errno.EMFILE, "descriptors", "this process has no file descriptors left (limit "),
        (errno.ENFILE, "descriptors", "this machine has no file descriptors left; raise fs.file-max"),
        (errno.ENOMEM, "memory", "this machine has no memory left for a connection"),
        (errno.ENOBUFS, "memory", "this machine has no memory left for a connection"),
    ],
)
def test_what_the_system_cannot_give_us_is_no_failure_of_a_place_or_a_name(
    code: int, resource: str, words: str
) -> None:
    for found in (
        os_error(OSError(code, "?"), "192.0.2.1:80"),
        resolve_error(OSError(code, "?"), "a.example"),
    ):
        assert isinstance(found, Shortage) and resource in RESOURCES
        assert (found.resource, str(found).startswith(words)) == (resource, True)


@pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.EACCES, errno.EADDRNOTAVAIL, errno.ETIMEDOUT])
def test_what_somebody_else_may_have_done_is_no_shortage(code: int) -> None:
    assert shortage_of(OSError(code, "?")) is None
    assert isinstance(os_error(OSError(code, "?"), "192.0.2.1:80"), ProbeError)


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("connection failed: could not create socket: Too many open files", "descriptors"),
        ("failed to resolve host 'db': [Errno 23] Too many open files in system", "descriptors"),
        ("could not create socket: No buffer space available", "memory"),
        ('FATAL:  could not open file "base/1": Too many open files', None),
        ("connection refused", None),
    ],
)
def test_libpq_says_by_words_what_it_could_not_open_and_a_server_that_lacks_the_same_is_not_us(
    text: str, resource: str | None
) -> None:
    found = shortage_in(text)
    assert (found.resource if found else None) == resource


async def by_call(network: LoopNetwork, server: Raw) -> None:
    await network.call(Request(server.url()), Trace())


async def by_name(network: LoopNetwork, server: Raw) -> None:
    await network.call(Request(server.url(host="localhost")), Trace())


async def by_proxy(network: LoopNetwork, server: Raw) -> None:
    request = Request("http://shop.example/", proxy=Proxy(f"http://127.0.0.1:{server.port}"))
    await network.call(request, Trace())


async def by_connection(network: LoopNetwork, server: Raw) -> None:
    await network.connect("127.0.0.1", server.port, Trace())


async def by_stream(network: LoopNetwork, server: Raw) -> None:
    async with network.talk("127.0.0.1", server.port, Trace()):
        pass


async def by_datagrams(network: LoopNetwork, server: Raw) -> None:
    async with network.talk("127.0.0.1", server.port, Trace(), datagrams=True):
        pass


Way = Callable[[LoopNetwork, Raw], Awaitable[None]]
WAYS = [by_call, by_name, by_proxy, by_connection, by_stream, by_datagrams]


@pytest.fixture
async def server() -> AsyncIterator[Raw]:
    async with serving(answering(ok())) as started:
        yield started


@pytest.mark.parametrize("way", WAYS)
async def test_without_a_descriptor_no_way_to_a_server_blames_it_and_with_one_it_works(
    network: LoopNetwork, server: Raw, way: Way
) -> None:
    with no_descriptors(), pytest.raises(Shortage) as caught:
        await way(network, server)
    assert (caught.value.resource, str(caught.value)) == ("descriptors", HERE)
    await way(network, server)


async def test_a_name_that_is_not_found_is_nobodys_fault_while_the_resolver_can_open_nothing(
    network: LoopNetwork,
) -> None:
    nowhere = socket.gaierror(socket.EAI_NONAME, "?")
    with no_descriptors():
        assert isinstance(resolve_error(nowhere, "a.example"), Shortage)
    message = resolve_error(nowhere, "a.example")
    assert isinstance(message, ProbeError) and message.reason is Reason.DNS
    assert isinstance(resolve_error(socket.gaierror(socket.EAI_MEMORY, "?"), "a.example"), Shortage)


@pytest.mark.parametrize("kind", ["system", "ca_file", "cert_file"])
async def test_tls_without_a_descriptor_for_its_files_blames_neither_files_nor_server_and_keeps_nothing(
    network: LoopNetwork, authority: Authority, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    cert, key = authority.client("short")
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    tls = {
        "system": TlsOptions(),
        "ca_file": TlsOptions(ca_file=authority.ca_file),
        "cert_file": TlsOptions(ca_file=authority.ca_file, cert_file=cert, key_file=key),
    }[kind]
    async with serving(answering(ok()), tls=authority.server()) as server:
        with no_descriptors(), pytest.raises(Shortage):
            await network.connect("127.0.0.1", server.port, Trace(), tls=tls)
        await network.connect("127.0.0.1", server.port, Trace(), tls=tls)


async def test_the_certificate_that_is_shown_is_not_taken_for_unreadable_for_want_of_a_descriptor(
    authority: Authority,
) -> None:
    cert, _ = authority.client("shown")
    with no_descriptors(), pytest.raises(Shortage):
        expiry_of_file(cert)
    assert expiry_of_file(cert) is not None


async def test_a_system_without_authorities_is_as_it_was(
    network: LoopNetwork, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    async with serving(answering(ok()), tls=authority.server()) as server:
        with pytest.raises(ProbeError, match="unknown authority"):
            await network.connect("127.0.0.1", server.port, Trace(), tls=TlsOptions())


class Giving(Trace):
    """The log of a run that gives descriptors back with its first line."""

    def __init__(self, scarcity: Scarcity) -> None:
        super().__init__()
        self._scarcity = scarcity

    def note(self, text: str) -> None:
        self._scarcity.end()
        super().note(text)


async def quiet(visit: Visit) -> None:
    await visit.reader.read()


async def test_an_address_that_could_not_be_tried_leaves_open_what_the_others_would_have_said() -> None:
    with no_descriptors() as scarcity, pytest.raises(Shortage):
        await dial(["127.0.0.1", "127.0.0.2"], free_port_of(scarcity), Giving(scarcity))


def free_port_of(scarcity: Scarcity) -> int:
    scarcity.end()
    port = free_port()
    scarcity.begin()
    return port


async def test_an_address_that_answers_is_good_where_another_one_could_not_be_tried() -> None:
    async with serving(quiet, host="127.0.0.2") as server:
        with no_descriptors() as scarcity:
            connection = await dial(["127.0.0.1", "127.0.0.2"], server.port, Giving(scarcity))
        connection.abort()
    assert connection.place == f"127.0.0.2:{server.port}"


async def test_a_certificate_that_is_refused_stays_so_where_a_second_look_at_it_finds_no_descriptor(
    network: LoopNetwork, authority: Authority
) -> None:
    tls = TlsOptions(ca_file=authority.ca_file)
    async with serving(answering(ok()), tls=authority.server("elsewhere.example")) as server:
        for _ in range(2):  # the second time all files are read
            with pytest.raises(ProbeError, match="is for another address"):
                await network.connect("127.0.0.1", server.port, Trace(), tls=tls)

        class Taking(Trace):
            """The log of a run that takes all descriptors once it is connected."""

            def note(self, text: str) -> None:
                super().note(text)
                if text.startswith("connected"):
                    scarcity.begin()

        trace = Taking()
        with no_descriptors() as scarcity:
            scarcity.end()
            with pytest.raises(ProbeError, match="is for another address"):
                await network.connect("127.0.0.1", server.port, trace, tls=tls)
    assert "a second look at it failed" in trace.log[-1][1]


async def test_connections_that_idle_are_given_up_where_a_run_finds_no_descriptor(
    network: LoopNetwork,
) -> None:
    async with serving(keeping()) as server:
        await network.call(Request(server.url(), reuse=True), Trace())
        assert network.idle == 1
        with no_descriptors(), pytest.raises(Shortage):
            await network.connect("127.0.0.1", server.port, Trace())
        assert network.idle == 0


async def test_without_a_thread_nothing_waits_for_one_and_the_next_call_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads()
    with monkeypatch.context() as patch, pytest.raises(Shortage, match="no more threads") as caught:
        patch.setattr(threading.Thread, "start", refuse)
        await threads.run(lambda: 1)
    assert caught.value.resource == "threads"
    assert await threads.run(lambda: 2) == 2
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.gather(*(threads.run(lambda: 3) for _ in range(2)))
    assert found == [3, 3]  # by the thread that there is
    threads.close()


async def test_a_token_that_nobody_could_be_asked_for_is_asked_for_again_at_once_and_cost_no_call(
    network: LoopNetwork,
) -> None:
    clock = HandClock()
    async with issuing(Issuer()) as issuer:
        tokens, trace = Tokens(network, clock), Trace()
        with no_descriptors(), pytest.raises(Shortage):
            await tokens.get(grant(issuer), trace)
        assert trace.calls == 0
        first = await tokens.get(grant(issuer), trace)
        with no_descriptors(), pytest.raises(Shortage):
            await tokens.get(grant(issuer), trace, refused=first)
        other: AccessToken = await tokens.get(grant(issuer), trace, refused=first)
    assert (other.value != first.value, trace.calls) == (True, 2)


def test_there_is_no_shortage_where_a_file_can_be_opened() -> None:
    assert present_shortage() is None
    with no_descriptors():
        assert isinstance(present_shortage(), Shortage)
