"""Which times figures are of: those of a window, and those of as long a time before it."""

from typing import Any

from exporter.core.clock import iso
from exporter.core.hours import HourRange, hours_before


def periods(hours: HourRange, now: float) -> dict[str, Any]:
    """Return begin and end of a window and of the time that it is compared with, in RFC 3339."""
    return {
        "since": iso(hours.since),
        "until": iso(now),
        "before_since": iso(hours_before(hours, now).since),
        "before_until": iso(hours.since),
    }
