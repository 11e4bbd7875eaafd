"""Time, handed in: so that tests move the hands themselves."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the engine needs to know of time."""

    def now(self) -> float:
        """Return the wall clock: seconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Return seconds that never jump, for durations and due times."""

    async def sleep(self, seconds: float) -> None:
        """Wait at least `seconds`."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the wall clock: seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait at least `seconds` on the running loop."""
        await asyncio.sleep(seconds)
