"""Durations as Prometheus writes them."""

import re

_STEP = re.compile(r"(\d+)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(duration: str) -> int:
    """Return a duration as Prometheus writes it (`1h30m`) in seconds."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _STEP.findall(duration))
