"""Events that wait to be sent: bounded, and safe in every thread, signal handler and forked process."""

from collections import deque
from threading import RLock
from typing import Any

QueuedEvent = dict[str, Any]


class EventQueue:
    """Holds at most `most` events; one more is dropped and counted in `dropped`, never waited for.

    What was taken belongs to it until it is settled: nobody sees an event that is neither here nor sent.
    """

    def __init__(self, most: int) -> None:
        """Start empty."""
        self.most = most
        self.dropped = 0
        self._events: deque[QueuedEvent] = deque()
        self._taken = 0
        # Re-entrant: a signal handler or a finalizer may report an event while this thread is in here.
        self._lock = RLock()

    def __len__(self) -> int:
        """Return how many events wait to be taken."""
        return len(self._events)

    @property
    def unsettled(self) -> int:
        """How many events wait, with those that were taken and whose fate is open."""
        with self._lock:
            return len(self._events) + self._taken

    def add(self, event: QueuedEvent) -> bool:
        """Take over `event`; return False where there is no room for it."""
        with self._lock:
            if len(self._events) >= self.most:
                self.dropped += 1
                return False
            self._events.append(event)
            return True

    def take(self, most: int) -> list[QueuedEvent]:
        """Return the oldest events, `most` at most; `settle` them once it is known what became of them."""
        with self._lock:
            taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
            self._taken += len(taken)
            return taken

    def settle(self, count: int) -> None:
        """Forget `count` events that were taken."""
        with self._lock:
            self._taken -= count

    def forget(self) -> None:
        """Start again in a child process: the parent sends what it has, and no lock of it is ours."""
        self._events = deque()
        self._lock = RLock()
        self._taken = self.dropped = 0
