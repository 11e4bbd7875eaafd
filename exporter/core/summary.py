"""The outcome of an hour of checks of one target: a few numbers in place of a row for each check."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from exporter.core.probe import TargetKey
from exporter.core.usage import Usages

HOUR: Final = 3600

PER_DECADE: Final = 12
FASTEST: Final = 1e-3
SLOWEST: Final = 100.0
BUCKETS: Final = 62
"""Of latency: below 1 ms, sixty up to 100 s (twelve to a power of ten, each 21 % wider), and beyond."""

FOLD: Final = 600
"""Runs that are kept one by one at most; beyond, their buckets are counted."""

# Made once, since every run adds one of them.
_ONE = tuple(bytes((number,)) for number in range(BUCKETS))


def bucket_of(seconds: float) -> int:
    """Return the number of the bucket that a latency falls into."""
    if seconds < FASTEST:
        return 0
    return min(BUCKETS - 1, 1 + int(PER_DECADE * math.log10(seconds / FASTEST)))


def typical(bucket: int) -> float:
    """Return the seconds that represent a bucket: its geometric middle, so within 10.1 % of all inside.

    For the first and the last bucket it is the bound that is known: 1 ms, or 100 s.
    """
    if bucket <= 0:
        return FASTEST
    return float(min(SLOWEST, FASTEST * 10 ** ((bucket - 0.5) / PER_DECADE)))


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return the latency in seconds below which `share` (0 to 1) of the runs in `counts` stay.

    Without runs it is None.
    """
    rank = share * sum(counts)
    seen = 0
    for bucket, count in enumerate(counts):
        seen += count
        if count and seen >= rank:
            return typical(bucket)
    return None


class Summary:
    """Counts of one target in one hour; it is added to, and two of them can be joined.

    `hour` is the first second of the hour in Unix time. `seconds` were watched, in `failing_seconds` of them
    the target was known to fail. Latencies are those of runs that succeeded: how soon a call is refused says
    nothing of how fast the vendor is. There is one for every target all the time, so it is small.
    """

    __slots__ = (
        "_folded",
        "_latencies",
        "begun",
        "failed",
        "failing_seconds",
        "hour",
        "provider",
        "reasons",
        "runs",
        "seconds",
        "usages",
    )

    def __init__(self, hour: int, provider: str, begun: float = 0.0) -> None:
        """Start with nothing; `begun` is when that was."""
        self.hour = hour
        self.provider = provider
        self.begun = begun
        self.runs = 0
        self.failed = 0
        self.seconds = 0.0
        self.failing_seconds = 0.0
        self.reasons: dict[str, int] | None = None
        self.usages: Usages | None = None
        # A byte for each run is less than a table of counts while runs are few, as they are between writes.
        self._latencies = b""
        self._folded: Counter[int] | None = None

    def add_success(self, duration_seconds: float) -> None:
        """Count a run that found the target connected in `duration_seconds`."""
        self.runs += 1
        self._latencies += _ONE[bucket_of(duration_seconds)]
        if len(self._latencies) > FOLD:
            self._fold()

    def add_failure(self, reason: str) -> None:
        """Count a failed run."""
        self.runs += 1
        self.failed += 1
        self.reasons = self.reasons or {}
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def add_usages(self, found: Usages) -> None:
        """Count what a run found of quotas and buckets of calls."""
        known = self.usages = self.usages or {}
        for allowance, one in found.items():
            known[allowance] = known[allowance].plus(one) if allowance in known else one

    def add_watch(self, seconds: float, *, failing: bool) -> None:
        """Count the time up to a run, in which the target was as the run before had found it."""
        self.seconds += seconds
        if failing:
            self.failing_seconds += seconds

    def add(self, other: "Summary") -> None:
        """Take in what `other`, of the same target and hour, has counted."""
        self.provider = other.provider
        self.runs += other.runs
        self.failed += other.failed
        self.seconds += other.seconds
        self.failing_seconds += other.failing_seconds
        for reason, count in (other.reasons or {}).items():
            self.reasons = self.reasons or {}
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        if other.usages:
            self.add_usages(other.usages)
        if other._folded or len(self._latencies) + len(other._latencies) > FOLD:
            self._fold().update(other.latency_counts())
        else:
            self._latencies += other._latencies

    def latency_counts(self) -> Mapping[int, int]:
        """Return how many runs each bucket has; empty ones are left out."""
        counts = Counter(self._latencies)
        if self._folded:
            counts.update(self._folded)
        return counts

    def _fold(self) -> Counter[int]:
        self._folded = self._folded if self._folded is not None else Counter()
        self._folded.update(self._latencies)
        self._latencies = b""
        return self._folded


Summaries = dict[tuple[TargetKey, int], Summary]
"""By target and hour."""
