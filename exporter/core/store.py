"""What is stored across restarts, and what can be asked of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from exporter.core.hours import WHOLE, FirstPart
from exporter.core.probe import TargetKey
from exporter.core.reason import Reason
from exporter.core.summary import BUCKETS, quantile


@dataclass(frozen=True)
class Snapshot:
    """State of one target as it must come back after a restart; times are Unix seconds, None if never.

    `facts` are the dated samples as (metric name, label values, value). `answers` are those of
    `kit.every`: key to (time, JSON value). `until` is the end of a back-off. `mark` distinguishes
    other options from these, so that the answers given to another credential do not come back; it is too
    short to give a secret away.
    """

    key: TargetKey
    provider: str
    status: str
    reason: Reason | None
    detail: str
    since: float
    last_run: float | None
    last_success: float | None
    failures: int
    until: float | None = None
    facts: tuple[tuple[str, tuple[str, ...], float], ...] = ()
    answers: dict[str, tuple[float, Any]] = field(default_factory=dict)
    mark: str = ""


@dataclass(frozen=True)
class StateChange:
    """A target went from one status or reason to another at `at` (Unix seconds).

    `replica` names the process that saw it; the store fills it in.
    """

    at: float
    key: TargetKey
    provider: str
    before: str
    status: str
    reason: Reason | None
    detail: str
    trace_id: str = ""
    # The store fills it in; what was written must still equal what is read.
    replica: str = field(default="", compare=False)


@dataclass(frozen=True)
class Failure:
    """One failed run with its log (seconds since the start, text); `replica` as in a StateChange."""

    at: float
    key: TargetKey
    provider: str
    reason: Reason
    detail: str
    duration_seconds: float
    http_status: int | None
    log: tuple[tuple[float, str], ...]
    trace_id: str = ""
    # The store fills it in; what was written must still equal what is read.
    replica: str = field(default="", compare=False)


Cursor = tuple[float, int]
"""Where a row is in a list: its time and number."""

RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Page(Generic[RowT]):
    """Some rows of a list, and the place that the next page begins after; None when there is none."""

    rows: Sequence[RowT]
    next: Cursor | None = None


@dataclass(frozen=True)
class Filter:
    """Which rows are asked for; what is None or empty narrows nothing.

    `tenants` are those that the caller may know of; `reason` and `result` narrow the lists that have such a
    column, `fields` by columns that few lists have, as (column, value). Times are Unix seconds:
    since <= at < until. `after` is the `next` of the page before.
    """

    integration: str = ""
    tenant: str | None = None
    tenants: Collection[str] | None = None
    reason: Reason | None = None
    result: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    since: float | None = None
    until: float | None = None
    after: Cursor | None = None


ALL = Filter()

Subject = tuple[str, ...]
"""What a statistic is about: values of the columns that it is grouped by."""


@dataclass(frozen=True)
class Statistic:
    """What checks of a subject resulted in; ratios are 0 to 1, and None where nothing was seen.

    `latency_counts` are those of successful runs by the buckets of core/summary.py. Where several targets are
    one subject, `provider` is one of theirs.
    """

    subject: Subject
    provider: str
    runs: int = 0
    failed: int = 0
    seconds: float = 0.0
    failing_seconds: float = 0.0
    latency_counts: tuple[int, ...] = (0,) * BUCKETS

    @property
    def uptime(self) -> float | None:
        """Share of the time that was watched in which it was not known to fail."""
        return 1.0 - self.failing_seconds / self.seconds if self.seconds else None

    @property
    def error_ratio(self) -> float | None:
        """Share of the runs that failed."""
        return self.failed / self.runs if self.runs else None

    def latency(self, share: float) -> float | None:
        """Return the seconds that `share` of the successful runs took at most, within 10.1 %."""
        return quantile(self.latency_counts, share)


@dataclass(frozen=True)
class Window:
    """Hours from `since` up to, but without, `until`, both first seconds of an hour in Unix time.

    `by` are the columns that make a subject: integration, tenant, or both. `subjects` narrows further. Of the
    first hour or day, `first` says how much it counts.
    """

    since: int
    until: int
    by: tuple[str, ...] = ("integration", "tenant")
    chosen: Filter = ALL
    subjects: Collection[Subject] | None = None
    first: FirstPart = WHOLE
