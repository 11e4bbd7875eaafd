"""Months of the calendar in UTC, and what one will have cost at its end."""

from datetime import UTC, datetime
from typing import NamedTuple


class Month(NamedTuple):
    """A month such as 2026-11: its first second in Unix time, and the first one of the month after it."""

    name: str
    since: int
    until: int

    @property
    def before(self) -> "Month":
        """The month before it."""
        return month_of(self.since - 1)


def month_of(moment: float) -> Month:
    """Return the month that a Unix time lies in."""
    first = datetime.fromtimestamp(moment, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # December has no thirteenth month behind it, and months are of 28 to 31 days.
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return Month(first.strftime("%Y-%m"), int(first.timestamp()), int(after.timestamp()))


def forecast(so_far: float, pace: float, now: float) -> float:
    """Return what the month of `now` will come to: what it has, and the rest of it at `pace` a second."""
    return so_far + pace * max(0.0, month_of(now).until - now)
