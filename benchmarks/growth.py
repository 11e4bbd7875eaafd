"""How the cost of one more target changes with their number: flat, or not.

    python -m benchmarks.growth [--quick]

At 600, 6,000 and 60,000 targets: the CPU of a probe (benchmarks.capacity, no scrapes), the time of a scrape
by series (benchmarks.exposition) and the memory of a target (benchmarks.memory). What is printed is each cost
and how far the largest size lies above the smallest.
"""

import argparse
import asyncio
import math
import statistics
from collections.abc import Callable, Sequence

from benchmarks import capacity, exposition, memory
from benchmarks.row import Row
from exporter.exposition import Exposition

SIZES = (600, 6_000, 60_000)
RATE = 1_500.0


def probe_cost(targets: int) -> float:
    """Return the microseconds of CPU of a probe; the shortest interval is one second."""
    seconds, settle = (20.0, 4.0) if targets >= SIZES[0] else (1.0, 0.5)
    rate = min(RATE, targets)
    return capacity.measure(targets, rate, seconds, "reuse", scrape_every=0.0, settle=settle).microseconds


def scrape_cost(targets: int) -> float:
    """Return the nanoseconds that a series costs in a scrape when one target in twenty changed."""
    found = Exposition()
    exposition.fill(found, targets)
    found.render(True, True)
    times = []
    for run in range(exposition.PAIRS):
        exposition.changed(found, targets, True, run)
        times.append(exposition.seconds(lambda: asyncio.run(found.render_async(True, True))))
    return statistics.median(times) / targets / exposition.PER_TARGET * 1e9


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    sizes = (5,) if quick else SIZES
    costs: Sequence[tuple[str, str, Callable[[int], float]]] = (
        ("CPU of a probe", "us", probe_cost),
        ("a series in a scrape", "ns", scrape_cost),
        ("memory of a target", "bytes", memory.slope),
    )
    found = []
    for what, unit, cost in costs:
        values = [cost(size) for size in sizes]
        # Resident memory grows by pages: at a tiny size it may not grow at all.
        growth = values[-1] / values[0] - 1 if values[0] else math.inf
        reached = f"{' / '.join(f'{value:.0f}' for value in values)} {unit} ({growth:+.0%})"
        at = " / ".join(f"{size:,}" for size in sizes)
        command = "python -m benchmarks.growth"
        found.append(
            Row("P9", f"{what} at {at} targets", "flat within 20 %", reached, growth <= 0.2, command)
        )
        print(f"  {what}: {reached}")
    return found


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    rows(parser.parse_args().quick)


if __name__ == "__main__":
    main()
