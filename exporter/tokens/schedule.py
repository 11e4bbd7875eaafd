"""When which account has its next turn: one timer for all of them, and a few turns at one time."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable

from exporter.core.clock import Clock, Handle
from exporter.tokens.account import TokenAccount

LONGEST_SLEEP = 3_600.0
"""Seconds: the wall clock, which expiries speak of, may be set meanwhile."""


class TokenSchedule:
    """Calls `turn` for each account whose time has come, as long as `has_room` says so."""

    def __init__(
        self, clock: Clock, turn: Callable[[TokenAccount], None], has_room: Callable[[], bool]
    ) -> None:
        """Start with nothing planned."""
        self._clock = clock
        self._turn = turn
        self._has_room = has_room
        self._heap: list[tuple[float, int, TokenAccount]] = []
        self._order = itertools.count()
        self._ready: deque[TokenAccount] = deque()
        self._timer: Handle | None = None
        self._stopped = False

    @property
    def waiting(self) -> int:
        """How many accounts are due and wait for room."""
        return len(self._ready)

    def plan(self, account: TokenAccount, when: float | None) -> None:
        """Give `account` its turn at `when` (Unix seconds), None for never; an older plan is void."""
        account.planned = when
        if when is None or self._stopped:
            return
        # The counter keeps the heap from comparing accounts, and those of one moment in order.
        entry = (when, next(self._order), account)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._wake()

    def forget(self, account: TokenAccount) -> None:
        """Give `account` no turn any more."""
        account.planned = None

    def run_ready(self) -> None:
        """Give turns to those that are ready."""
        while self._ready and self._has_room() and not self._stopped:
            self._turn(self._ready.popleft())

    def stop(self) -> None:
        """Give no turns any more."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()

    def _wake(self) -> None:
        """Set the timer for the first account that is due."""
        # A plan that was replaced stays in the heap until it comes up: to search for it would cost more.
        while self._heap and self._heap[0][2].planned != self._heap[0][0]:
            heapq.heappop(self._heap)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._stopped:
            wait = min(max(0.0, self._heap[0][0] - self._clock.now()), LONGEST_SLEEP)
            self._timer = self._clock.later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            when, _, account = heapq.heappop(self._heap)
            if account.planned == when:
                account.planned = None
                self._ready.append(account)
        try:
            self.run_ready()
        finally:
            self._wake()  # one account's mistake must not end the turns of all
