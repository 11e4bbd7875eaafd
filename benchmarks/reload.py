"""What a reload with one changed tenant does to probing: 10,000 tenants of six integrations, under load.

    python -m benchmarks.reload [--tenants 10000] [--reloads 5] [--quick]

The exporter runs as a process, beside a vendor that answers after 50 ms (benchmarks.slow_server). Its tenants
are rows of a file that all integrations name, each with a credential of its own. At each reload one row has
another credential. Meanwhile a client asks `/-/healthy` every 5 ms: the longest wait bounds the longest time
that the loop was blocked. The vendor is asked beside it: what it takes beyond its 50 ms is the machine's
own. Printed are the lag's p99, from the exporter's own histogram, and those waits, before and during reloads,
and how long a reload takes.
"""

import argparse
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.pauses import describe, pauses
from benchmarks.programs import exporter, fetch, post
from benchmarks.row import Row
from benchmarks.tenants import ANSWER, Knocker, lag, quantile, slow_vendor, wait_for
from tests.servers.ports import free_port

INTEGRATIONS, INTERVAL, PAUSE, QUIET = 6, 200.0, 3.0, 15.0
COMMAND = "python -m benchmarks.reload"


class Waits(NamedTuple):
    """Seconds before the reloads and during them."""

    before: float
    during: float


class Found(NamedTuple):
    """What was measured, in seconds: of `takes` each is one reload; `collector` says what it did in them."""

    lag: Waits
    blocked: Waits
    machine: Waits
    takes: list[float]
    collector: str


def write_rows(folder: Path, tenants: int, turn: int) -> None:
    """Write the file of tenants; in each turn another one has a new credential."""
    (folder / "tenants.yml").write_text(
        "".join(
            f"- {{id: tenant-{number:05}, labels: {{plan: gold}}, options: "
            f"{{auth: {{bearer: {{token: token-{turn if number == turn else 0}-of-{number:05}}}}}}}}}\n"
            for number in range(tenants)
        )
    )


def write_configuration(folder: Path, vendor: int) -> None:
    """Write a file with six integrations of the same tenants."""
    lines = [f"defaults: {{interval: {INTERVAL:g}s}}", "integrations:"]
    lines += [
        f"  - {{name: vendor-{number}, provider: http, options: {{url: 'http://127.0.0.1:{vendor}/', "
        "connection: reuse}, tenants: {files: [tenants.yml]}}"
        for number in range(INTEGRATIONS)
    ]
    lines.append(f'store: {{url: "sqlite:///{folder}/state.db"}}')
    (folder / "config.yml").write_text("\n".join(lines) + "\n")


def measure(tenants: int, reloads: int, quiet: float, pause: float) -> Found:
    """Run everything once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reload-")))
        vendor, port = free_port(), free_port()
        stack.enter_context(slow_vendor(folder, vendor))
        write_rows(folder, tenants, 0)
        write_configuration(folder, vendor)
        stack.enter_context(exporter(folder, port, "--log.level=error"))
        return _watched(folder, (port, vendor), tenants, reloads, quiet, pause)


def _watched(
    folder: Path,
    ports: tuple[int, int],
    tenants: int,
    reloads: int,
    quiet: float,
    pause: float,
) -> Found:
    url = f"http://127.0.0.1:{ports[0]}/metrics"
    wait_for(lambda: lag(fetch(url).decode()).get(float("inf"), 0.0) >= tenants / 10, 120)
    knocker, control = Knocker(ports[0]), Knocker(ports[1], "/")
    threads = [threading.Thread(target=one.run, daemon=True) for one in (knocker, control)]
    for thread in threads:
        thread.start()
    start = fetch(url).decode()
    time.sleep(quiet)
    calm, calm_waits, calm_control = fetch(url).decode(), len(knocker.waits), len(control.waits)
    takes = [_reload(folder, ports[0], tenants, turn, pause) for turn in range(1, reloads + 1)]
    end = fetch(url).decode()
    for one in (knocker, control):
        one.over.set()
    for thread in threads:
        thread.join()
    answers = [wait - ANSWER for wait in control.waits]
    return Found(
        Waits(quantile(0.99, lag(start), lag(calm)), quantile(0.99, lag(calm), lag(end))),
        Waits(max(knocker.waits[:calm_waits]), max(knocker.waits[calm_waits:])),
        Waits(max(answers[:calm_control]), max(answers[calm_control:])),
        takes,
        describe(pauses(calm), pauses(end)),
    )


def _reload(folder: Path, port: int, tenants: int, turn: int, pause: float) -> float:
    write_rows(folder, tenants, turn)
    began = time.perf_counter()
    if (status := post(f"http://127.0.0.1:{port}/-/reload", folder / "admin-token")) != 200:
        raise SystemExit(f"the reload was answered with {status}")
    took = time.perf_counter() - began
    time.sleep(pause)
    return took


def rows(quick: bool = False, tenants: int = 10_000, reloads: int = 5) -> list[Row]:
    """Measure for the table."""
    found = measure(50, 1, 1.0, 0.5) if quick else measure(tenants, reloads, QUIET, PAUSE)
    print(f"reload: median {statistics.median(found.takes):.2f} s, longest {max(found.takes):.2f} s")
    print(
        f"lag p99: within {found.lag.before * 1e3:g} ms before, {found.lag.during * 1e3:g} ms during reloads"
    )
    for name, waits in (("longest wait", found.blocked), ("  of the machine", found.machine)):
        print(f"{name}: {waits.before * 1e3:.0f} ms before, {waits.during * 1e3:.0f} ms during")
    print(found.collector)
    size = INTEGRATIONS * (50 if quick else tenants)
    reached = f"{found.lag.during * 1e3:g} ms (longest block {found.blocked.during * 1e3:.0f} ms)"
    what = f"lag p99 while {size:,} targets are loaded again with one tenant changed"
    return [Row("P13", what, "< 50 ms", reached, found.lag.during <= 0.05, COMMAND)]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--reloads", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    options = parser.parse_args()
    for row in rows(options.quick, options.tenants, options.reloads):
        print(row.markdown())


if __name__ == "__main__":
    main()
