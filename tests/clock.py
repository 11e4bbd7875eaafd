"""A clock whose hands the test moves."""

import asyncio
import heapq
import itertools
from collections.abc import Callable


class HandHandle:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class HandClock:
    """Wall and monotonic time start at `at` and 0 and stand still until `advance`."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self._start = at
        self._time = 0.0
        self._heap: list[tuple[float, int, HandHandle]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._start + self._time

    def set_wall(self, seconds: float) -> None:
        """Put the wall clock forward by `seconds`, or back; the monotonic one goes on as it was."""
        self._start += seconds

    def monotonic(self) -> float:
        return self._time

    def later(self, seconds: float, callback: Callable[[], None]) -> HandHandle:
        handle = HandHandle(callback)
        heapq.heappush(self._heap, (self._time + seconds, next(self._order), handle))
        return handle

    async def advance(self, seconds: float) -> None:
        """Move on, calling what falls due in its order and letting tasks run after each call."""
        end = self._time + seconds
        while self._heap and self._heap[0][0] <= end:
            self._time, _, handle = heapq.heappop(self._heap)
            if handle.callback is not None:
                handle.callback()
            await settle()
        self._time = end
        await settle()


async def settle() -> None:
    """Let every task that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)
