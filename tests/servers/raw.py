"""Loopback servers that do exactly what a test tells them, byte by byte."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from tests.waiting import rest

Talk = Callable[["Visit"], Awaitable[None]]


@dataclass
class Visit:
    """One connection of a client, as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "Raw"

    async def request(self) -> bytes:
        """Read one request: its head, and a body of the announced length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        whole = head + (await self.reader.readexactly(length) if length else b"")
        self.server.requests.append(whole)
        return whole

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Cut the connection with a RST instead of a FIN."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.writer.transport.abort()


@dataclass
class Raw:
    """A running server: what it was asked so far."""

    port: int = 0
    host: str = "127.0.0.1"
    requests: list[bytes] = field(default_factory=list)
    visits: int = 0
    open: int = 0

    def url(self, path: str = "/", scheme: str = "http", host: str = "") -> str:
        return f"{scheme}://{host or self.host}:{self.port}{path}"


@contextlib.asynccontextmanager
async def serving(
    talk: Talk, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Raw]:
    """Serve each connection by `talk`, then close it; whatever is open at the end is cut."""
    raw = Raw(host=host)
    tasks: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw.visits += 1
        raw.open += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await talk(Visit(reader, writer, raw))
        except asyncio.CancelledError:
            pass
        finally:
            raw.open -= 1
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(visit, host, port, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await rest()  # the loop closes what was cut


def answering(data: bytes, *, stay: bool = False) -> Talk:
    """Answer one request with `data`, then close; `stay` keeps the connection open and silent."""

    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(data)
        if stay:
            await visit.reader.read()  # until the client hangs up

    return talk


def ok(body: bytes = b'{"status": "ok"}', headers: str = "", status: str = "200 OK") -> bytes:
    """Return a good answer, whole."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def keeping(data: bytes | None = None) -> Talk:
    """Answer every request of a connection with `data`, for as long as the client likes."""

    async def talk(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.say(ok() if data is None else data)

    return talk


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A listener whose queue is full: the system drops every further connection attempt."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])
