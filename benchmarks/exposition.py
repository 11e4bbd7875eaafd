"""Answering a scrape: the exposition against prometheus_client with the same series, in one run.

    python -m benchmarks.exposition [series ...]

For each number of series (10,000 and 100,000 unless given) both are timed in turns and the ratio of the
medians is printed; then what gzip costs with one target in twenty changed, what the loop is blocked for by
a render in slices, and what a target costs in memory. For the table the memory of the exposition alone, at
700,000 series, is compared with the peak of prometheus_client, each in a process of its own.
"""

import argparse
import asyncio
import gc
import gzip
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from benchmarks.row import Row
from exporter.core import common_metrics
from exporter.core.metric import Kind, Metric
from exporter.core.options import Options
from exporter.core.probe import Probe, Result, Target
from exporter.engine.board import TargetState
from exporter.engine.series import common_labels, series_of
from exporter.exposition import Exposition

PHASES = ("resolve", "connect", "tls", "processing", "transfer")
PER_TARGET = 16
PAIRS = 7


async def check(_target: Target, _kit: object) -> list[object]:
    return []


PROBE = Probe("stripe", "Stripe", Options, check)  # type: ignore[arg-type]  # it never runs


def state(number: int, run: int = 0) -> TargetState:
    """A healthy target with 16 series, its values as a run leaves them."""
    target = Target(f"payments-{number % 6}", f"tenant-{number:06}", PROBE, None, 60.0, 10.0)
    found = TargetState(target, next_run=1_795_000_060.0 + number / 1000 + run)
    at = 1_795_000_000.0 + number / 1000 + run
    phases = {phase: (number * 37 + run) % 9973 / 99_991 + place / 1000 for place, phase in enumerate(PHASES)}
    expiry = common_metrics.CERTIFICATE_EXPIRY(1_800_000_000.0)
    limit = common_metrics.RATE_LIMIT_REMAINING(float(number % 100), bucket="read")
    found.absorb(
        Result(at, sum(phases.values()), samples=(limit,), facts=(expiry,), http_status=200, phases=phases)
    )
    return found


def show(exposition: Exposition, found: TargetState) -> None:
    exposition.put(("target", *found.target.key), common_labels(found.target), series_of(found))


def client_registry(targets: int) -> CollectorRegistry:
    """The same series as children of prometheus_client."""
    registry = CollectorRegistry()
    made: dict[str, Gauge | Counter] = {}
    for number in range(targets):
        found = state(number)
        for metric, own, value in series_of(found):
            labels = {**dict(common_labels(found.target)), **dict(own)}
            if metric.name not in made:
                made[metric.name] = _client_metric(metric, tuple(labels), registry)
            child = made[metric.name].labels(**labels)
            child.set(value) if isinstance(child, Gauge) else child.inc(value)
    return registry


def _client_metric(metric: Metric, labels: tuple[str, ...], registry: CollectorRegistry) -> Gauge | Counter:
    return (Counter if metric.kind is Kind.COUNTER else Gauge)(
        metric.name, metric.help, labels, registry=registry
    )


def seconds(call: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(series: int) -> tuple[float, float, float]:
    """Print and return the seconds of a scrape: ours, theirs in text and in OpenMetrics."""
    targets = series // PER_TARGET
    exposition, registry = Exposition(), client_registry(targets)
    took = seconds(lambda: fill(exposition, targets))
    print(f"\n{series} series of {targets} targets; made and put in {took / targets * 1e6:.0f} us per target")
    same_lines(exposition, registry)
    turns: list[tuple[float, float, float]] = []
    for _ in range(PAIRS):
        ours = seconds(lambda: exposition.render(False, False))
        text = seconds(lambda: generate_latest(registry))
        openmetrics = seconds(lambda: generate_openmetrics(registry))  # type: ignore[no-untyped-call]  # theirs
        turns.append((ours, text, openmetrics))
    ours, text, openmetrics = (statistics.median(column) for column in zip(*turns, strict=True))
    print(f"  a scrape, nothing changed: {ours * 1e3:.2f} ms")
    print(f"  prometheus_client: {text:.3f} s, 1/{text / ours:.0f}", end="; ")
    print(f"in OpenMetrics {openmetrics:.3f} s, 1/{openmetrics / ours:.0f}")
    return ours, text, openmetrics


def fill(exposition: Exposition, targets: int, run: int = 0) -> None:
    for number in range(targets):
        show(exposition, state(number, run))


def same_lines(exposition: Exposition, registry: CollectorRegistry) -> None:
    """Refuse to compare unlike bodies: the order of families is theirs, the lines are the same."""
    ours = sorted(exposition.render(False, False).splitlines())
    if ours != sorted(generate_latest(registry).splitlines()):
        raise SystemExit("the bodies differ")


def changed(exposition: Exposition, targets: int, neighbours: bool, run: int) -> None:
    """Put one target in twenty anew: neighbours in the schedule, or every twentieth."""
    step = targets // 20
    numbers = (
        range(run * step % targets, run * step % targets + step) if neighbours else range(0, targets, 20)
    )
    for number in numbers:
        show(exposition, state(number, run + 1))


def compressed(series: int) -> tuple[float, float]:
    """Print what gzip and slices cost; return the gain with neighbours changed and the longest block."""
    gains, blocks = [], []
    targets = series // PER_TARGET
    exposition = Exposition()
    fill(exposition, targets)
    exposition.render(True, True)
    for neighbours in (True, False):
        plain, packed, whole = [], [], []
        for run in range(PAIRS):
            changed(exposition, targets, neighbours, run)
            packed.append(seconds(lambda: exposition.render(True, True)))
            changed(exposition, targets, neighbours, run + PAIRS)
            plain.append(seconds(lambda: exposition.render(True, False)))
            whole.append(seconds(lambda: zlib.compress(exposition.render(True, False), 1)))
        ours, join, theirs = map(statistics.median, (packed, plain, whole))
        gains.append(theirs / ours)
        order = "neighbours" if neighbours else "scattered"
        print(f"  5 % changed, {order}: plain {join * 1e3:.1f} ms; gzip {ours * 1e3:.1f} ms, ", end="")
        print(f"join and zlib-1 of the whole {theirs * 1e3:.0f} ms: 1/{theirs / ours:.0f}")
    body = exposition.render(True, True)
    print(f"  body {len(gzip.decompress(body)) / 1e6:.1f} MB, gzip {len(body) / 1e6:.2f} MB")
    for run, packed_body in enumerate((False, True), start=99):
        fill(exposition, targets, run)
        took, blocked = asyncio.run(in_slices(exposition, packed_body))
        blocks.append(blocked)
        what = "gzip" if packed_body else "plain"
        print(f"  in slices, all changed, {what}: {took * 1e3:.0f} ms, loop blocked {blocked * 1e3:.1f} ms")
    return gains[0], max(blocks)


async def in_slices(exposition: Exposition, packed: bool) -> tuple[float, float]:
    """Return how long a render in slices takes and the longest time that another task waited for its turn."""
    worst, last = 0.0, time.perf_counter()

    async def other() -> None:
        nonlocal worst, last
        while True:
            await asyncio.sleep(0)
            worst, last = max(worst, time.perf_counter() - last), time.perf_counter()

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    start = time.perf_counter()
    await exposition.render_async(True, packed)
    took = time.perf_counter() - start
    await asyncio.sleep(0)
    task.cancel()
    return took, worst


def memory(targets: int) -> None:
    """Print what a target costs: its series alone, and with the state that the engine keeps of it."""
    tracemalloc.start()
    states = [state(number) for number in range(targets)]
    engine = tracemalloc.get_traced_memory()[0]
    exposition = Exposition()
    for found in states:
        show(exposition, found)
    exposition.render(True, True)
    gc.collect()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"\nmemory of {targets} targets: {engine / targets:.0f} bytes of state each (target, state, result),"
    )
    print(f"  {(after - engine) / targets:.0f} bytes of exposition each with its compressed form;", end=" ")
    print(f"peak of both {peak / 1e6:.0f} MB")


def large(series: int) -> tuple[float, float]:
    """Return the seconds of a scrape when nothing changed, and the longest block of one in slices, gzip."""
    targets, exposition = series // PER_TARGET, Exposition()
    fill(exposition, targets)
    exposition.render(True, True)
    took = statistics.median(seconds(lambda: exposition.render(False, False)) for _ in range(PAIRS))
    changed(exposition, targets, True, 0)
    return took, asyncio.run(in_slices(exposition, True))[1]


def resident(series: int, whose: str) -> None:
    """Print by how many bytes this process grew: our state after a scrape, or their peak with one."""
    targets = series // PER_TARGET
    before = psutil.Process().memory_info().rss
    if whose == "peer":
        registry = client_registry(targets)
        generate_latest(registry)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before)
        return
    exposition = Exposition()
    fill(exposition, targets)
    exposition.render(False, False)
    gc.collect()
    print(psutil.Process().memory_info().rss - before)


def grown(series: int, whose: str) -> float:
    """Return what `resident` prints in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.exposition", f"--resident={whose}", str(series)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    small, big = (1_600, 3_200) if quick else (100_000, 700_000)
    ours, text, _ = compare(small)
    gain, blocked = compressed(small)
    took, block = large(big)
    memory_ratio = grown(big, "ours") / grown(big, "peer")
    command = "python -m benchmarks.exposition"
    block = max(block, blocked)
    return [
        Row(
            *("P3", f"a scrape of {small:,} series against `generate_latest`", "<= 1/300"),
            *(f"1/{text / ours:.0f} ({ours * 1e3:.1f} ms)", text / ours >= 300, command),
        ),
        Row(
            *("P3", f"a scrape of {big:,} series", "< 200 ms"),
            *(f"{took * 1e3:.0f} ms", took < 0.2, command),
        ),
        Row(
            *("P3", "longest block of the loop by a scrape", "<= 10 ms"),
            *(f"{block * 1e3:.1f} ms", block <= 0.01, command),
        ),
        Row(
            *("P3", "gzip with 5 % changed against join and zlib-1", "<= 1/20"),
            *(f"1/{gain:.0f}", gain >= 20, command),
        ),
        Row(
            *("P3", f"memory of {big:,} series against their peak", "<= 0.35"),
            *(f"{memory_ratio:.2f}", memory_ratio <= 0.35, command),
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("series", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--resident", choices=("ours", "peer"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.resident:
        resident(options.series[0], options.resident)
        return
    for series in options.series:
        compare(series)
        compressed(series)
    memory(20_000)


if __name__ == "__main__":
    main()
