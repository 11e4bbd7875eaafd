"""The series of every target in the exposition; those of many new targets come a portion at a time."""

import math
from collections import deque
from collections.abc import Iterable, Iterator

from exporter.core.clock import Clock
from exporter.core.probe import TargetKey
from exporter.engine.board import NOT_CONFIGURED, Board, TargetState
from exporter.engine.series import common_labels, series_of, show_run
from exporter.exposition import Exposition
from exporter.tokens.manager import TokenManager

PORTION = 64
"""New targets whose series are rendered in one turn of the loop, which takes about 5 ms."""


class TargetSeries:
    """Brings states into the exposition, with what `tokens` says of each target."""

    def __init__(self, exposition: Exposition, board: Board, tokens: TokenManager, clock: Clock) -> None:
        """Start without series."""
        self._exposition = exposition
        self._board = board
        self._tokens = tokens
        self._clock = clock
        self._queue: deque[TargetState] = deque()

    def show(self, state: TargetState) -> None:
        """Show every series of a target."""
        key = state.target.key
        own = [one for one in series_of(state) if not self._tokens.overrides(key, one[0].name, one[1])]
        if state.status != NOT_CONFIGURED:
            own += self._tokens.series(key)
        # Apart by magnitude: where each interval had shards of its own, there would be many small ones.
        pace = math.frexp(state.target.interval)[1]
        self._exposition.put(("target", *key), common_labels(state.target), own, pace=pace)

    def refresh(self, key: TargetKey) -> None:
        """Show every series of the target `key`, if there still is one."""
        if state := self._board.get(key):
            self.show(state)

    def update(self, state: TargetState, *, changed: bool) -> None:
        """Show what a run left: times and durations alone, which is cheap, where nothing else `changed`."""
        if changed:
            self.show(state)
        else:
            show_run(self._exposition, state)

    def drop(self, key: TargetKey) -> None:
        """Stop showing a target."""
        self._exposition.drop(("target", *key))

    def enqueue(self, states: Iterable[TargetState]) -> None:
        """Show one portion of `states` now, and the others in later turns of the loop."""
        self._queue.extend(states)
        self._show_portion()

    def show_queue(self) -> Iterator[None]:
        """Show what still waits, one target at a step; those that went away meanwhile are left out."""
        while self._queue:
            state = self._queue.popleft()
            if self._board.get(state.target.key) is state:
                self.show(state)
            yield

    def _show_portion(self) -> None:
        for _ in zip(range(PORTION), self.show_queue(), strict=False):
            pass
        if self._queue:
            self._clock.later(0.0, self._show_portion)
