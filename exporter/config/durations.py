"""Durations as Prometheus and as Go write them: 500ms, 30s, 1h30m, 1d, 1.5s, 250us.

Go's are those of https://pkg.go.dev/time#ParseDuration, without a sign.
"""

import re
from functools import lru_cache

_NUMBER = r"([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})"
# Go takes both characters for micro, U+00B5 and U+03BC; d and w are those of Prometheus.
PATTERN = rf"^(0|({_NUMBER}(ns|[u\u00b5\u03bc]s|ms|s|m|h|d|w))+)$"
"""Regular expression of a duration, in the dialect of JSON Schema."""

REMEDY = "write a duration such as 500ms, 30s, 5m, 1h or 1d"

_PART = re.compile(r"([0-9.]+)([a-z\u00b5\u03bc]+)")
_UNITS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "ns": 1e-9}
_MICRO = 1e-6
_NAMES = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@lru_cache(maxsize=256)  # a file has few, and checks ask at each run
def seconds(text: str) -> float:
    """Return the seconds that `text` says; ValueError when it is not a duration."""
    # fullmatch, because `$` alone would let a trailing line break through
    if not re.fullmatch(PATTERN, text) or text.endswith("\n"):
        raise ValueError(f"not a duration; {REMEDY}")
    return sum(float(number) * _UNITS.get(unit, _MICRO) for number, unit in _PART.findall(text))


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
