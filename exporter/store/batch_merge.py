"""Batches on their way to the store, merged and bounded."""

from collections.abc import Hashable
from itertools import islice
from typing import TypeVar

from exporter.core.store import Batch
from exporter.core.summary import Summaries

MOST = 5000
"""State changes, and failures, that wait at most: some 20 MB of failures with long logs."""

MOST_SUMMARIES = 100_000
"""Summaries that wait at most, one for each hour and target: some 50 MB."""

T = TypeVar("T", bound=Hashable)


def merge(older: Batch, newer: Batch, most: int = MOST) -> int:
    """Add `newer` to `older`, which it is written after; return how many records were dropped.

    The newest state of a target stands. Of changes and failures the newest `most` stay. Summaries of the same
    target and hour become one; beyond MOST_SUMMARIES those that were begun first go.
    """
    for key in newer.forget:
        older.snapshots.pop(key, None)
    older.forget |= newer.forget
    older.snapshots.update(newer.snapshots)
    older.forget -= newer.snapshots.keys()
    older.changes += newer.changes
    older.failures += newer.failures
    _add(older.summaries, newer.summaries)
    return _cut(older.changes, most) + _cut(older.failures, most) + _cut_summaries(older.summaries)


def size(batch: Batch) -> int:
    """Return how many records `batch` holds."""
    return len(batch.snapshots) + len(batch.changes) + len(batch.failures) + len(batch.summaries)


def _add(older: Summaries, newer: Summaries) -> None:
    for key, summary in newer.items():
        known = older.setdefault(key, summary)
        if known is not summary:
            known.add(summary)


def _cut_summaries(summaries: Summaries) -> int:
    over = max(0, len(summaries) - MOST_SUMMARIES)
    for key in list(islice(summaries, over)):
        del summaries[key]
    return over


def _cut(rows: list[T], most: int) -> int:
    over = max(0, len(rows) - most)
    del rows[:over]
    return over
