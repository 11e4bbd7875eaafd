"""What a healthy target costs in memory, with all that the engine keeps of it.

    python -m benchmarks.memory [--targets 60000]

Targets of the provider `http` are put into a real engine whose network answers at once from memory, so that
no connection is counted; each runs twice and a scrape is answered in gzip. What is printed is the growth of
resident memory by target, in a process of its own, and, by tracemalloc at a tenth of the size, where it lies.
"""

import argparse
import asyncio
import contextlib
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import psutil

from benchmarks.row import Row
from exporter.core.configuration import Configuration, Integration, StoreSettings
from exporter.core.network import Answer, ConnectedPeer, Request, Trace
from exporter.core.notifications import Notifications
from exporter.core.options import TlsOptions
from exporter.core.probe import Target
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.probes.http import PROBE
from exporter.probes.http.options import HttpOptions
from exporter.store.batch import Batch
from tests.clock import HandClock

GOAL = 5.5 * 1024
TENANTS = 100
INTERVAL = 60.0
PHASES = ("resolve", "connect", "tls", "processing", "transfer")


class Instant:
    """A network that answers at once, with every phase and a certificate."""

    async def call(self, _request: Request, trace: Trace) -> Answer:
        """Return a good answer."""
        for place, phase in enumerate(PHASES):
            trace.phase(phase, 0.0123456789 * (place + 1) + trace.started % 0.01)
        trace.http_status, trace.certificate_expiry = 200, 1_830_000_000.0
        trace.note("answered")
        return Answer(200, {}, b"{}", "https://site.example/", 1_830_000_000.0, 0, "1.1", "TLSv1.3")

    async def connect(
        self, host: str, _port: int, _trace: Trace, *, tls: TlsOptions | None = None, family: str = "any"
    ) -> ConnectedPeer:
        """Return a peer."""
        return ConnectedPeer(f"{host} {tls} {family}")

    def talk(self, *_place: object, **_how: object) -> contextlib.AbstractAsyncContextManager[object]:
        """No probe of this measurement talks."""
        raise NotImplementedError


def configuration(count: int) -> Configuration:
    """Return `count` targets, a hundred tenants to an integration."""
    targets: dict[tuple[str, str], Target] = {}
    integrations = []
    for first in range(0, count, TENANTS):
        name = f"site-{first:06}"
        options = HttpOptions(url=f"https://site-{first}.example/health")
        integrations.append(Integration(name, PROBE, False, INTERVAL))
        for number in range(first, min(count, first + TENANTS)):
            tenant = f"tenant-{number:06}"
            targets[name, tenant] = Target(name, tenant, PROBE, options, INTERVAL, 10.0, (("plan", "gold"),))
    return Configuration(None, tuple(integrations), targets, (), Notifications(), StoreSettings())


def _nowhere(_batch: Batch) -> None:
    """Keep nothing."""


async def filled(count: int) -> Engine:
    """Return an engine in which every target ran twice, after a scrape."""
    clock = HandClock()
    engine = Engine(Instant(), clock, _nowhere, SelfMetrics())  # type: ignore[arg-type]  # it never talks
    engine.apply(configuration(count))
    for _ in range(3):
        await clock.advance(INTERVAL)
    await engine.render(True, True)
    states = list(engine.board)
    if not all(state.result is not None and state.result.ok for state in states):
        raise SystemExit("not every target is healthy")
    return engine


async def resident(count: int) -> None:
    """Print how many bytes the process grew by."""
    await _end(await filled(min(200, count)))  # what everything needs once
    gc.collect()
    before = psutil.Process().memory_info().rss
    engine = await filled(count)
    gc.collect()
    print(psutil.Process().memory_info().rss - before)
    await _end(engine)


async def _end(engine: Engine) -> None:
    await engine.stop(1.0)


def slope(count: int) -> float:
    """Return the bytes of resident memory by target, measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.memory", "--resident", "--targets", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout) / count


def parts(count: int) -> Iterator[tuple[str, float]]:
    """Yield where the bytes of a target were asked for, the most first."""
    tracemalloc.start(1)
    engine = asyncio.run(filled(count))
    gc.collect()
    found = tracemalloc.take_snapshot().statistics("filename")
    tracemalloc.stop()
    for one in found[:8]:
        yield one.traceback[0].filename.rpartition("exporter/")[2], one.size / count
    del engine


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    count = 100 if quick else 60_000
    each = slope(count)
    what = f"memory of a healthy target, engine included, at {count:,}"
    return [
        Row("P4", what, "<= 5.5 KiB", f"{each / 1024:.1f} KiB", each <= GOAL, "python -m benchmarks.memory")
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--targets", type=int, default=60_000)
    parser.add_argument("--resident", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.resident:
        asyncio.run(resident(options.targets))
        return
    print(f"{options.targets} targets: {slope(options.targets):.0f} bytes of resident memory each")
    for name, size in parts(max(100, options.targets // 10)):
        print(f"  {size:7.0f} bytes asked for in {name}")


if __name__ == "__main__":
    main()
