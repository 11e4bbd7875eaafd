"""Durations as Go writes them, which files of the exporter toolkit use (https://pkg.go.dev/time#ParseDuration)."""

import re

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|\N{MICRO SIGN}s|\N{GREEK SMALL LETTER MU}s|ms|s|m|h)", re.A)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Return the seconds of `text`, such as `1m30s` or `1.5s`; ValueError where it is no duration."""
    if text == "0":
        return 0.0
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError
    return sum(float(number) * _SECONDS.get(unit, 1e-6) for number, unit in parts)
