"""What events of an hour come to, by their subject, and what can be asked of many hours."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from exporter.core.hours import WHOLE, FirstPart, HourRange
from exporter.core.store import Subject
from exporter.core.summary import BUCKETS, quantile

API: Final = "api_request"
AI: Final = "ai_usage"
PAYMENT: Final = "payment"
WIDGET: Final = "widget"
TRAFFIC: Final = "traffic"
COUNTRY: Final = "country"
SIGN_IN: Final = "sign_in"

TOPICS: Final = (API, AI, PAYMENT, WIDGET, TRAFFIC, COUNTRY, SIGN_IN)

TIMED: Final = frozenset({API, AI, WIDGET})
"""Topics whose events took a time; others have no latencies to add up."""

ALL_TENANTS: Final = "*"
"""The tenant of a row that is the sum over all of them; no tenant is called so."""

EventKey = tuple[str, str, int, str, str, str, str]
"""Topic, tenant, first second of the hour (Unix time), integration, name, variant and outcome."""


@dataclass(slots=True)
class EventSummary:
    """Counts that are added to; `latencies` are by the buckets of core/summary.py."""

    number: int = 0
    amount: float = 0.0
    latencies: dict[int, int] = field(default_factory=dict)

    def add(self, other: "EventSummary") -> None:
        """Take in what `other`, of the same key, has counted."""
        self.number += other.number
        self.amount += other.amount
        for bucket, count in other.latencies.items():
            self.latencies[bucket] = self.latencies.get(bucket, 0) + count


EventSummaries = dict[EventKey, EventSummary]


@dataclass
class EventStatistic:
    """What events of a subject resulted in: their number by outcome ("" is good), money, and latencies."""

    subject: Subject = ()
    outcomes: Counter[str] = field(default_factory=Counter)
    amount: float = 0.0
    latencies: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    @property
    def number(self) -> int:
        """How many there were."""
        return self.outcomes.total()

    @property
    def reasons(self) -> dict[str, int]:
        """How many went wrong, by outcome, the most frequent first."""
        return {name: count for name, count in self.outcomes.most_common() if name and count}

    @property
    def failed(self) -> int:
        """How many went wrong."""
        return sum(self.reasons.values())

    def latency(self, share: float) -> float | None:
        """Return the seconds that `share` of those with a duration took at most, within 10.1 %."""
        return quantile(self.latencies, share)

    def add(self, outcome: str, number: int, amount: float, latencies: Mapping[int, int]) -> None:
        """Count `number` more with an outcome; `latencies` are by bucket."""
        self.outcomes[outcome] += number
        self.amount += amount
        for bucket, count in latencies.items():
            self.latencies[bucket] += count

    def part(self, share: float) -> "EventStatistic":
        """Return a share of it, in whole numbers."""
        outcomes = Counter({name: round(count * share) for name, count in self.outcomes.items()})
        latencies = [round(count * share) for count in self.latencies]
        return EventStatistic(self.subject, outcomes, self.amount * share, latencies)

    def join(self, other: "EventStatistic") -> None:
        """Take in what another subject resulted in."""
        self.outcomes.update(other.outcomes)
        self.amount += other.amount
        self.latencies = [one + more for one, more in zip(self.latencies, other.latencies, strict=True)]


@dataclass(frozen=True)
class EventWindow:
    """Which events are asked for: of a topic, in a range of hours.

    `by` are the columns that make a subject: tenant, integration, name, variant, hour or day. `tenants` are
    those that the caller may know of; "" and None narrow nothing. Of the first hour or day, `first` says how
    much it counts.
    """

    topic: str
    hours: HourRange
    by: tuple[str, ...] = ()
    integration: str = ""
    tenant: str | None = None
    tenants: Collection[str] | None = None
    first: FirstPart = WHOLE
