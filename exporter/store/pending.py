"""Batches on their way to the store, merged and bounded."""

from collections.abc import Hashable
from typing import TypeVar

from exporter.core.store import Batch

MOST = 5000
"""State changes, and failures, that wait at most: some 20 MB of failures with long logs."""

T = TypeVar("T", bound=Hashable)


def merge(older: Batch, newer: Batch, most: int = MOST) -> int:
    """Add `newer` to `older`, which it is written after; return how many records were dropped.

    The newest state of a target stands. Of changes and failures the newest `most` stay.
    """
    for key in newer.forget:
        older.snapshots.pop(key, None)
    older.forget |= newer.forget
    older.snapshots.update(newer.snapshots)
    older.forget -= newer.snapshots.keys()
    older.changes += newer.changes
    older.failures += newer.failures
    return _cut(older.changes, most) + _cut(older.failures, most)


def _cut(rows: list[T], most: int) -> int:
    over = max(0, len(rows) - most)
    del rows[:over]
    return over
