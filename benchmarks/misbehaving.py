"""Servers that misbehave at random: `python -m benchmarks.misbehaving --help`.

Each answer is drawn: most are good, one in `--bad` is slow, cut, an error, garbage or nothing at all. On the
ports with TLS a connection may also get a stranger's certificate, garbage instead of a handshake, or an end.
"""

import argparse
import asyncio
import random
import socket
import ssl
from pathlib import Path
from typing import cast

import uvloop

BODY = b'{"status": "ok", "queue": {"length": 7, "name": "mail"}}'
GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)
WRONG = {
    "error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    "busy": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "gone": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "not json": b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"status"',
    "other json": b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n[null, 1, "x"]',
    "framing": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\nx",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnothing\r\n",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    "two": GOOD + GOOD,
    "banner": b"220 mail.example.org ESMTP\r\n",
    "zeros": bytes(200),
}
CUT = {"cut head": GOOD[:20], "cut body": GOOD[:-9], "closed": b""}
MOODS = (*WRONG, *CUT, "slow", "later", "never", "noise", "long head", "reset")
SHAKES = ("stranger", "plain", "end", "noise")

LATER, SLOW = 0.4, 4.0
"""Seconds: an answer that still comes in time, and one that does not."""


class Server(asyncio.Protocol):
    """One connection; requests are without a body, so each ends with an empty line."""

    def __init__(self, dice: random.Random, bad: float) -> None:
        """Throw `dice`; `bad` is the part of the answers that are not good."""
        self._dice = dice
        self._bad = bad
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the transport."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer each request."""
        self._data += data
        while b"\r\n\r\n" in self._data:
            _, _, self._data = self._data.partition(b"\r\n\r\n")
            self._answer()

    def _answer(self) -> None:
        mood = self._dice.choice(MOODS) if self._dice.random() < self._bad else ""
        if mood in CUT:
            self._say(CUT[mood], close=True)
        elif mood == "noise":
            self._say(self._dice.randbytes(300), close=True)
        elif mood == "long head":
            self._say(b"HTTP/1.1 200 OK\r\n" + b"X-Much: more\r\n" * 9000)
        elif mood == "reset" and self._transport:
            self._transport.abort()
        elif mood in ("slow", "later"):
            asyncio.get_running_loop().call_later(SLOW if mood == "slow" else LATER, self._say, GOOD)
        elif mood != "never":
            self._say(WRONG.get(mood, GOOD))

    def _say(self, data: bytes, close: bool = False) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if close:
            self._transport.close()


class SecurePort:
    """Takes connections to be secured by TLS, which may go wrong before the first request."""

    def __init__(self, dice: random.Random, bad: float, contexts: dict[str, ssl.SSLContext]) -> None:
        """Use `contexts`: `server` and `stranger`."""
        self._dice, self._bad, self._contexts = dice, bad, contexts
        self._jobs: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> None:
        """Take connections for ever."""
        with socket.create_server(("127.0.0.1", port), backlog=1024) as listening:
            listening.setblocking(False)
            while True:
                try:
                    taken, _ = await asyncio.get_running_loop().sock_accept(listening)
                except OSError:  # a client left already, or there are too many
                    await asyncio.sleep(0.01)
                    continue
                job = asyncio.create_task(self._shake(taken))
                self._jobs.add(job)
                job.add_done_callback(self._jobs.discard)

    async def _shake(self, taken: socket.socket) -> None:
        shake = self._dice.choice(SHAKES) if self._dice.random() < self._bad else "server"
        context = self._contexts.get(shake)
        loop = asyncio.get_running_loop()
        try:
            if context is not None:
                await loop.connect_accepted_socket(
                    lambda: Server(self._dice, self._bad), taken, ssl=context, ssl_handshake_timeout=10
                )
                return
            words = {"plain": WRONG["error"], "noise": self._dice.randbytes(64)}.get(shake, b"")
            await loop.sock_sendall(taken, words)
        except (OSError, ssl.SSLError):  # the other side did not like what it saw
            pass
        taken.close()


def _context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def serve(options: argparse.Namespace) -> None:
    """Listen until the process is ended."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # cut handshakes are what it is for
    dice = random.Random(options.seed)
    for port in range(options.plain, options.plain + options.plain_ports):
        await loop.create_server(lambda: Server(dice, options.bad), "127.0.0.1", port, backlog=1024)
    jobs = []
    if options.tls_ports:
        contexts = {name: _context(options.certificates / f"{name}.pem") for name in ("server", "stranger")}
        secure = SecurePort(dice, options.bad, contexts)
        jobs = [secure.listen(port) for port in range(options.tls, options.tls + options.tls_ports)]
    await loop.create_server(lambda: Server(dice, 0.0), "127.0.0.1", options.ready)
    await asyncio.gather(asyncio.Event().wait(), *jobs)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Serve on loopback, and misbehave at random.")
    parser.add_argument("--plain", type=int, required=True, help="first port of HTTP")
    parser.add_argument("--plain-ports", type=int, default=1)
    parser.add_argument("--tls", type=int, default=0, help="first port of HTTPS")
    parser.add_argument("--tls-ports", type=int, default=0)
    parser.add_argument("--ready", type=int, required=True, help="a port that never misbehaves")
    parser.add_argument(
        "--certificates", type=Path, default=Path(), help="folder of server.pem and stranger.pem"
    )
    parser.add_argument("--bad", type=float, default=0.04, help="part of the answers that are not good")
    parser.add_argument("--seed", type=int, default=1)
    uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
