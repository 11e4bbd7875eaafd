"""Rates: so many in a duration, such as 50/1s or 1000/1m."""

import re

from exporter.config import durations

PATTERN = r"^[1-9][0-9]{0,5}/([0-9]{1,6}(ms|s|m|h|d))+$"
"""Regular expression of a rate, in the dialect of JSON Schema."""


def rate(text: str) -> tuple[int, float]:
    """Return the number and the seconds that `text` says; ValueError when it is no rate."""
    # Without fullmatch `$` would let a trailing line break through.
    if not re.fullmatch(PATTERN, text) or text.endswith("\n"):
        raise ValueError("not a rate; write one such as 50/1s")
    count, _, time = text.partition("/")
    seconds = durations.seconds(time)
    if seconds <= 0:
        raise ValueError("the time of the rate is zero; write one such as 50/1s")
    return int(count), seconds
