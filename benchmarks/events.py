"""Events over HTTP: how many a core of the exporter takes, in batches of 100.

    python -m benchmarks.events [--seconds 10] [--connections 4] [--postgres postgresql://...]

A whole exporter takes events from threads of this process, which send bodies that are ready: requests of
apps, which are validated and counted, then payments, which are stored before the answer. CPU is that of the
exporter alone. The second is bound by the disk: its own time of fdatasync is said beside it.
"""

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.programs import Program, exporter
from benchmarks.row import Row
from exporter.demo.services import free_port

BATCH = 100
TOKEN = "benchmark-0123456789abcdef"
MARK = b"\x00"
"""Stands in a body that is ready for what makes its ids those of one request alone."""

EVENTS: dict[str, dict[str, Any]] = {
    "api_request": {"route": "/orders/{id}", "method": "GET", "status": 200, "duration": 0.05},
    "payment": {"outcome": "succeeded", "amount": 12.5, "currency": "EUR"},
}


class Reached(NamedTuple):
    """Events a second on one core of the exporter, and by the clock."""

    per_core: float
    per_second: float


def body(kind: str, place: int) -> bytes:
    """Return a batch with a mark for what is particular to a request."""
    events = [
        {"kind": kind, "id": f"MARK-{number}", "tenant": f"t{(place + number) % 50}", **EVENTS[kind]}
        for number in range(BATCH)
    ]
    return json.dumps(events).encode().replace(b"MARK", MARK)


def send(port: int, kind: str, until: float, place: int, sent: list[int]) -> None:
    """Send batches over one connection until a time; note how many were taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    ready, number = body(kind, place), 0
    while time.monotonic() < until:
        number += 1
        text = ready.replace(MARK, f"{kind}-{place}-{number}".encode())
        connection.request("POST", "/api/v1/events", text, headers)
        response = connection.getresponse()
        response.read()
        if response.status != 202:
            raise SystemExit(f"events were answered {response.status}")
        sent[place] += BATCH
    connection.close()


def measure(program: Program, port: int, kind: str, seconds: float, connections: int) -> Reached:
    """Send events of a kind for some seconds."""
    sent = [0] * connections
    begin, cpu = time.monotonic(), program.cpu()
    threads = [
        threading.Thread(target=send, args=(port, kind, begin + seconds, place, sent))
        for place in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, cost = time.monotonic() - begin, program.cpu() - cpu
    if not sum(sent):
        raise SystemExit("no event was taken")
    return Reached(sum(sent) / cost, sum(sent) / took)


def fdatasync(folder: Path, times: int = 50) -> float:
    """Return the median seconds that the disk takes to make 4 KiB durable."""
    taken = []
    with (folder / "probe").open("wb") as file:
        for _ in range(times):
            file.write(os.urandom(4096))
            file.flush()
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begin)
    return sorted(taken)[times // 2]


def run(seconds: float, connections: int, url: str = "") -> dict[str, Reached]:
    """Measure every kind against one exporter, and print it."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port(0)
        store = url or f"sqlite:///{folder}/state.db"
        (folder / "config.yml").write_text(f"store: {{url: '{store}'}}\n")
        (folder / "web.yml").write_text(f"bearer_tokens: [{{name: app, token: {TOKEN}, roles: [ingest]}}]\n")
        print(f"the disk makes 4 KiB durable in {fdatasync(folder) * 1e3:.2f} ms")
        found = {}
        with exporter(folder, port, f"--web.config.file={folder / 'web.yml'}") as program:
            for kind in EVENTS:
                found[kind] = measure(program, port, kind, seconds, connections)
                print(f"{kind}: {found[kind].per_core:,.0f} a second on a core, ", end="")
                print(f"{found[kind].per_second:,.0f} a second by the clock")
            print(f"memory afterwards: {program.rss() / 1e6:.0f} MB")
        return found


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    found = run(0.5 if quick else 10.0, 4)
    counted, stored = found["api_request"].per_core, found["payment"].per_second
    command = "python -m benchmarks.events"
    return [
        Row(
            "P5",
            "events over HTTP in batches of 100, validated and counted",
            ">= 30,000/s a core",
            f"{counted:,.0f}",
            counted >= 30_000,
            command,
        ),
        Row(
            "P5",
            "events stored before the answer, SQLite",
            ">= 5,000/s",
            f"{stored:,.0f}",
            stored >= 5_000,
            command,
        ),
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--postgres", default="", help="SQLAlchemy URL of a database to store in")
    options = parser.parse_args()
    run(options.seconds, options.connections, options.postgres)


if __name__ == "__main__":
    main()
