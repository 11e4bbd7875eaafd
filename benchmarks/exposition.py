"""Answering a scrape: the exposition against prometheus_client with the same series, in one run.

    python -m benchmarks.exposition [series ...]

For each number of series (10,000 and 100,000 unless given) both are timed in turns and the ratio of the
medians is printed, beside the time of `b"".join` of the same pieces; then the same with a tenth of the series
in histograms; then what gzip costs with one target in twenty changed, at the scrape and in the work that is
done ahead of it, what the loop is blocked for by a render in slices, and what a target costs in memory. For
the table the memory of the exposition alone, at 700,000 series, is compared with the peak of
prometheus_client, each in a process of its own.
"""

import argparse
import asyncio
import gc
import gzip
import random
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from benchmarks.row import Row
from exporter.core import common_metrics
from exporter.core.metric import HistogramValue, Kind, Metric, Scope
from exporter.core.options import Options
from exporter.core.probe import Probe, Result, Target
from exporter.engine.board import TargetState
from exporter.engine.series import common_labels, series_of
from exporter.exposition import Exposition, Labels, Series

PHASES = ("resolve", "connect", "tls", "processing", "transfer")
PER_TARGET = 16
PAIRS = 7
AHEAD = 0.05 / 15
"""Part of the time between two scrapes that is left when the work ahead of the second one ends."""

PER_HISTOGRAM = 9
"""Targets for each histogram: it has as many series as one of them, so they are a tenth of all."""

LATENCY = Metric(
    "integration_made_latency_seconds",
    "How long.",
    Kind.HISTOGRAM,
    unit="seconds",
    scope=Scope.TENANT,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)


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


def observations(number: int) -> list[float]:
    """Some values of a histogram."""
    return [(number * 37 + place * 7919) % 9973 / 101 for place in range(8)]


def histogram(number: int) -> tuple[Labels, list[Series]]:
    """A histogram of 16 series, after some values."""
    bounds = (*LATENCY.buckets, float("inf"))
    values = observations(number)
    places = [next(place for place, bound in enumerate(bounds) if value <= bound) for value in values]
    counts = tuple(places.count(place) for place in range(len(bounds)))
    return (("tenant", f"tenant-{number:06}"),), [(LATENCY, (), HistogramValue(counts, sum(values)))]


def add_histograms(registry: CollectorRegistry, exposition: Exposition, targets: int) -> None:
    """Add one histogram for every `PER_HISTOGRAM` targets to both sides."""
    theirs = Histogram(
        LATENCY.name, LATENCY.help, LATENCY.label_names, registry=registry, buckets=LATENCY.buckets
    )
    for number in range(targets // PER_HISTOGRAM):
        labels, series = histogram(number)
        child = theirs.labels(**dict(labels))
        for value in observations(number):
            child.observe(value)
        exposition.put(("tenant", number), labels, series)


def client_registry(targets: int) -> CollectorRegistry:
    """The same series as children of prometheus_client."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs
    registry = CollectorRegistry()
    made: dict[str, Gauge | Counter] = {}
    for number in range(targets):
        found = state(number)
        for metric, own, value in series_of(found):
            assert not isinstance(value, HistogramValue)
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


class Scrape(NamedTuple):
    """Medians of the seconds of a scrape: ours, a bare join of the same pieces, theirs in both formats."""

    ours: float
    join: float
    text: float
    openmetrics: float


def compare(series: int, *, histograms: bool = False) -> Scrape:
    """Print and return what a scrape takes, when nothing has changed."""
    targets = series // PER_TARGET
    if histograms:
        targets -= targets // (PER_HISTOGRAM + 1)
    exposition, registry = Exposition(), client_registry(targets)
    took = seconds(lambda: fill(exposition, targets))
    what = "a tenth of them histograms" if histograms else "no histograms"
    print(f"\n{series} series of {targets} targets, {what};", end=" ")
    print(f"made and put in {took / targets * 1e6:.0f} us per target")
    if histograms:
        took = seconds(lambda: add_histograms(registry, exposition, targets))
        print(f"  histograms on both sides: {took / targets * PER_HISTOGRAM * 1e6:.0f} us each")
    same_lines(exposition, registry)
    pieces = [segment.body for segment in exposition._segments(False, None)]
    found = Scrape(*map(statistics.median, zip(*_turns(exposition, pieces, registry), strict=True)))
    print(f"  a scrape, nothing changed: {found.ours * 1e3:.2f} ms, ", end="")
    print(f"{found.ours / found.join:.2f} of a join of the same {len(pieces)} pieces")
    print(f"  prometheus_client: {found.text:.3f} s, 1/{found.text / found.ours:.0f}", end="; ")
    print(f"in OpenMetrics {found.openmetrics:.3f} s, 1/{found.openmetrics / found.ours:.0f}")
    return found


def _turns(
    exposition: Exposition, pieces: list[bytes], registry: CollectorRegistry
) -> Iterator[tuple[float, float, float, float]]:
    for _ in range(PAIRS):
        exposition.render(False, False)  # their renders leave none of our bytes in the caches
        yield (
            seconds(lambda: exposition.render(False, False)),
            seconds(lambda: b"".join(pieces)),
            seconds(lambda: generate_latest(registry)),
            seconds(lambda: generate_openmetrics(registry)),  # type: ignore[no-untyped-call]  # theirs
        )


def fill(exposition: Exposition, targets: int, run: int = 0) -> None:
    for number in range(targets):
        show(exposition, state(number, run))


def same_lines(exposition: Exposition, registry: CollectorRegistry) -> None:
    """Refuse to compare unlike bodies: the order of families is theirs, the lines are the same."""
    ours = sorted(exposition.render(False, False).splitlines())
    if ours != sorted(generate_latest(registry).splitlines()):
        raise SystemExit("the bodies differ")


def choose(targets: int, neighbours: bool, run: int) -> list[int]:
    """Return one target in twenty: neighbours in the schedule, or any, in the order in which they change."""
    step = targets // 20
    if neighbours:
        return list(range(run * step % targets, run * step % targets + step))
    return random.Random(run).sample(range(targets), step)


def changed(exposition: Exposition, targets: int, neighbours: bool, run: int) -> float:
    """Put one target in twenty again; return the seconds of what is done ahead of the scrape.

    The last ones change after that, as many as do in `AHEAD` of the time from one scrape to the next.
    """
    numbers = choose(targets, neighbours, run)
    late = max(1, round(len(numbers) * AHEAD))
    for number in numbers[:-late]:
        show(exposition, state(number, run + 1))
    took = seconds(lambda: list(exposition.settle(openmetrics=True)))
    for number in numbers[-late:]:
        show(exposition, state(number, run + 1))
    return took


def compressed(series: int) -> tuple[float, float]:
    """Print what gzip and slices cost; return the gain with scattered ones changed and the longest block."""
    gains, blocks = [], []
    targets = series // PER_TARGET
    exposition = Exposition()
    fill(exposition, targets)
    exposition.render(True, True)
    for neighbours in (True, False):
        ahead, packed, whole = [], [], []
        for run in range(PAIRS):
            ahead.append(changed(exposition, targets, neighbours, run))
            packed.append(seconds(lambda: exposition.render(True, True)))
            whole.append(seconds(lambda: zlib.compress(exposition.render(True, False), 1)))
        before, ours, theirs = map(statistics.median, (ahead, packed, whole))
        gains.append(theirs / ours)
        order = "neighbours" if neighbours else "scattered"
        print(f"  5 % changed, {order}: {before * 1e3:.1f} ms ahead, gzip {ours * 1e3:.2f} ms, ", end="")
        print(f"join and zlib-1 of the whole {theirs * 1e3:.0f} ms: 1/{theirs / ours:.0f}")
    body = exposition.render(True, True)
    print(f"  body {len(gzip.decompress(body)) / 1e6:.1f} MB, gzip {len(body) / 1e6:.2f} MB")
    for run, packed_body in enumerate((False, True), start=99):
        fill(exposition, targets, run)
        took, blocked = asyncio.run(in_slices(exposition, packed_body))
        blocks.append(blocked)
        what = "gzip" if packed_body else "plain"
        print(f"  in slices, all changed, {what}: {took * 1e3:.0f} ms, loop blocked {blocked * 1e3:.1f} ms")
    return gains[-1], max(blocks)


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
    for number in choose(targets, True, 0):
        show(exposition, state(number, 1))
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
    ours, _, text, _ = compare(small)
    mixed = compare(small, histograms=True)
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
            *("P3", f"{small:,} series, a tenth of them histograms, against a bare join", "<= 1.3"),
            *(
                f"{mixed.ours / mixed.join:.2f} ({mixed.ours * 1e3:.1f} ms)",
                mixed.ours <= 1.3 * mixed.join,
                command,
            ),
        ),
        Row(
            *("P3", f"a scrape of {big:,} series", "< 60 ms"),
            *(f"{took * 1e3:.0f} ms", took < 0.06, command),
        ),
        Row(
            *("P3", "longest block of the loop by a scrape", "<= 5 ms"),
            *(f"{block * 1e3:.1f} ms", block <= 0.005, command),
        ),
        Row(
            *("P3", "gzip with 5 % changed, scattered, against join and zlib-1", "<= 1/20"),
            *(f"1/{gain:.0f}", gain >= 20, command),
        ),
        Row(
            *("P3", f"memory of {big:,} series against their peak", "<= 0.2"),
            *(f"{memory_ratio:.2f}", memory_ratio <= 0.2, command),
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
        compare(series, histograms=True)
        compressed(series)
    memory(20_000)


if __name__ == "__main__":
    main()
