"""Sums of checks over all targets of an integration: a row for each hour, later for each day.

What is asked of an integration as a whole would else be added up out of thousands of rows an hour.
"""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Connection, Double, Index, String, Table

from exporter.store.columns import METADATA
from exporter.store.hours import TOOK, fold_tables
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow
from exporter.store.upserts import add as add_rows

NUMBERS = ("runs", "failed", "seconds", "failing_seconds")

TABLE = Table(
    "check_total",
    METADATA,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("integration", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("runs", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),  # that were watched, of each target
    Column("failing_seconds", Double, nullable=False),
    *(Column(name, BigInteger) for name in TOOK),
    Index("check_total_by_integration", "integration", "hour"),
    sqlite_with_rowid=False,
)


def fold(connection: Connection, now: float) -> int:
    """Add the oldest hour that is old enough to its day; return how many rows went."""
    return fold_tables(connection, now, TABLE)


RETENTION = (TableRetention(TABLE, "checks", compact=fold, whole_days=True),)


class CheckTotals:
    """Sums by hour and integration on their way to the store."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._rows: dict[tuple[int, str], TableRow] = {}

    def add(self, row: TableRow, latencies: Iterable[str]) -> None:
        """Count the row of a target; `latencies` are the columns of those buckets that are not empty."""
        key = row["hour"], row["integration"]
        total = self._rows.get(key)
        if total is None:
            self._rows[key] = {name: value for name, value in row.items() if name != "tenant"}
            return
        for name in NUMBERS:
            total[name] += row[name]
        for name in latencies:
            total[name] = (total[name] or 0) + row[name]

    def write(self, connection: Connection) -> None:
        """Add them to what the store has of their hours."""
        add_rows(connection, TABLE, list(self._rows.values()))
