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


class FirstPart(NamedTuple):
    """How much rows count: those of hours before `until` by `share`, all later ones whole."""

    until: int = 0
    share: float = 1.0


WHOLE: Final = FirstPart()


class EarlierHours(NamedTuple):
    """The time from `since` (Unix seconds) on that others are compared with: `hours`, the first in part."""

    since: float
    hours: HourRange
    first: FirstPart


def hour_of(moment: float) -> int:
    """Return the first second of the hour that a Unix time lies in."""
    return int(moment // HOUR) * HOUR


def day_of(moment: float) -> int:
    """Return the first second of the day (UTC) that a Unix time lies in."""
    return int(moment // DAY) * DAY


def hours_before(hours: HourRange, now: float) -> EarlierHours:
    """Return the time right before `hours`, as long as they are by `now`, with which sums can be compared.

    It seldom begins with an hour. Of the hour that it begins in, or the day where days are one row, it has a
    part, and what happened within is taken to be spread evenly over it.
    """
    step = DAY if hours.until - hours.since > FOLDED_AFTER else HOUR
    since = 2 * hours.since - min(now, hours.until)
    first = int(since // step) * step
    share = (first + step - since) / step
    return EarlierHours(since, HourRange(first, hours.since), FirstPart(first + step, share))


def last_hours(now: float, hours: int) -> HourRange:
    """Return a range of at least `hours` hours that has `now` in its last hour.

    Beyond the hours that the store keeps apart it is one of whole days in UTC: a day that is one row lies
    within it.
    """
    since, floor, step = now - hours * HOUR, hour_of, HOUR
    if hours * HOUR >= FOLDED_AFTER:
        floor, step = day_of, DAY
    return HourRange(floor(since), floor(now) + step)
