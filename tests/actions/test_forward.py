"""What is forwarded reaches the app as it came, once it is accepted and again until then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.actions.forward import ACTION, ForwardAction
from exporter.core.action import ActionKit
from exporter.core.delivery import Delivery, EndpointLimits, GiveUp, HeaderLines, Receipt, RetryLater
from exporter.core.forwarding import FORWARD
from exporter.core.webhook import Forward, WebhookSource
from exporter.net.network import LoopNetwork

NOW = 1_795_000_000.0
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class App:
    """A server that reads raw bytes: it knows nothing of HTTP but where a message ends."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.answer: Callable[[], bytes] = lambda: OK
        self.hold = asyncio.Event()
        self.hold.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"\r\ncontent-length: ")[-1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                await self.hold.wait()
                writer.write(self.answer())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def app() -> AsyncIterator[tuple[App, int]]:
    made = App()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    try:
        yield made, server.sockets[0].getsockname()[1]
    finally:
        made.hold.set()
        server.close()


@asynccontextmanager
async def action(url: str, **more: Any) -> AsyncIterator[ForwardAction]:
    source = WebhookSource("stripe", "stripe", (), forward=Forward(url, **more))
    network = LoopNetwork()
    kit = ActionKit(network, lambda _: None, lambda name: source if name == "stripe" else None, lambda: NOW)
    try:
        yield ACTION(kit)
    finally:
        await network.close()


def delivery(body: bytes = b"{}", headers: HeaderLines = (), attempts: int = 0) -> Delivery:
    return Delivery(
        "webhook/stripe/1", FORWARD, "stripe", body, NOW, NOW + 60, headers=headers, attempts=attempts
    )


def lines(request: bytes) -> list[bytes]:
    return request.partition(b"\r\n\r\n")[0].split(b"\r\n")


async def test_the_app_gets_body_and_headers_and_one_of_ours() -> None:
    headers = (("Content-Type", "text/x; charset=\xe9"), ("X-Twice", "1"), ("x-twice", "2"), ("X-Empty", ""))
    async with app() as (server, port), action(f"http://127.0.0.1:{port}/hooks/a?b=%2F") as forward:
        receipt = await forward.run(delivery(b"\x00\xff", headers, attempts=2))
    assert receipt == Receipt(204, url=f"http://127.0.0.1:{port}/hooks/a?b=***")
    (request,) = server.requests
    assert request.endswith(b"\r\n\r\n\x00\xff")
    assert lines(request) == [
        b"POST /hooks/a?b=%2F HTTP/1.1",
        b"Content-Type: text/x; charset=\xe9",
        b"X-Twice: 1",
        b"x-twice: 2",
        b"X-Empty: ",
        b"X-Integration-Exporter-Attempt: 3",
        b"Host: 127.0.0.1:%d" % port,
        b"Content-Length: 2",
    ]


NAMES = st.text(st.sampled_from("abcXYZ019-_.!#$%&'*+^`|~"), min_size=1, max_size=12).map("X-{}".format)
VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(headers=st.lists(st.tuples(NAMES, VALUES), max_size=12).map(tuple), body=st.binary(max_size=2000))
def test_whatever_was_stored_is_sent_to_the_byte(headers: HeaderLines, body: bytes) -> None:
    async def exchange() -> bytes:
        async with app() as (server, port), action(f"http://127.0.0.1:{port}/") as forward:
            await forward.run(delivery(body, headers))
        (request,) = server.requests
        return request

    request = asyncio.run(exchange())
    head, _, found = request.partition(b"\r\n\r\n")
    assert found == body
    expected = [f"{name}: {value}".encode("latin-1") for name, value in headers]
    assert head.split(b"\r\n")[1 : len(headers) + 1] == expected


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_a_receipt(status: int) -> None:
    async with app() as (server, port), action(f"http://127.0.0.1:{port}/") as forward:
        server.answer = lambda: b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status
        assert (await forward.run(delivery())).status == status


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 408, 425, 429, 500, 502, 503])
async def test_other_statuses_are_tried_again(status: int) -> None:
    async with app() as (server, port), action(f"http://127.0.0.1:{port}/") as forward:
        server.answer = lambda: (
            b"HTTP/1.1 %d x\r\nLocation: /other\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n" % status
        )
        with pytest.raises(RetryLater) as raised:
            await forward.run(delivery())
    assert (raised.value.status, raised.value.after) == (status, 17.0)
    assert len(server.requests) == 1, "a redirect is not followed"


async def test_an_app_that_is_gone_wants_it_no_more() -> None:
    async with app() as (server, port), action(f"http://127.0.0.1:{port}/") as forward:
        server.answer = lambda: b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
        with pytest.raises(GiveUp):
            await forward.run(delivery())


async def test_an_app_that_is_not_there_or_late_is_tried_again() -> None:
    async with app() as (server, port), action(f"http://127.0.0.1:{port}/", timeout=0.05) as forward:
        server.hold.clear()
        with pytest.raises(RetryLater) as late:
            await forward.run(delivery())
    async with action(f"http://127.0.0.1:{port}/") as forward:
        with pytest.raises(RetryLater) as refused:
            await forward.run(delivery())
    assert (late.value.reason, refused.value.reason) == ("timeout", "connect")


async def test_an_accepted_webhook_is_not_sent_again_for_a_body_that_breaks_off() -> None:
    async with app() as (server, port), action(f"http://127.0.0.1:{port}/") as forward:
        server.answer = lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"
        assert (await forward.run(delivery())).status == 200


async def test_one_connection_serves_many_and_one_that_was_closed_is_opened_again() -> None:
    async with app() as (server, port), action(f"http://127.0.0.1:{port}/") as forward:
        for _ in range(3):
            await forward.run(delivery())
        assert server.connections == 1
        server.answer = lambda: b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        await forward.run(delivery())
        server.answer = lambda: OK
        await forward.run(delivery())
        assert (server.connections, len(server.requests)) == (2, 5)


async def test_a_source_that_is_gone_waits_and_one_with_an_app_has_its_limits() -> None:
    limits = EndpointLimits(concurrency=2)
    async with action("http://127.0.0.1:9/", limits=limits) as forward:
        assert forward.limits("stripe") == limits and forward.limits("github") is None
        with pytest.raises(RetryLater):
            await forward.run(Delivery("x", FORWARD, "github", b"", NOW, NOW + 9))
