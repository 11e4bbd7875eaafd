"""For how long Python's collector of cycles held an exporter, between two of its scrapes."""

import math
import re

_COUNT = re.compile(r'gc_pause_seconds_bucket\{generation="(\d)",le="([^"]+)"\} ([0-9.e+]+)')
_SUM = re.compile(r'gc_pause_seconds_sum\{generation="(\d)"\} ([0-9.e+-]+)')

Pauses = dict[tuple[str, str], float]
"""Cumulated counts by generation and bound; the seconds of each generation have the bound `sum`."""


def pauses(body: str) -> Pauses:
    """Return what a scrape without gzip says."""
    counts = {(generation, bound): float(count) for generation, bound, count in _COUNT.findall(body)}
    return counts | {(generation, "sum"): float(seconds) for generation, seconds in _SUM.findall(body)}


def describe(before: Pauses, after: Pauses) -> str:
    """Return a line on the pauses of each generation between two scrapes."""
    grown = {key: count - before.get(key, 0.0) for key, count in after.items()}
    return "collector of cycles: " + "; ".join(
        f"generation {generation}: {grown[generation, '+Inf']:g} times, {grown[generation, 'sum']:.2f} s"
        f" in all, longest within {_longest(grown, generation) * 1e3:g} ms"
        for generation in sorted({generation for generation, _ in grown})
    )


def _longest(grown: Pauses, generation: str) -> float:
    """Return the least bound that all pauses stayed within."""
    counts = {
        float(bound): count for (one, bound), count in grown.items() if one == generation and bound != "sum"
    }
    return min(bound for bound, count in counts.items() if count >= counts[math.inf])
