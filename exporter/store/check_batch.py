"""What checks leave in the store: states, changes, failures and summaries, written together."""

from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Connection

from exporter.core.probe import TargetKey
from exporter.core.store import Failure, Snapshot, StateChange
from exporter.core.summary import Summaries
from exporter.store.batch import cut
from exporter.store.subjects import changes, failures, summaries, targets

MOST_SUMMARIES = 100_000
"""Summaries that wait at most, one for each hour and target: some 50 MB."""


@dataclass
class CheckBatch:
    """One kind of batch: a state and the change that led to it are stored both or neither.

    `forget` are keys of targets that were removed. Summaries are added to what the store has of their hours.
    """

    snapshots: dict[TargetKey, Snapshot] = field(default_factory=dict)
    changes: list[StateChange] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    forget: set[TargetKey] = field(default_factory=set)
    summaries: Summaries = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return bool(self.snapshots or self.changes or self.failures or self.forget or self.summaries)

    @property
    def size(self) -> int:
        """How many records it holds; a target to forget is none."""
        return len(self.snapshots) + len(self.changes) + len(self.failures) + len(self.summaries)

    def merge(self, newer: "CheckBatch", /) -> None:
        """Add `newer`; its states replace older ones, and summaries of one target and hour become one."""
        # In the order of time: what `newer` forgets may be here, and what it brings came after that.
        for key in newer.forget:
            self.snapshots.pop(key, None)
        self.forget |= newer.forget
        self.snapshots.update(newer.snapshots)
        self.forget -= newer.snapshots.keys()
        self.changes += newer.changes
        self.failures += newer.failures
        for place, summary in newer.summaries.items():
            known = self.summaries.setdefault(place, summary)
            if known is not summary:
                known.add(summary)

    def cut(self, most: int) -> int:
        """Drop the oldest changes, and failures, beyond `most`, and summaries beyond MOST_SUMMARIES."""
        # States need no bound: there is one for each target.
        over = max(0, len(self.summaries) - MOST_SUMMARIES)
        for place in list(islice(self.summaries, over)):
            del self.summaries[place]
        return over + cut(self.changes, most) + cut(self.failures, most)

    def write(self, connection: Connection) -> None:
        """Write everything; a target that went and came again is there."""
        targets.forget(connection, self.forget - self.snapshots.keys())
        targets.write(connection, self.snapshots.values())
        changes.add(connection, self.changes)
        failures.add(connection, self.failures)
        summaries.add(connection, self.summaries)
