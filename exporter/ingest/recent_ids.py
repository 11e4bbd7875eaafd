"""Remembers which events were counted, for those that only this process counts once."""

from collections.abc import Callable

MOST = 200_000
"""Ids of a generation; two of them take some 30 MB."""

AGE = 3600.0
"""Seconds after which an id is forgotten at the earliest."""


class RecentIds:
    """The ids of the last hour or two, or of the last 200,000 to 400,000 events where those are fewer."""

    def __init__(self, now: Callable[[], float], most: int = MOST, age: float = AGE) -> None:
        """Start without ids; `now` is in seconds."""
        self._now, self._most, self._age = now, most, age
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._since = now()

    def add(self, kind: str, event_id: str) -> bool:
        """Remember the id; return whether it is new."""
        # 64 bits: one in some 10^13 events is taken for another, and a string would take twice the room.
        key = hash((kind, event_id))
        if key in self._young or key in self._old:
            return False
        if len(self._young) >= self._most or self._now() - self._since >= self._age:
            self._old, self._young, self._since = self._young, set(), self._now()
        self._young.add(key)
        return True
