"""Hands states and history over to the store, a portion each second."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable

from exporter.core.clock import Clock, Handle
from exporter.core.probe import TargetKey
from exporter.core.store import Snapshot
from exporter.engine.board import Board
from exporter.engine.history import History
from exporter.store.batch import Batch
from exporter.store.check_batch import CheckBatch

SAVE_EVERY = 1.0
"""Seconds between two batches for the store: what a kill can cost."""

SAVE_HEALTHY_EVERY = 30
"""Batches over which saves of targets whose status stayed the same are spread: all at once hold the loop."""

PORTION = 32
"""States taken in one turn of the loop, which takes a third of a millisecond."""

Submit = Callable[[Batch], None]
"""Takes a batch for the store; never blocks, never raises."""


class Saver:
    """Knows which states the store lacks: `urgent` ones go with the next batch, the others in their turn."""

    def __init__(self, board: Board, history: History, submit: Submit, clock: Clock) -> None:
        """Start with nothing to save; `start` begins to hand over."""
        self._board = board
        self._history = history
        self._submit = submit
        self._clock = clock
        self._urgent: set[TargetKey] = set()
        self._dirty: dict[TargetKey, None] = {}  # in the order in which they came
        self._snapshots: dict[TargetKey, Snapshot] = {}
        self._timer: Handle | None = None

    def start(self) -> None:
        """Hand over every second from now on."""
        if self._timer is None:
            self._timer = self._clock.later(SAVE_EVERY, self._save_portion)

    def stop(self) -> None:
        """Hand everything over, for the last time."""
        if self._timer:
            self._timer.cancel()
        self._urgent.update(self._dirty)
        self._save(last=True)

    def add(self, key: TargetKey, *, urgent: bool) -> None:
        """Save the state of a target: with the next batch, or when its turn comes."""
        if urgent:
            self._urgent.add(key)
        else:
            self._dirty[key] = None

    def discard(self, key: TargetKey) -> None:
        """Do not save the state of a target that is gone."""
        self._urgent.discard(key)
        self._dirty.pop(key, None)
        self._snapshots.pop(key, None)

    def forget(self, keys: Iterable[TargetKey]) -> None:
        """Have the store forget the states of targets."""
        self._submit(CheckBatch(forget=set(keys)))

    def _save_portion(self) -> None:
        # Rounded up, so that the last few have their turn too.
        share = -(-len(self._dirty) // SAVE_HEALTHY_EVERY)
        self._take_turns(deque(itertools.chain(self._urgent, itertools.islice(self._dirty, share))))

    def _take_turns(self, keys: deque[TargetKey]) -> None:
        for _ in range(min(PORTION, len(keys))):
            self._take(keys.popleft())
        if keys:  # between two portions the loop serves the runs under way
            self._timer = self._clock.later(0.0, lambda: self._take_turns(keys))
            return
        self._save()
        self._timer = self._clock.later(SAVE_EVERY, self._save_portion)

    def _take(self, key: TargetKey) -> None:
        self._urgent.discard(key)
        self._dirty.pop(key, None)
        if (state := self._board.get(key)) is not None:
            self._snapshots[key] = state.snapshot()

    def _save(self, *, last: bool = False) -> None:
        batch = self._history.take(self._clock.now(), last=last)
        for key in tuple(self._urgent):  # few have come since the turns began, but all of them at a stop
            self._take(key)
        batch.snapshots.update(self._snapshots)
        self._snapshots = {}
        if batch:
            self._submit(batch)
