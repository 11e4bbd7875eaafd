"""The outcome of an hour of attempts for one source or endpoint, and what can be asked of many."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from exporter.core.store import Subject
from exporter.core.summary import BUCKETS, bucket_of, quantile

WebhookKey = tuple[int, str, str, str]
"""First second of the hour (Unix time), direction, name of the source or endpoint, and tenant."""


@dataclass(slots=True)
class WebhookSummary:
    """Counts that are added to; `dead` are deliveries given up, `latencies` successful attempts by bucket."""

    attempts: int = 0
    failed: int = 0
    dead: int = 0
    latencies: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def record(self, seconds: float, reason: str, *, dead: bool = False) -> None:
        """Count an attempt that took `seconds`; `reason` is "" where it succeeded."""
        self.attempts += 1
        self.dead += dead
        if reason:
            self.failed += 1
            self.reasons[reason] += 1
        else:
            self.latencies[bucket_of(seconds)] += 1

    def add(self, other: "WebhookSummary") -> None:
        """Take in what `other`, of the same key, has counted."""
        self.attempts += other.attempts
        self.failed += other.failed
        self.dead += other.dead
        self.latencies.update(other.latencies)
        self.reasons.update(other.reasons)


@dataclass(frozen=True)
class WebhookStatistic:
    """What attempts of a subject resulted in; `latency_counts` are by the buckets of core/summary.py."""

    subject: Subject
    attempts: int = 0
    failed: int = 0
    dead: int = 0
    latency_counts: tuple[int, ...] = (0,) * BUCKETS

    @property
    def success_ratio(self) -> float | None:
        """Share of the attempts that succeeded, None without any."""
        return 1.0 - self.failed / self.attempts if self.attempts else None

    def latency(self, share: float) -> float | None:
        """Return the seconds that `share` of the successful attempts took at most, within 10.1 %."""
        return quantile(self.latency_counts, share)


@dataclass(frozen=True)
class WebhookWindow:
    """Hours from `since` up to, but without, `until`, both first seconds of an hour in Unix time.

    `by` are the columns that make a subject: hour, direction, name, tenant. `tenants` are those that the
    caller may know of, `subjects` narrows further; "" and None narrow nothing.
    """

    since: int
    until: int
    by: tuple[str, ...] = ()
    direction: str = ""
    tenant: str | None = None
    tenants: Collection[str] | None = None
    subjects: Collection[Subject] | None = None
