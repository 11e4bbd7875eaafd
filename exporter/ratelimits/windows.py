"""Sliding windows: how much of a limit was taken, by the strategy and the storages of the library `limits`.

A sliding window counter is two numbers for each identifier: what the window of the moment has taken, and what
the one before had, of which the share counts that still lies within the last `seconds`.
"""

from dataclasses import dataclass
from typing import Protocol

from limits import RateLimitItemPerSecond
from limits.aio.storage import SlidingWindowCounterSupport, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from exporter.core.ratelimit import RateLimitPolicy

NAMESPACE = "window"


@dataclass(frozen=True, slots=True)
class WindowCount:
    """What two windows of `policy` have taken; `left` are the seconds until the one of the moment is over."""

    policy: RateLimitPolicy
    previous: int
    current: int
    left: float

    @property
    def taken(self) -> int:
        """How much of the limit is taken now."""
        return int(self.previous * self.left / self.policy.seconds) + self.current

    @property
    def remaining(self) -> int:
        """How much may still be asked now."""
        return max(0, self.policy.amount - self.taken)

    @property
    def reset(self) -> float:
        """Seconds until nothing of it counts, if nothing more comes."""
        if self.current:
            return self.left + self.policy.seconds
        return self.left if self.previous else 0.0

    def wait(self, cost: int) -> float:
        """Return the seconds until `cost` would be allowed, if nothing more comes."""
        if self.taken + cost <= self.policy.amount:
            return 0.0
        # What is taken is rounded down: less than this, and `cost` fits.
        below, seconds = self.policy.amount - cost + 1, self.policy.seconds
        if self.current < below:
            return _just_after(self.left - (below - self.current) * seconds / max(1, self.previous))
        return _just_after(self.left + seconds - below * seconds / self.current)


def _just_after(seconds: float) -> float:
    # The boundary itself is still too early, and a clock that rounds would hit it.
    return max(0.0, seconds) + 0.001


class WindowStorage(Protocol):
    """Keeps the numbers of windows."""

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Take `amount` of `key` in a window of `expiry` seconds; return whether there was room."""

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return what the window before had and for how long it counts, and the same of the current one."""


class Windows:
    """The windows in `storage`, one of the library `limits` that knows sliding windows."""

    def __init__(self, storage: Storage) -> None:
        """Begin with what the storage has."""
        if not isinstance(storage, SlidingWindowCounterSupport):
            raise TypeError(f"{type(storage).__name__} knows no sliding windows")
        self._storage = storage
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, policy: RateLimitPolicy, key: str, cost: int) -> tuple[bool, WindowCount]:
        """Take `cost` of the window of `key`; return whether there was room, and how it is afterwards."""
        item = _item(policy)
        allowed = await self._limiter.hit(item, key, cost=cost)
        return allowed, await self._count(policy, item, key)

    async def look(self, policy: RateLimitPolicy, key: str) -> WindowCount:
        """Return how the window of `key` is, and take nothing."""
        return await self._count(policy, _item(policy), key)

    async def clear(self, policy: RateLimitPolicy, key: str) -> None:
        """Forget what `key` has taken."""
        await self._limiter.clear(_item(policy), key)

    async def _count(self, policy: RateLimitPolicy, item: RateLimitItemPerSecond, key: str) -> WindowCount:
        previous, weighs, current, expires = await self._storage.get_sliding_window(
            item.key_for(key), policy.seconds
        )
        # The current window lives for one more, in which it is the one before.
        left = max(0.0, expires - policy.seconds) if current else weighs
        return WindowCount(policy, previous, current, left)


def _item(policy: RateLimitPolicy) -> RateLimitItemPerSecond:
    # Number and time are part of the library's keys: a limit that changes begins with an empty window.
    return RateLimitItemPerSecond(policy.amount, policy.seconds, NAMESPACE)
