"""Time, handed in: so that tests move the hands themselves."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine needs to know of time."""

    def now(self) -> float:
        """Return the wall clock: seconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Return seconds that never jump, for durations and due times."""

    def later(self, seconds: float, callback: Callable[[], None]) -> "Handle":
        """Call `callback` on the running loop after `seconds`; the handle cancels it."""


class Handle(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Forget the call."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the wall clock: seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()

    def later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `callback` on the running loop after `seconds`."""
        return asyncio.get_running_loop().call_later(seconds, callback)


def iso(seconds: float | None) -> str | None:
    """Return a Unix time as RFC 3339 in UTC, None for what never happened."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
