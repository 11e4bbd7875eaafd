import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Talk, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.net.network import LoopNetwork
from exporter.net.talk import WholeAnswer
from tests.servers.authority import Authority
from tests.servers.ports import free_port
from tests.servers.raw import Visit, serving
from tests.waiting import until


class Line(WholeAnswer):
    """Reads up to the end of a line."""

    def __init__(self) -> None:
        self.text = b""

    def feed(self, data: bytes) -> None:
        self.text += data
        self.done = b"\n" in self.text


async def line(talk: Talk, data: bytes = b"") -> bytes:
    reader = Line()
    await talk.ask(data, reader, "banner", "a line")
    return reader.text


async def echo(visit: Visit) -> None:
    await visit.say(b"hello\n")
    while asked := await visit.reader.readline():
        await visit.say(asked.upper())


async def test_a_talk_is_questions_and_answers_on_one_connection(network: LoopNetwork) -> None:
    trace = Trace()
    async with serving(echo) as server:
        async with network.talk("127.0.0.1", server.port, trace) as talk:
            assert await line(talk) == b"hello\n"  # what came before anybody asked is kept
            assert await line(talk, b"one\n") == b"ONE\n"
            assert await line(talk, b"two\n") == b"TWO\n"
            assert (talk.place, talk.local, talk.secured) == (
                f"127.0.0.1:{server.port}",
                "127.0.0.1",
                False,
            )
        await until(lambda: server.open == 0)
        assert server.visits == 1
    assert set(trace.phases) == {"connect", "banner"}


async def test_a_talk_that_fails_leaves_nothing_open(network: LoopNetwork) -> None:
    async with serving(echo) as server:
        with contextlib.suppress(KeyError):
            async with network.talk("127.0.0.1", server.port, Trace()):
                raise KeyError
        await until(lambda: server.open == 0)


async def test_a_peer_that_hangs_up_instead_of_answering_is_a_connect_failure(network: LoopNetwork) -> None:
    async def leave(visit: Visit) -> None:
        await visit.reader.readline()

    async with serving(leave) as server, network.talk("127.0.0.1", server.port, Trace()) as talk:
        with pytest.raises(ProbeError) as failure:
            await line(talk, b"hello?\n")
    assert failure.value.reason is Reason.CONNECT


async def test_what_was_waited_for_is_in_the_log_of_a_cancelled_talk(network: LoopNetwork) -> None:
    async def stay(visit: Visit) -> None:
        await visit.reader.read()

    trace = Trace()
    async with serving(stay) as server:
        with pytest.raises(TimeoutError):
            async with network.talk("127.0.0.1", server.port, trace) as talk, asyncio.timeout(0.2):
                await line(talk)
    assert trace.log[-1][1] == "stopped while waiting for a line"


async def test_tls_begins_in_the_middle_of_a_talk_and_a_refused_certificate_is_read_by_going_there_again(
    network: LoopNetwork, authority: Authority
) -> None:
    expired = authority.server(since=-9, until=-2)

    async def upgrade(visit: Visit) -> None:
        await visit.reader.readline()
        await visit.say(b"go\n")
        await visit.writer.start_tls(expired)
        await echo(visit)

    async def ready(talk: Talk) -> None:
        assert await line(talk, b"tls\n") == b"go\n"

    trace = Trace()
    async with serving(upgrade) as server:
        async with network.talk("127.0.0.1", server.port, trace) as talk:
            await ready(talk)
            with pytest.raises(ProbeError) as failure:
                await talk.secure(TlsOptions(ca_file=authority.ca_file), ready)
        assert failure.value.reason is Reason.TLS
        assert trace.certificate_expiry is not None
        assert server.visits == 2
        async with network.talk("127.0.0.1", server.port, trace) as talk:
            await ready(talk)
            await talk.secure(TlsOptions(insecure_skip_verify=True))
            assert talk.secured
            assert await line(talk) == b"hello\n"
            assert await line(talk, b"three\n") == b"THREE\n"


@contextlib.asynccontextmanager
async def datagrams(lose: int = 0) -> AsyncIterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            heard.append(data)
            if len(heard) > lose:
                self.transport.sendto(data.upper(), addr)

    port = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Echo, local_addr=("127.0.0.1", port)
    )
    try:
        yield port, heard
    finally:
        transport.close()
        await asyncio.sleep(0)


async def test_datagrams_are_answered_and_repeated_where_one_is_lost(network: LoopNetwork) -> None:
    async with (
        datagrams(lose=1) as (port, heard),
        network.talk("127.0.0.1", port, Trace(), datagrams=True) as talk,
    ):
        assert await line(talk, b"one\n") == b"ONE\n"
        assert await line(talk, b"two\n") == b"TWO\n"
    assert heard == [b"one\n", b"one\n", b"two\n"]


async def test_a_port_without_a_listener_refuses_datagrams(network: LoopNetwork) -> None:
    async with network.talk("127.0.0.1", free_port(), Trace(), datagrams=True) as talk:
        with pytest.raises(ProbeError) as failure:
            await line(talk, b"hello?\n")
    assert failure.value.reason is Reason.CONNECT


async def test_there_is_no_tls_on_datagrams(network: LoopNetwork) -> None:
    async with network.talk("127.0.0.1", free_port(), Trace(), datagrams=True) as talk:
        with pytest.raises(ProbeError) as failure:
            await talk.secure(TlsOptions())
    assert failure.value.reason is Reason.TLS


async def test_a_host_that_is_none_is_not_configured(network: LoopNetwork) -> None:
    with pytest.raises(ProbeError) as failure:
        async with network.talk("a b", 1, Trace()):
            pass
    assert failure.value.reason is Reason.NOT_CONFIGURED
