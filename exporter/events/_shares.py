"""What alerts on events share: counters summed over processes, and the share of those that went wrong."""

from collections.abc import Mapping

from exporter.core.counting import risen, scraped_before
from exporter.core.durations import seconds
from exporter.core.metric import Metric
from exporter.core.monitoring_series import STARTED

PLACE = "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }}"
"""Whose it is, in a sentence of an alert."""

DASHBOARD = "integration-events"
"""Where alerts on a kind of events link that has no dashboard of its own."""


def increase(metric: Metric, by: tuple[str, ...], window: str, matchers: str = "") -> str:
    """Return by how much the counter rose, summed over processes.

    Each process counts the events that the load balancer gave it, so their counters add up.
    """
    chosen = f"{metric}{{{matchers}}}" if matchers else str(metric)
    return f"sum by ({', '.join(by)}) ({risen(chosen, window)})"


def rise(metric: Metric, by: tuple[str, ...], pace: str) -> str:
    """Return how many events came since the last evaluation, each counted once, where that is `pace` ago.

    An increase is extrapolated, and what comes between two of its windows belongs to neither.
    """
    now, before = f"last_over_time({metric}[5m])", f"last_over_time({metric}[5m] offset {pace})"
    scraped = scraped_before(pace, str(seconds(pace)), STARTED)
    new = f"({metric} unless {metric} offset {pace}) and on (instance, job) {scraped}"
    # Where it fell, its process began again.
    return f"sum by ({', '.join(by)}) (({now} - {before}) >= 0 or {metric} < {metric} offset {pace} or {new})"


def record(metric: Metric, by: tuple[str, ...], operation: str) -> str:
    """Return the name of a record of `metric` with the labels `by`."""
    return f"{'_'.join(by) or 'all'}:{metric}:{operation}"


def share(part: str, whole: str, least: int) -> str:
    """Return the share of `part` in `whole`, where there are at least `least`; both have equal labels."""
    return f"  {part}\n/\n  ({whole} >= {least})"


class Share:
    """The share of events that went wrong: what is recorded of it, and the expression.

    `whole` and `part` are counters, narrowed by matchers; `least` is the number of events in `window` below
    which a share says nothing. `operation` ends the name of the record of `part`, `counted` that of `whole`.
    """

    def __init__(
        self,
        whole: Metric,
        part: Metric,
        by: tuple[str, ...],
        window: str,
        least: int,
        matchers: tuple[str, str] = ("", ""),
        operations: tuple[str, str] = ("", ""),
    ) -> None:
        """Name the records; `matchers` and `operations` are those of whole and part."""
        of_whole, of_part = (f"{name}increase{window}" for name in operations)
        self.whole, self.part = record(whole, by, of_whole), record(part, by, of_part)
        self._least = least
        self.records: Mapping[str, str] = {
            self.whole: increase(whole, by, window, matchers[0]),
            self.part: increase(part, by, window, matchers[1]),
        }

    @property
    def expression(self) -> str:
        """The share, for those with enough events."""
        return share(self.part, self.whole, self._least)
