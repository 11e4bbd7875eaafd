"""What the Python client costs an app: microseconds of a request by ASGI and WSGI middleware.

    python -m benchmarks.client_cost [--requests 5000] [--rounds 15]

An app that does nothing is called with and without the middleware, in turns, without a server: what is left
is the middleware. Once the exporter is there (a receiver in another process), once it is dead, once it never
answers. `path` is the time that a request takes longer; `all` the CPU of the process for it, with the thread
that makes and sends the batches. Of an exporter that is away the queue is full soon, and stays so.
"""

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.row import Row
from exporter.client import Client
from exporter.client.asgi import ASGIMiddleware
from exporter.client.wsgi import WSGIMiddleware

COMMAND = "python -m benchmarks.client_cost"
GOAL = 50.0
"""Microseconds of a request."""

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

RECEIVER = """
import http.server
class Taking(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
print(server.server_port, flush=True)
server.serve_forever()
"""

Loop = Callable[[int], None]
"""Answers so many requests."""


class Cost(NamedTuple):
    """Microseconds of one request: on its path, and of CPU with the thread."""

    path: float
    cpu: float


def asgi(client: Client | None) -> Loop:
    """Return what answers requests as an ASGI server would, with the middleware if there is a client."""

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - as ASGI has it
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    whole: Any = app if client is None else ASGIMiddleware(app, client)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        pass

    async def answer(number: int) -> None:
        for _ in range(number):
            headers = [(b"host", b"shop"), (b"traceparent", TRACE.encode())]
            scope = {"type": "http", "method": "GET", "path": "/orders/17", "headers": headers}
            await whole(scope, receive, send)

    return lambda number: asyncio.run(answer(number))


def wsgi(client: Client | None) -> Loop:
    """Return what answers requests as a WSGI server would, with the middleware if there is a client."""

    def app(environ: Any, start_response: Any) -> list[bytes]:  # noqa: ARG001 - as WSGI has it
        start_response("200 OK", [])
        return [b"ok"]

    whole: Any = app if client is None else WSGIMiddleware(app, client)

    def start_response(*_: Any) -> Callable[[bytes], object]:
        return lambda _data: None

    def answer(number: int) -> None:
        for _ in range(number):
            environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/orders/17", "HTTP_TRACEPARENT": TRACE}
            pieces = whole(environ, start_response)
            for _piece in pieces:
                pass
            if close := getattr(pieces, "close", None):
                close()

    return answer


KINDS: dict[str, Callable[[Client | None], Loop]] = {"ASGI": asgi, "WSGI": wsgi}


@contextmanager
def receiver() -> Iterator[str]:
    """Run a receiver that takes everything, in a process of its own; yield its address."""
    with subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@contextmanager
def place(listens: bool) -> Iterator[str]:
    """Hold a port that answers nobody: it refuses connections, or takes them and is silent."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        if listens:
            held.listen()
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def measure(kind: str, url: str, patience: float, requests: int, rounds: int) -> Cost:
    """Return the median of what the middleware adds in `rounds`; each waits `patience` s for what is sent."""
    client = Client(url, "token")
    bare, reported = KINDS[kind](None), KINDS[kind](client)
    reported(100)
    paths, cpus = [], []
    for _ in range(rounds):
        with_client, cpu = _timed(reported, requests)
        client.flush(patience)
        whole = time.process_time() - cpu
        without, cpu = _timed(bare, requests)
        paths.append((with_client - without) / requests * 1e6)
        cpus.append((whole - (time.process_time() - cpu)) / requests * 1e6)
    client.close(0.0)
    return Cost(statistics.median(paths), statistics.median(cpus))


def _timed(loop: Loop, requests: int) -> tuple[float, float]:
    """Return the seconds of `requests`, and the CPU time of the process before them."""
    cpu, began = time.process_time(), time.perf_counter()
    loop(requests)
    return time.perf_counter() - began, cpu


def run(requests: int, rounds: int) -> dict[tuple[str, str], Cost]:
    """Measure both kinds of middleware in each state of the exporter, and print it."""
    found = {}
    with receiver() as there, place(listens=False) as dead, place(listens=True) as silent:
        for state, url, patience in (("there", there, 30.0), ("dead", dead, 0.0), ("silent", silent, 0.0)):
            for kind in KINDS:
                cost = found[kind, state] = measure(kind, url, patience, requests, rounds)
                print(f"{kind}, exporter {state}: {cost.path:.1f} us of a request", end=", ")
                print(f"{cost.cpu:.1f} us of CPU in all", flush=True)
    return found


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    found = run(500, 1) if quick else run(5_000, 15)
    return [
        Row(
            "P12",
            f"{kind} middleware, exporter {state}: what a request takes longer",
            f"< {GOAL:g} us",
            f"{cost.path:.0f} us ({cost.cpu:.0f} us of CPU with the thread that sends)",
            cost.path < GOAL,
            COMMAND,
        )
        for (kind, state), cost in found.items()
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    run(options.requests, options.rounds)


if __name__ == "__main__":
    main()
