"""Ten thousand tenants from PostgreSQL: how long they take to load, and what a refresh does to probing.

    python -m benchmarks.tenants [--tenants 10000] [--refreshes 3] [--quick]

A real PostgreSQL, a vendor that answers after 50 ms (benchmarks.slow_server) and the exporter run as
processes. At each refresh one row in a hundred has another credential, and a few tenants come and go. While
that happens a client scrapes as Prometheus would and asks `/-/healthy` every 5 ms: the longest wait for it
bounds the longest time that the loop was blocked. The vendor is asked beside it: what it takes beyond its
50 ms is the machine's own, with whatever else runs there. Printed are load and refresh times, the tenants in
every scrape, the schedule lag (from the exporter's own histogram) before and during the refreshes, and those
waits.
"""

import argparse
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.programs import Program, exporter, fetch
from benchmarks.row import Row
from tests.servers.ports import free_port
from tests.servers.postgres import Cluster, cluster

TENANTS, INTERVAL, REFRESH, QUIET, ANSWER = 10_000, 200.0, 10.0, 30.0, 0.05
COMMAND = "python -m benchmarks.tenants"
PASSWORD = "tenants"
CONFIG = """
integrations:
  - name: vendor
    provider: http
    interval: {interval:g}s
    options: {{url: "http://127.0.0.1:{vendor}/", connection: reuse}}
    tenants:
      sql:
        url: "postgresql://reader:{password}@127.0.0.1:{database}/postgres?sslmode=require"
        query: "SELECT id, plan AS label_plan, options FROM tenants ORDER BY id"
        refresh: {refresh:g}s
        timeout: 30s
store: {{url: "sqlite:///{folder}/state.db"}}
"""
_BUCKET = re.compile(r'probe_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)')


@dataclass
class Knocker:
    """Asks one address again and again on one connection; `waits` are seconds."""

    port: int
    path: str = "/-/healthy"
    every: float = 0.005
    waits: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask until `over` is set."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.over.is_set():
            began = time.perf_counter()
            connection.request("GET", self.path)
            connection.getresponse().read()
            self.waits.append(time.perf_counter() - began)
            time.sleep(self.every)
        connection.close()


@dataclass
class Scraper:
    """Scrapes again and again; `series` are the counts, `took` seconds."""

    url: str
    every: float
    series: list[int] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Scrape until `over` is set."""
        while not self.over.wait(self.every):
            began = time.perf_counter()
            body = fetch(self.url)
            self.took.append(time.perf_counter() - began)
            self.series.append(body.count(b"\nintegration_info{"))


def fill(database: Cluster, count: int) -> None:
    """Make the table and its reader."""
    database.admin(
        f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'",
        "CREATE TABLE tenants (id text PRIMARY KEY, plan text, options jsonb)",
        "INSERT INTO tenants SELECT 'tenant-' || n, 'plan-' || n % 4,"
        " jsonb_build_object('auth', jsonb_build_object('bearer', jsonb_build_object('token',"
        f" 'token-of-tenant-' || n))) FROM generate_series(1, {count}) n",
        "GRANT SELECT ON tenants TO reader",
    )


def change(database: Cluster, count: int, turn: int) -> None:
    """Give one row in a hundred another credential, take one tenant away and bring another."""
    changed = max(1, count // 100)
    first = 2 + turn * changed
    database.admin(
        f"UPDATE tenants SET options = jsonb_set(options, '{{auth,bearer,token}}', '\"token-{turn}\"'::jsonb)"
        f" WHERE id IN (SELECT 'tenant-' || n FROM generate_series({first}, {first + changed - 1}) n)",
        f"DELETE FROM tenants WHERE id IN ('tenant-1', 'tenant-x{turn - 1}')",
        f"INSERT INTO tenants SELECT 'tenant-x{turn}', 'new', options FROM tenants WHERE id = 'tenant-2'",
    )


def lag(body: str) -> dict[float, float]:
    """Return the cumulated counts of the lag's histogram by bound."""
    return {float(bound.replace("+Inf", "inf")): float(count) for bound, count in _BUCKET.findall(body)}


def quantile(share: float, before: dict[float, float], after: dict[float, float]) -> float:
    """Return the least bound, in seconds, that `share` of the runs between two readings stayed within."""
    counts = {bound: after[bound] - before.get(bound, 0.0) for bound in after}
    whole = max(counts.values(), default=0.0)
    return next((bound for bound in sorted(counts) if whole and counts[bound] >= share * whole), float("nan"))


def value(body: str, name: str) -> float:
    """Return the value of a metric's only series, NaN where there is none."""
    found = re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", body, re.MULTILINE)
    return float(found[1]) if found else float("nan")


def wait_for(condition: Callable[[], bool], limit: float) -> float:
    """Return the seconds until `condition` holds; SystemExit if it does not within `limit` seconds."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > limit:
            raise SystemExit("what was waited for did not come")
        time.sleep(0.05)
    return time.perf_counter() - began


@dataclass(frozen=True)
class Found:
    """What was measured: seconds, but for `series` (fewest and most tenants of a scrape) and bytes of memory.

    `load` is until it is ready, and the CPU of that.
    """

    load: tuple[float, float]
    refreshes: list[float]
    series: tuple[int, int]
    scrapes: list[float]
    lags: tuple[float, float]
    blocked: tuple[float, float]
    machine: tuple[float, float]
    memory: tuple[int, int]


def measure(count: int, refreshes: int, interval: float, refresh: float, quiet: float) -> Found:
    """Run everything once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tenants-")))
        database = stack.enter_context(cluster())
        fill(database, count)
        vendor, port = free_port(), free_port()
        stack.enter_context(slow_vendor(folder, vendor))
        text = CONFIG.format(
            interval=interval,
            vendor=vendor,
            password=PASSWORD,
            database=database.port,
            refresh=refresh,
            folder=folder,
        )
        (folder / "config.yml").write_text(text)
        began = time.perf_counter()
        measured = stack.enter_context(exporter(folder, port))
        load = (time.perf_counter() - began, measured.cpu())
        return _watched(database, measured, (port, vendor), count, refreshes, interval, quiet, load)


def _watched(
    database: Cluster,
    measured: Program,
    ports: tuple[int, int],
    count: int,
    refreshes: int,
    interval: float,
    quiet: float,
    load: tuple[float, float],
) -> Found:
    url = f"http://127.0.0.1:{ports[0]}/metrics"
    # Every target has run once and its connection is open.
    wait_for(lambda: lag(fetch(url).decode()).get(float("inf"), 0.0) >= count, interval * 2 + 60)
    knocker, control, scraper = Knocker(ports[0]), Knocker(ports[1], "/"), Scraper(url, 1.0)
    every = (knocker, control, scraper)
    threads = [threading.Thread(target=one.run, daemon=True) for one in every]
    for thread in threads:
        thread.start()
    start, memory = lag(fetch(url).decode()), measured.rss()
    time.sleep(quiet)
    calm, calm_waits, calm_control = lag(fetch(url).decode()), len(knocker.waits), len(control.waits)
    times = [_refresh(database, url, count, turn) for turn in range(1, refreshes + 1)]
    time.sleep(min(quiet, 2.0))
    end = lag(fetch(url).decode())
    for one in every:
        one.over.set()
    for thread in threads:
        thread.join()
    return Found(
        load,
        times,
        (min(scraper.series, default=0), max(scraper.series, default=0)),
        scraper.took,
        (quantile(0.99, start, calm), quantile(0.99, calm, end)),
        _longest(knocker.waits, calm_waits),
        _longest([one - ANSWER for one in control.waits], calm_control),
        (memory, measured.rss()),
    )


def _longest(waits: list[float], before: int) -> tuple[float, float]:
    """Return the longest of the first `before` waits, and of the others."""
    return max(waits[:before], default=0.0), max(waits[before:], default=0.0)


def _refresh(database: Cluster, url: str, count: int, turn: int) -> float:
    """Return the seconds from a change in the database until all of it is in force, waiting included."""
    change(database, count, turn)
    name = f'tenant="tenant-x{turn}"'.encode()
    return wait_for(lambda: name in fetch(url), 120)


def slow_vendor(folder: Path, port: int) -> Program:
    """Start what answers after a while."""
    command = [sys.executable, "-m", "benchmarks.slow_server", str(port), f"{ANSWER * 1e3:g}"]
    return Program(command, folder / "vendor.log", f"http://127.0.0.1:{port}/")


def _say(found: Found) -> None:
    """Print what the table has no room for."""
    calm, during = found.lags
    load, cpu = found.load
    refreshes = ", ".join(f"{one:.1f}" for one in found.refreshes)
    print(f"start to ready: {load:.2f} s, {cpu:.2f} s of CPU; refreshes: {refreshes} s")
    print(f"tenants of {len(found.scrapes)} scrapes: {found.series[0]:,} to {found.series[1]:,}")
    print(f"scrape: median {statistics.median(found.scrapes or [0]) * 1e3:.0f} ms, ", end="")
    print(f"longest {max(found.scrapes, default=0) * 1e3:.0f} ms")
    print(f"lag p99: within {calm * 1e3:g} ms before, {during * 1e3:g} ms during refreshes")
    print(f"longest wait: {found.blocked[0] * 1e3:.0f} ms before, {found.blocked[1] * 1e3:.0f} ms during")
    print(f"  of the machine alone: {found.machine[0] * 1e3:.0f} ms, {found.machine[1] * 1e3:.0f} ms")
    print(f"memory: {found.memory[0] / 1e6:.0f} MB before, {found.memory[1] / 1e6:.0f} MB after")


def rows(quick: bool = False, count: int = TENANTS, refreshes: int = 3) -> list[Row]:
    """Measure for the table."""
    found = measure(200, 1, 2.0, 1.0, 1.0) if quick else measure(count, refreshes, INTERVAL, REFRESH, QUIET)
    _say(found)
    (load, cpu), (calm, during) = found.load, found.lags
    size = 200 if quick else count
    return [
        Row(
            "T1",
            f"{size:,} SQL tenants, start to ready",
            "10 s",
            f"{load:.2f} s, {cpu:.2f} s of CPU",
            load <= 10,
            COMMAND,
        ),
        Row(
            "T2",
            "tenants of every scrape while 1 % of the rows change",
            f"{size:,}",
            f"{found.series[0]:,} to {found.series[1]:,}",
            found.series[0] >= size,
            COMMAND,
        ),
        Row(
            "T3",
            "lag p99 during refreshes",
            "as before",
            f"{calm * 1e3:g} ms, then {during * 1e3:g} ms",
            during <= calm,
            COMMAND,
        ),
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--refreshes", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    options = parser.parse_args()
    for row in rows(options.quick, options.tenants, options.refreshes):
        print(row.markdown())


if __name__ == "__main__":
    main()
