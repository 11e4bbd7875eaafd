"""Whether something gathers in one place: its share now, compared with that of the week before."""

from dataclasses import dataclass

from exporter.core.metric import Metric
from exporter.events._shares import increase, record

HOURLY = "1h"
"""The pace of what is kept for a week: 168 samples of each series, and not 20,160."""
SINCE = "1h"
"""The week ends so long ago: the hour that is compared is no part of it."""
A_DAY = 24
"""Hours of the past below which nothing is usual yet."""
LEAST_SHARE = 0.001
"""What a usual share is at least: a share of nothing before would be infinitely many times it."""


@dataclass(frozen=True)
class Gathering:
    """The expression and the records of one kind of places.

    `metric` is a counter, `whole` its labels of which a share is taken, `by` those of a place. A place that
    never was there before has a usual share of nothing, unless `newcomers` is False: then it is left out for
    its first day.
    `least` is how much of `window` a place needs to say something, `least_whole` how much all of them do,
    `floor` the share that a place needs besides.
    """

    metric: Metric
    whole: tuple[str, ...]
    by: tuple[str, ...]
    newcomers: bool = True
    window: str = "1h"
    least: int = 10
    least_whole: int = 0
    floor: float = 0.0
    pace: str = "4m"

    @property
    def _now(self) -> str:
        return record(self.metric, self.by, f"increase{self.window}")

    @property
    def _hourly(self) -> str:
        return record(self.metric, self.by, "hourly")

    @property
    def _known(self) -> str:
        return record(self.metric, self.whole, "total_1w")

    @property
    def usual(self) -> str:
        """The name of the record of a place's usual share."""
        return record(self.metric, self.by, "share_1w")

    @property
    def records(self) -> dict[str, str]:
        """What is recorded, name to expression."""
        labels, whole = ", ".join(self.by), ", ".join(self.whole)
        # What came up within the week had nothing before; what joined had no chance to.
        week = f"{'sum' if self.newcomers else 'avg'}_over_time({self._hourly}[1w] offset {SINCE})"
        hours = f"count_over_time({self._hourly}[1w] offset {SINCE})"
        own = "" if self.newcomers else f"\nand on ({labels})\n  sum by ({labels}) ({hours}) >= {A_DAY}"
        return {
            self._now: increase(self.metric, self.by, self.window),
            self._hourly: increase(self.metric, self.by, HOURLY),
            self._known: (
                f"sum by ({whole}) ({week}) > 0\nand on ({whole})\n  max by ({whole}) ({hours}) >= {A_DAY}"
            ),
            self.usual: (f"sum by ({labels}) ({week})\n/ on ({whole}) group_left ()\n  {self._known}{own}"),
        }

    @property
    def record_every(self) -> dict[str, str]:
        """The pace of the records that are slower than the alert."""
        return dict.fromkeys((self._hourly, self._known, self.usual), HOURLY)

    @property
    def expression(self) -> str:
        """How many times its usual share a place has."""
        labels, whole = ", ".join(self.by), ", ".join(self.whole)
        # A record of an hour's pace is absent between two evaluations, but for five minutes.
        usual, known = (f"last_over_time({name}[65m])" for name in (self.usual, self._known))
        if self.newcomers:
            usual = f"({usual} or ({self._now} * 0 and on ({whole}) {known}))"
        return (
            f"  (\n    ({self._now} >= {self.least})\n"
            f"  / on ({whole}) group_left ()\n    (sum by ({whole}) ({self._now}) >= {self.least_whole})\n"
            f"  > {self.floor:g}\n  )\n"
            f"/ on ({labels})\n  clamp_min({usual}, {LEAST_SHARE:g})"
        )
