"""Counts what alerts do, by their names: for dashboards, and to find those that wake people for nothing."""

from collections.abc import Callable, Iterable

from exporter.core.metric import Metric
from exporter.core.notice_metrics import (
    ACKNOWLEDGE_SECONDS,
    ALERT_SERIES,
    ALERTS_ACKNOWLEDGED,
    ALERTS_FIRED,
    ALERTS_FLAPPED,
    ALERTS_RESOLVED,
    RESOLVE_SECONDS,
)

Count = Callable[[Metric, tuple[str, ...], float], None]
"""Adds to a series, or sets one."""

OTHER = "other"
"""The label of what has no series of its own: a name beyond the bound, a severity that is none of ours."""

MOST_NAMES = 500
"""Names of alerts that have series of their own."""


class AlertSeries:
    """Series by the name of an alert, of at most MOST_NAMES of them."""

    def __init__(self, add: Count) -> None:
        """Start without a name."""
        self._add = add
        self._names: set[str] = set()

    def show(self, names: Iterable[str]) -> None:
        """Show the series of `names` from 0 on: `increase` does not see one that begins at 1."""
        for name in names:
            self._name(name)

    def fire(self, alert: str, *, flapped: bool) -> None:
        """Count that `alert` began to fire; `flapped`: soon after it was resolved."""
        name = self._name(alert)
        self._add(ALERTS_FIRED, (name,), 1)
        self._add(ALERTS_FLAPPED, (name,), int(flapped))

    def resolve(self, alert: str, seconds: float) -> None:
        """Count that `alert` was resolved, after so many seconds."""
        self._count(alert, ALERTS_RESOLVED, RESOLVE_SECONDS, seconds)

    def acknowledge(self, alert: str, seconds: float) -> None:
        """Count that somebody acknowledged `alert`, so many seconds after it began to fire."""
        self._count(alert, ALERTS_ACKNOWLEDGED, ACKNOWLEDGE_SECONDS, seconds)

    def _count(self, alert: str, times: Metric, total: Metric, seconds: float) -> None:
        name = self._name(alert)
        self._add(times, (name,), 1)
        # A counter must not fall, whatever the clock of another machine says.
        self._add(total, (name,), max(0.0, seconds))

    def _name(self, alert: str) -> str:
        if alert in self._names:
            return alert
        if len(self._names) >= MOST_NAMES:
            return OTHER
        self._names.add(alert)
        for metric in ALERT_SERIES:
            self._add(metric, (alert,), 0)
        return alert
