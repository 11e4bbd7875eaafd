"""How Python's collector of cycles is set, and for how long it holds the process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector

YOUNG_OBJECTS = 20_000
"""Objects made before the collector of cycles looks at them; at Python's 700 that is a tenth of the CPU."""

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the pauses, in seconds."""


def tune_collection() -> None:
    """Let the collector of cycles leave alone what stays, and look at the rest less often.

    A run makes few cycles; what it leaves is freed by its reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


@contextmanager
def watch_pauses(registry: CollectorRegistry) -> Iterator[None]:
    """Export through `registry` for how long the collector holds the process, meanwhile."""
    pauses = CollectionPauses()
    registry.register(pauses)
    gc.callbacks.append(pauses.note)
    try:
        yield
    finally:
        gc.callbacks.remove(pauses.note)


class CollectionPauses(Collector):
    """Counts, by generation, the seconds for which the collector held every thread."""

    def __init__(self) -> None:
        """Count nothing yet; `note` is the callback."""
        self._began = 0.0
        # Plain lists: the collector may run while any lock is held, so that its callback must take none.
        self._counts = [[0] * (len(BOUNDS) + 1) for _ in gc.get_count()]
        self._sums = [0.0 for _ in gc.get_count()]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram."""
        family = HistogramMetricFamily(
            "integration_exporter_gc_pause_seconds",
            "For how long Python's collector of cycles held the process, by generation.",
            labels=["generation"],
        )
        for generation, counts in enumerate(self._counts):
            buckets = [(str(bound), float(sum(counts[: place + 1]))) for place, bound in enumerate(BOUNDS)]
            buckets.append(("+Inf", float(sum(counts))))
            family.add_metric([str(generation)], buckets, self._sums[generation])
        yield family

    def note(self, phase: str, about: dict[str, Any]) -> None:
        """Take note of what the collector calls `gc.callbacks` with."""
        if phase == "start":
            self._began = perf_counter()
            return
        took, generation = perf_counter() - self._began, about["generation"]
        self._sums[generation] += took
        self._counts[generation][sum(took > bound for bound in BOUNDS)] += 1
