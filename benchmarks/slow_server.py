"""A server that answers every request after a while: `python -m benchmarks.slow_server PORT MILLISECONDS`."""

import asyncio
import sys
from typing import cast

import uvloop

BODY = b'{"status": "ok"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


class Slow(asyncio.Protocol):
    """One connection, one request at a time, without a body."""

    def __init__(self, seconds: float) -> None:
        """Wait `seconds` before each answer."""
        self._seconds = seconds
        self._close = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the transport."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer later; a request of one packet is all that comes here."""
        self._close = b"Connection: close" in data
        asyncio.get_running_loop().call_later(self._seconds, self._answer)

    def _answer(self) -> None:
        if self._transport is not None:
            self._transport.write(ANSWER)
            if self._close:
                self._transport.close()


async def serve(port: int, seconds: float) -> None:
    """Listen until the process is ended."""
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Slow(seconds), "127.0.0.1", port, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1e3))
