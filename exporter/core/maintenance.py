"""A maintenance window: alerts of some things notify nobody, once or each week."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from exporter.core.metric import Metric, Scope
from exporter.core.severity import Severity

MAINTENANCE_ACTIVE = Metric(
    "integration_exporter_maintenance_active",
    "Whether a maintenance window is open now (1) or not (0), by its name.",
    labels=("name",),
    scope=Scope.EXPORTER,
)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Days of the week as datetime counts them, from 0 on."""

FILE, API = "file", "api"
"""Where a window comes from."""


@dataclass(frozen=True)
class MaintenanceSpan:
    """From when to when a window is open, in Unix seconds."""

    starts: float
    ends: float


@dataclass(frozen=True)
class WeeklySchedule:
    """On `days` (0 is Monday) from `start` to `end`, as clocks in `zone` show it.

    `end` is on the next day where it is not after `start`; None is midnight.
    """

    days: frozenset[int]
    start: time
    end: time | None
    zone: str

    def spans(self, at: float, ahead: float) -> Iterator[MaintenanceSpan]:
        """Yield the spans that are open at `at`, or begin within `ahead` seconds, in their order."""
        zone = ZoneInfo(self.zone)
        first = datetime.fromtimestamp(at, zone).date() - timedelta(days=2)
        for number in range(int(ahead // 86_400) + 5):
            day = first + timedelta(days=number)
            if day.weekday() in self.days:
                span = self._span(day, zone)
                if span.ends > at and span.starts <= at + ahead:
                    yield span

    def _span(self, day: date, zone: ZoneInfo) -> MaintenanceSpan:
        over_midnight = self.end is None or self.end <= self.start
        last = day + timedelta(days=1) if over_midnight else day
        starts = _moments(datetime.combine(day, self.start, zone))
        ends = _moments(datetime.combine(last, self.end or time(), zone))
        # Where the clock changes, a time may be there twice, or not at all: rather too long than too short.
        return MaintenanceSpan(min(starts), max(ends))


@dataclass(frozen=True)
class MaintenanceWindow:
    """Which alerts notify nobody, and when; empty lists match everything, what is given must all match.

    `once` is the span of a window that is open once, `weekly` the schedule of one that comes again. `origin`
    is FILE or API, `author` who made it by API, at `created` (Unix seconds).
    """

    name: str
    integrations: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    comment: str = ""
    once: MaintenanceSpan | None = None
    weekly: WeeklySchedule | None = None
    origin: str = FILE
    author: str = ""
    created: float | None = None

    def spans(self, at: float, ahead: float) -> Iterator[MaintenanceSpan]:
        """Yield the spans that are open at `at`, or begin within `ahead` seconds, in their order."""
        if self.once is not None and self.once.ends > at and self.once.starts <= at + ahead:
            yield self.once
        if self.weekly is not None:
            yield from self.weekly.spans(at, ahead)

    def next_span(self, at: float) -> MaintenanceSpan | None:
        """Return the span that is open at `at`, else the next one, None where there is none any more."""
        if self.once is not None:
            return self.once if self.once.ends > at else None
        # A week and a day: the next one is on the same day of the week at the latest.
        return next(self.spans(at, 8 * 86_400.0), None)

    def is_open(self, at: float) -> bool:
        """Return whether it is open at `at`."""
        return any(True for _ in self.spans(at, 0.0))


def _moments(local: datetime) -> tuple[float, float]:
    """Return both moments that a local time may mean; they are one but where the clock changes."""
    first, second = (local.replace(fold=fold).astimezone(UTC).timestamp() for fold in (0, 1))
    return first, second
