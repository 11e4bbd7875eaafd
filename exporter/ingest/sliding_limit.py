"""How much a key may take in a sliding window, in bounded memory."""

from dataclasses import dataclass


@dataclass(slots=True)
class _Use:
    window: int
    before: int = 0
    now: int = 0


class SlidingLimit:
    """Counts what keys take: exactly in the window of the moment, and the window before by its share.

    `window` is in seconds. Of more than `most_keys` keys those are forgotten that took nothing for longest.
    """

    def __init__(self, window: float, most_keys: int) -> None:
        """Start with no key."""
        self._window = window
        self._most_keys = most_keys
        self._uses: dict[str, _Use] = {}

    def take(self, key: str, number: int, most: int, now: float) -> bool:
        """Take `number` if the key then has at most `most` in the window; what is refused is not counted.

        `number` 0 asks whether one more would do, and takes nothing.
        """
        use = self._use(key, now)
        share = 1 - now % self._window / self._window
        if use.now + use.before * share + max(number, 1) > most:
            return False
        use.now += number
        if number:
            # Put behind all others: the first one is the one that took nothing for longest.
            self._uses.pop(key, None)
            self._uses[key] = use
            if len(self._uses) > self._most_keys:
                del self._uses[next(iter(self._uses))]
        return True

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._uses)

    def _use(self, key: str, now: float) -> _Use:
        window = int(now // self._window)
        found = self._uses.get(key) or _Use(window)
        if found.window != window:
            before = found.now if found.window == window - 1 else 0
            found.window, found.before, found.now = window, before, 0
        return found
