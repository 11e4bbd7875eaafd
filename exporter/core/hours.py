"""Hours of summaries: which one a moment lies in, and which of them answer a question."""

from typing import Final, NamedTuple

from exporter.core.summary import HOUR

DAY: Final = 24 * HOUR

FOLDED_AFTER: Final = 3 * DAY
"""Seconds for which hours are kept apart: longer than 24 h beside the 24 h before."""


class HourRange(NamedTuple):
    """Hours from `since` up to, but without, `until`, both first seconds of an hour in Unix time."""

    since: int
    until: int

    @property
    def before(self) -> "HourRange":
        """The hours before it, as many."""
        return HourRange(2 * self.since - self.until, self.since)


def hour_of(moment: float) -> int:
    """Return the first second of the hour that a Unix time lies in."""
    return int(moment // HOUR) * HOUR


def day_of(moment: float) -> int:
    """Return the first second of the day (UTC) that a Unix time lies in."""
    return int(moment // DAY) * DAY


def last_hours(now: float, hours: int) -> HourRange:
    """Return a range of at least `hours` hours that has `now` in its last hour.

    Beyond the hours that the store keeps apart it is one of whole days in UTC, and so is the one before it: a
    day that is one row lies in either of them as a whole.
    """
    since, floor, step = now - hours * HOUR, hour_of, HOUR
    if hours * HOUR >= FOLDED_AFTER:
        floor, step = day_of, DAY
    return HourRange(floor(since), floor(now) + step)
