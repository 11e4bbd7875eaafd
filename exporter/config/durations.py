"""Durations as Prometheus writes them: 500ms, 30s, 5m, 1h, 1d, 1h30m."""

import re
from functools import lru_cache

PATTERN = r"^(?=[0-9])([0-9]{1,9}w)?([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?$"
"""Regular expression of a duration, in the dialect of JSON Schema."""

REMEDY = "write a duration such as 500ms, 30s, 5m, 1h or 1d"

_UNITS = (604_800.0, 86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_NAMES = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@lru_cache(maxsize=256)  # a file has few, and checks ask at each run
def seconds(text: str) -> float:
    """Return the seconds that `text` says; ValueError when it is no duration."""
    found = re.fullmatch(PATTERN, text)
    # fullmatch, because `$` alone would let a trailing line break through
    if not found or text.endswith("\n"):
        raise ValueError(f"not a duration; {REMEDY}")
    return sum(
        float(part.rstrip("wdhms")) * unit
        for part, unit in zip(found.groups(), _UNITS, strict=True)
        if part is not None
    )


def text_of(amount: float) -> str:
    """Return `amount` seconds in the shortest form, such as 1h30m; parts of a millisecond are dropped."""
    whole, rest = divmod(round(amount * 1000), 1000)
    parts = []
    for name, size in _NAMES:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{name}")
    if rest or not parts:
        parts.append(f"{rest}ms")
    return "".join(parts)
