"""What waits for the store: the protocol of a batch, and batches of several kinds joined by kind."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

MOST = 5000
"""Records of one kind that wait at most: some 20 MB of failures with long logs."""

T = TypeVar("T")


class Batch(Protocol):
    """Records of one kind on their way to the store; a stored kind brings its own."""

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""

    @property
    def size(self) -> int:
        """How many records would be lost with it."""

    def merge(self, newer: Any, /) -> None:
        """Add a batch of the same kind, which is written after this one."""

    def cut(self, most: int) -> int:
        """Drop the oldest records beyond `most`; return how many."""

    def write(self, connection: Connection) -> None:
        """Write everything in the transaction of `connection`; this may run again after a failure."""


@dataclass
class RecordBatch(Generic[T]):
    """Records that are only added; a kind says in `write` how."""

    records: list[T] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return whether there is any record."""
        return bool(self.records)

    @property
    def size(self) -> int:
        """How many records there are."""
        return len(self.records)

    def merge(self, newer: "RecordBatch[T]", /) -> None:
        """Add the records of `newer`."""
        self.records += newer.records

    def cut(self, most: int) -> int:
        """Drop the oldest records beyond `most`; return how many."""
        return cut(self.records, most)


class Pending:
    """Batches of any kinds, at most one of each: what the next transaction writes."""

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        """Take over `batches`, of which no two are of one kind."""
        self._of_kind: dict[type[Batch], Batch] = {type(batch): batch for batch in batches}

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return any(self._of_kind.values())

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the batch of each kind."""
        return iter(self._of_kind.values())

    @property
    def size(self) -> int:
        """How many records wait."""
        return sum(batch.size for batch in self)

    def add(self, batch: Batch, most: int = MOST) -> int:
        """Take over `batch`, merged with what waits of its kind; return how many records were dropped."""
        known = self._of_kind.setdefault(type(batch), batch)
        if known is not batch:
            known.merge(batch)
        return known.cut(most)


def cut(records: list[Any], most: int) -> int:
    """Drop the first of `records` beyond `most`; return how many."""
    over = max(0, len(records) - most)
    del records[:over]
    return over
