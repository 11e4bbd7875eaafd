"""A bounded storage in memory for the library `limits`: its own walks all keys at each request."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from limits.aio.storage import SlidingWindowCounterSupport, Storage

MOST_KEYS = 100_000
"""Windows that are remembered: of more, those are forgotten that took nothing for longest."""

SWEPT = 5_000
"""Windows that one sweep looks at, so that the loop is free again in a few milliseconds."""


@dataclass(slots=True)
class _Window:
    number: int
    expiry: int
    previous: int = 0
    current: int = 0


class BoundedMemoryStorage(Storage, SlidingWindowCounterSupport):
    """Windows by key; `now` is in Unix seconds. No call waits, so none comes between two steps of another."""

    # Only ours to make: no URL leads to it.
    STORAGE_SCHEME = None

    def __init__(self, now: Callable[[], float] = time.time, most_keys: int = MOST_KEYS) -> None:
        """Start with no window."""
        super().__init__()
        self._now = now
        self._most_keys = most_keys
        self._windows: dict[str, _Window] = {}

    def __len__(self) -> int:
        """Return how many windows are remembered."""
        return len(self._windows)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a failure of it is: memory has none."""
        return ValueError

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Take `amount` of `key` if that leaves it within `limit` in `expiry` seconds."""
        window = self._find(key, expiry)
        left = self._left(expiry)
        if int(window.previous * left / expiry) + window.current + amount > limit:
            return False
        window.current += amount
        # Put behind all others: the first one is the one that took nothing for longest.
        self._windows.pop(key, None)
        self._windows[key] = window
        if len(self._windows) > self._most_keys:
            del self._windows[next(iter(self._windows))]
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return what the window before had and for how long it counts, and the same of the current one."""
        window, left = self._find(key, expiry), self._left(expiry)
        return window.previous, left if window.previous else 0.0, window.current, left + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a window."""
        del expiry
        self._windows.pop(key, None)

    def sweep(self) -> None:
        """Forget some of the windows that count no longer, those first that took nothing for longest."""
        now = self._now()
        for _ in range(min(SWEPT, len(self._windows))):
            key = next(iter(self._windows))
            window = self._windows.pop(key)
            if int(now // window.expiry) <= window.number + 1:
                # Those of a long limit would hide what is behind them: they go to the end.
                self._windows[key] = window

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Refuse: a fixed window is not what this storage is for."""
        raise NotImplementedError

    async def get(self, key: str) -> int:
        """Refuse, as `incr` does."""
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        """Refuse, as `incr` does."""
        raise NotImplementedError

    async def check(self) -> bool:
        """Return that it works."""
        return True

    async def reset(self) -> int:
        """Forget everything; return how many windows that were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget a window."""
        self._windows.pop(key, None)

    def _find(self, key: str, expiry: int) -> _Window:
        """Return the window of `key` as it is now; one that is new is not remembered yet."""
        number = int(self._now() // expiry)
        window = self._windows.get(key)
        if window is None:
            return _Window(number, expiry)
        if window.number != number:
            window.previous = window.current if window.number == number - 1 else 0
            window.number, window.current = number, 0
        return window

    def _left(self, expiry: int) -> float:
        return expiry - self._now() % expiry
