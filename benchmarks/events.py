"""Events over HTTP: how many a core of the exporter takes, in batches of 100.

    python -m benchmarks.events [--durable] [--seconds 10] [--connections 4] [--postgres [postgresql://...]]

A whole exporter takes events from threads of this process, which send bodies that are ready: requests of
apps, which are validated and counted, then payments, webhooks and entries of the audit, which are stored
before the answer. CPU is that of the exporter alone. What is stored is bound by the disk: its own time of
fdatasync is said beside it. `--postgres` without a URL starts Debian's server in a folder of its own.
"""

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.programs import Program, exporter
from benchmarks.row import Row
from tests.servers.ports import free_port
from tests.servers.postgres import cluster

BATCH = 100
TOKEN = "benchmark-0123456789abcdef"
MARK = b"\x00"
"""Stands in a body that is ready for what makes its ids those of one request alone."""

EVENTS: dict[str, dict[str, Any]] = {
    "api_request": {"route": "/orders/{id}", "method": "GET", "status": 200, "duration": 0.05},
    "payment": {"outcome": "succeeded", "amount": 12.5, "currency": "EUR"},
    "webhook": {"source": "shop", "outcome": "processed", "type": "order.paid", "duration": 0.05},
    "audit": {
        "action": "order.updated",
        "resource": "order:1042",
        "country": "DE",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "details": {"fields": ["status", "note"]},
    },
}
DURABLE = ("payment", "webhook", "audit")


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
    if kind == "audit":
        for number, event in enumerate(events):
            event |= {"actor": f"user-{place}-{number}", "address": f"198.51.100.{number}"}
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


@contextmanager
def durable_postgres() -> Iterator[str]:
    """Run a PostgreSQL that syncs each commit, as one does by default, and return the URL of a database."""
    with cluster() as server:
        server.stop()
        with (server.data / "postgresql.conf").open("a") as conf:
            # Of two lines with one name the later holds; the tests' server is made for speed.
            conf.write("fsync = on\nsynchronous_commit = on\nshared_buffers = 128MB\nautovacuum = on\n")
        server.start()
        server.admin("CREATE DATABASE state OWNER app")
        yield f"postgresql://app:app-password@127.0.0.1:{server.port}/state"


def run(
    seconds: float, connections: int, url: str = "", kinds: Sequence[str] = tuple(EVENTS)
) -> dict[str, Reached]:
    """Measure `kinds` against one exporter, and print it."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        store = url or f"sqlite:///{folder}/state.db"
        (folder / "config.yml").write_text(f"store: {{url: '{store}'}}\n")
        (folder / "web.yml").write_text(f"bearer_tokens: [{{name: app, token: {TOKEN}, roles: [ingest]}}]\n")
        print(f"the disk makes 4 KiB durable in {fdatasync(folder) * 1e3:.2f} ms")
        found = {}
        with exporter(folder, port, f"--web.config.file={folder / 'web.yml'}") as program:
            for kind in kinds:
                found[kind] = measure(program, port, kind, seconds, connections)
                print(f"{kind}: {found[kind].per_core:,.0f} a second on a core, ", end="")
                print(f"{found[kind].per_second:,.0f} a second by the clock")
            print(f"memory afterwards: {program.rss() / 1e6:.0f} MB")
        return found


def rows(quick: bool = False) -> Iterator[Row]:
    """Measure for the table: what SQLite stores is known before PostgreSQL is asked."""
    seconds = 0.5 if quick else 10.0
    found = run(seconds, 4)
    counted = found["api_request"].per_core
    yield Row(
        "P5",
        "events over HTTP in batches of 100, validated and counted",
        ">= 30,000/s a core",
        f"{counted:,.0f}",
        counted >= 30_000,
        "python -m benchmarks.events",
    )
    yield from _durable_rows("SQLite", found, 5_000)
    with durable_postgres() as url:
        beside = run(seconds, 4, url, DURABLE)
    yield from _durable_rows("PostgreSQL", beside, 10_000)


def _durable_rows(store: str, found: dict[str, Reached], goal: int) -> Iterator[Row]:
    command = "python -m benchmarks.events --durable" + " --postgres" * (store == "PostgreSQL")
    for kind in DURABLE:
        per_core, per_second = found[kind]
        yield Row(
            "P5",
            f"events of the kind `{kind}` stored before the answer, {store}",
            f">= {goal:,}/s",
            f"{per_second:,.0f} ({per_core:,.0f} a core)",
            per_second >= goal,
            command,
        )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--durable", action="store_true", help="only the kinds that are stored")
    parser.add_argument(
        "--postgres", nargs="?", const="own", default="", help="URL of a database to store in; one of its own"
    )
    options = parser.parse_args()
    kinds = DURABLE if options.durable else tuple(EVENTS)
    if options.postgres == "own":
        with durable_postgres() as url:
            run(options.seconds, options.connections, url, kinds)
    else:
        run(options.seconds, options.connections, options.postgres, kinds)


if __name__ == "__main__":
    main()
