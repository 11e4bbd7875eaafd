"""The end of a shutdown: several parts share one limit, one after the other."""

import time
from collections.abc import Callable


class ShutdownLimit:
    """So many seconds from the first time that somebody asks what is left of them."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Do not begin yet."""
        self._seconds = seconds
        self._monotonic = monotonic
        self._end: float | None = None

    @property
    def left(self) -> float:
        """Seconds that are left, never less than 0."""
        if self._end is None:
            self._end = self._monotonic() + self._seconds
        return max(0.0, self._end - self._monotonic())
