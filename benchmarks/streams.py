"""What open pages cost: streams of changes, while something changes all the time.

    python -m benchmarks.streams [--streams 200] [--seconds 20]

A whole exporter takes four payments a second, so that each stream gets two events a second, the most there
are. Measured is its CPU with the streams beside its CPU without, in turns, and how long a change takes to
arrive. The streams are read by this process.
"""

import argparse
import http.client
import json
import selectors
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.programs import Program, exporter
from benchmarks.row import Row
from tests.servers.ports import free_port

STREAMS, SECONDS, TURNS = 200, 20.0, 2
RATE = 4.0
"""Payments a second."""

GOAL = 5.0
"""Percent of a core."""

TOKEN = "benchmark-0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


@dataclass
class Readers:
    """Open streams, read by one thread; `heard` are the times at which events arrived at the first one."""

    port: int
    count: int
    heard: list[float] = field(default_factory=list)
    events: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Readers":
        self._selector = selectors.DefaultSelector()
        for number in range(self.count):
            made = socket.create_connection(("127.0.0.1", self.port))
            head = f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
            made.sendall(head.encode())
            if b" 200 " not in made.recv(16):
                raise SystemExit("a stream was not opened")
            self._selector.register(made, selectors.EVENT_READ, number)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.1):
                count = key.fileobj.recv(65_536).count(b"event: change")  # type: ignore[union-attr]  # all are sockets
                self.events += count
                if key.data == 0 and count:
                    self.heard.append(time.monotonic())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
        self._selector.close()


@dataclass
class Costs:
    """CPU seconds of each turn, without and with streams; events that arrived; seconds until one did."""

    without: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    events: int = 0
    waits: list[float] = field(default_factory=list)


def pay(port: int, seconds: float) -> list[float]:
    """Report payments for `seconds`; return when each was stored."""
    connection, stored = http.client.HTTPConnection("127.0.0.1", port, timeout=30), []
    begin = time.monotonic()
    for number in range(round(seconds * RATE)):
        time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
        body = {
            "kind": "payment",
            "id": f"{time.monotonic_ns()}",
            "outcome": "succeeded",
            "amount": 1,
            "currency": "EUR",
        }
        connection.request("POST", "/api/v1/events", json.dumps(body), HEADERS)
        if (answer := connection.getresponse()).status != 202:
            raise SystemExit(f"a payment was answered {answer.status}: {answer.read()[:200]!r}")
        answer.read()
        stored.append(time.monotonic())
    connection.close()
    return stored


def measure(streams: int, seconds: float) -> Costs:
    """Return what the streams cost, in turns with and without them."""
    found = Costs()
    with _program() as (program, port):
        pay(port, 1.0)
        for _ in range(TURNS):
            begin = program.cpu()
            pay(port, seconds)
            found.without.append(program.cpu() - begin)
            with Readers(port, streams) as readers:
                begin = program.cpu()
                stored = pay(port, seconds)
                found.beside.append(program.cpu() - begin)
                time.sleep(1.0)
            found.events += readers.events
            found.waits += [wait for at in stored if (wait := _wait(at, readers.heard)) is not None]
    return found


def _wait(at: float, heard: list[float]) -> float | None:
    return next((one - at for one in heard if one >= at), None)


@contextmanager
def _program() -> Iterator[tuple[Program, int]]:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "config.yml").write_text(f"store: {{url: 'sqlite:///{folder}/state.db'}}\n")
        token = f"bearer_tokens: [{{name: ops, token: {TOKEN}, roles: [admin, ingest]}}]\n"
        (folder / "web.yml").write_text(token)
        with exporter(folder, port, f"--web.config.file={folder / 'web.yml'}") as program:
            yield program, port


def rows(quick: bool) -> list[Row]:
    """Measure and return the rows of the table of goals."""
    streams, seconds = (5, 1.0) if quick else (STREAMS, SECONDS)
    found = measure(streams, seconds)
    extra = (sum(found.beside) - sum(found.without)) / (TURNS * seconds) * 100
    rate = found.events / (TURNS * seconds) / streams
    worst = max(found.waits)
    command = "python -m benchmarks.streams"
    return [
        Row(
            "P11",
            f"{streams} open pages, {rate:.1f} events a second to each",
            f"below {GOAL:g} % of a core",
            f"{extra:.1f} %",
            extra < GOAL,
            command,
        ),
        Row(
            "P11",
            "from a change to an open page",
            "2 s",
            f"{statistics.median(found.waits):.2f} s, {worst:.2f} s at most",
            worst < 2,
            command,
        ),
    ]


def main() -> None:
    """Measure as the flags say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=STREAMS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    found = measure(options.streams, options.seconds)
    print(f"CPU seconds without streams: {[round(one, 2) for one in found.without]}")
    print(f"CPU seconds with {options.streams} of them: {[round(one, 2) for one in found.beside]}")
    extra = (sum(found.beside) - sum(found.without)) / (TURNS * options.seconds) * 100
    print(
        f"they cost {extra:.1f} % of a core, {found.events / (TURNS * options.seconds):.0f} events a second"
    )
    print(f"a change arrives after {statistics.median(found.waits):.2f} s, {max(found.waits):.2f} s at most")


if __name__ == "__main__":
    main()
