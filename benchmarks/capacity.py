"""How many probes a second one core makes with all of the engine, against a server that takes 50 ms.

    python -m benchmarks.capacity [--rate 3000] [--seconds 60] [--connection reuse|new] [--targets N]

The exporter runs as a process bound to one core, the server on another one. It is scraped every five seconds
as Prometheus does (OpenMetrics, gzip). Schedule lag comes from its own histogram, added latency is
`integration_probe_duration_seconds` of every target at each scrape less the server's 50 ms. What Python's
collector of cycles took of it is said beside them, and for how long others had the core.
"""

import argparse
import math
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from gzip import decompress
from pathlib import Path
from typing import NamedTuple

from benchmarks.pauses import Pauses, describe, pauses
from benchmarks.programs import Program, exporter, fetch
from benchmarks.row import Row
from tests.servers.ports import free_port

TENANTS = 100
DELAY = 50.0
"""Milliseconds that the server takes."""

SCRAPE = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"}


class Reached(NamedTuple):
    """What was held: probes a second, cores and bytes used, seconds of lag and of added latency.

    `collector` says what it did, `waiting` is the part of the time for which others had the core.
    """

    rate: float
    cores: float
    rss: int
    lag_p99: float
    added_p50: float
    added_p99: float
    failed: float
    collector: str
    waiting: float

    @property
    def microseconds(self) -> float:
        """CPU of a probe."""
        return self.cores / self.rate * 1e6


def configuration(folder: Path, port: int, targets: int, interval: float, connection: str) -> str:
    """Return a file with integrations of up to 100 tenants each."""
    lines = [f"defaults: {{interval: {round(interval * 1e3)}ms, timeout: 1s}}", "integrations:"]
    for first in range(0, targets, TENANTS):
        rows = ", ".join(f"{{id: t{number}}}" for number in range(first, min(targets, first + TENANTS)))
        lines.append(
            f"  - {{name: i{first:06}, provider: http, options: {{url: 'http://127.0.0.1:{port}/', "
            f"connection: {connection}}}, tenants: {{list: [{rows}]}}}}"
        )
    lines.append(f'store: {{url: "sqlite:///{folder}/state.db"}}')
    return "\n".join(lines) + "\n"


class Scrapes:
    """Reads what the exporter says of itself."""

    def __init__(self, port: int) -> None:
        """`port` is that of the exporter."""
        self._url = f"http://127.0.0.1:{port}/metrics"
        self.durations: list[float] = []
        self.pauses: Pauses = {}
        self._unread: list[bytes] = []

    def fetch(self) -> None:
        """Scrape as Prometheus does; reading what came would take a core from the exporter or its server."""
        self._unread.append(fetch(self._url, SCRAPE))

    def read(self) -> dict[str, float]:
        """Scrape and read all that came: keep durations; return the last plain values and buckets of lag."""
        self.fetch()
        for body in self._unread:
            text = decompress(body).decode()
            self.durations += [float(value) for value in _values(text, "integration_probe_duration_seconds")]
        self._unread.clear()
        self.pauses = pauses(text)
        found = dict(re.findall(r'integration_exporter_probe_lag_seconds_bucket{le="([^"]+)"} (\S+)', text))
        kept = {f"lag {bound}": float(count) for bound, count in found.items()}
        for name in ("integration_probes_total", "integration_probe_failures_total"):
            kept[name] = math.fsum(map(float, _values(text, name)))
        return kept


def _values(text: str, name: str) -> list[str]:
    return re.findall(rf"^{name}{{[^\n]*}} ([0-9.e+-]+)", text, re.MULTILINE)


def measure(
    targets: int,
    rate: float,
    seconds: float,
    connection: str,
    scrape_every: float = 5.0,
    settle: float = 4.0,
) -> Reached:
    """Return what is held for `seconds` after the schedule has found its pace.

    `scrape_every` 0 is no scrape in between; `settle` are the seconds of the first runs.
    """
    interval = targets / rate
    with tempfile.TemporaryDirectory(prefix="capacity-") as name:
        folder, port, web = Path(name), free_port(), free_port()
        command = [sys.executable, "-m", "benchmarks.slow_server", str(port), str(DELAY)]
        (folder / "config.yml").write_text(configuration(folder, port, targets, interval, connection))
        cores = sorted(os.sched_getaffinity(0))
        with (
            Program(command, folder / "server.log", f"http://127.0.0.1:{port}/") as slow,
            exporter(folder, web, "--log.level=error") as measured,
        ):
            measured.facts.cpu_affinity(cores[:1])
            slow.facts.cpu_affinity(cores[-1:])
            time.sleep(settle + 1.6 * interval)  # from the crowd of first runs to a place for each
            return _held(measured, Scrapes(web), seconds, scrape_every)


def _held(measured: Program, scrapes: Scrapes, seconds: float, scrape_every: float) -> Reached:
    before, pauses_before = scrapes.read(), scrapes.pauses
    scrapes.durations.clear()
    cpu, waited, began = measured.cpu(), measured.waited(), time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        time.sleep(min(left, scrape_every or left))
        if scrape_every:
            scrapes.fetch()
    used, took = measured.cpu() - cpu, time.monotonic() - began
    waited = measured.waited() - waited
    after = scrapes.read()
    runs = {name: after[name] - before[name] for name in after}
    added = sorted(duration - DELAY / 1e3 for duration in scrapes.durations)
    return Reached(
        rate=runs["integration_probes_total"] / took,
        cores=used / took,
        rss=measured.rss(),
        lag_p99=_quantile({name[4:]: count for name, count in runs.items() if name.startswith("lag ")}),
        added_p50=statistics.median(added),
        added_p99=added[int(len(added) * 0.99)],
        failed=runs["integration_probe_failures_total"],
        collector=describe(pauses_before, scrapes.pauses),
        waiting=waited / took,
    )


def _quantile(buckets: dict[str, float], part: float = 0.99) -> float:
    """Return the quantile of a histogram as Prometheus reckons it, in seconds."""
    rows: Sequence[tuple[float, float]] = sorted((float(bound), count) for bound, count in buckets.items())
    wanted, low, below = rows[-1][1] * part, 0.0, 0.0
    for bound, count in rows:
        if count >= wanted and bound < math.inf:
            return low + (bound - low) * (wanted - below) / max(1.0, count - below)
        low, below = min(bound, 300.0), count
    return low


def show(targets: int, connection: str, reached: Reached) -> None:
    """Print one line."""
    print(
        f"  {targets} targets, {connection}: {reached.rate:.0f} probes/s with {reached.cores:.2f} cores"
        f" ({reached.microseconds:.0f} us each: {1e6 / reached.microseconds:.0f}/s a core),"
        f" {reached.failed:g} failed; lag p99 {reached.lag_p99 * 1e3:.1f} ms;"
        f" added latency p50 {reached.added_p50 * 1e3:.1f}, p99 {reached.added_p99 * 1e3:.1f} ms"
    )
    print(f"    {reached.collector}")
    print(f"    for {reached.waiting:.1%} of the time the loop wanted the core and did not have it")


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    targets, rate, seconds = (10, 10.0, 1.5) if quick else (10_000, 3_000.0, 60.0)
    reached = measure(targets, rate, seconds, "reuse", settle=0.5 if quick else 4.0)
    show(targets, "reuse", reached)
    command = "python -m benchmarks.capacity"
    held = reached.rate >= 0.98 * rate and reached.failed == 0
    return [
        Row(
            *("P2", "probes a second on one core, 50 ms server, all of the engine", ">= 3,000 for 60 s"),
            f"{reached.rate:,.0f} with {reached.cores:.2f} cores, {reached.failed:g} failed",
            *(held, command),
        ),
        Row(
            *("P2", "schedule lag p99 at that", "< 50 ms", f"{reached.lag_p99 * 1e3:.0f} ms"),
            *(reached.lag_p99 < 0.05, command),
        ),
        Row(
            *("P2", "added latency p99 at that", "< 5 ms", f"{reached.added_p99 * 1e3:.1f} ms"),
            *(reached.added_p99 < 0.005, command),
        ),
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=3000.0, help="probes a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connection", choices=("new", "reuse"), default="reuse")
    parser.add_argument("--targets", type=int, default=10_000)
    options = parser.parse_args()
    reached = measure(options.targets, options.rate, options.seconds, options.connection)
    show(options.targets, options.connection, reached)


if __name__ == "__main__":
    main()
