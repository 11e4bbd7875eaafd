"""Sums of checks by target and day (UTC): what windows of whole days are ordered by.

Without them the order of 10,000 targets over a month is found in 730,000 rows, which are wide with latencies.
The rows of a target lie together, so that SQLite adds them up as it reads them, and needs no sort.
"""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Connection, Double, String, Table

from exporter.core.hours import DAY, day_of
from exporter.core.store import Window
from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow
from exporter.store.subjects.check_totals import NUMBERS
from exporter.store.upserts import add as add_rows

TABLE = Table(
    "check_day",
    METADATA,
    Column("integration", String, primary_key=True),
    Column("tenant", String, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),  # the first one of the day
    Column("runs", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),  # that were watched
    Column("failing_seconds", Double, nullable=False),
    sqlite_with_rowid=False,
)

RETENTION = (TableRetention(TABLE, "checks", whole_days=True),)


def answers(window: Window) -> bool:
    """Return whether a window is one of whole days, of all tenants or of many.

    The few rows of a tenant are found by an index of check_summary, which this table lacks.
    """
    edges = (window.since, window.until, window.first.until)
    chosen = window.chosen
    narrow = chosen.tenant is not None or chosen.tenants is not None or window.subjects is not None
    return not narrow and all(edge % DAY == 0 for edge in edges)


def add(connection: Connection, hours: Iterable[TableRow]) -> None:
    """Add rows of check_summary to what the store has of their days."""
    days: dict[tuple[str, str, int], TableRow] = {}
    for row in hours:
        day = day_of(row["hour"])
        key = row["integration"], row["tenant"], day
        if (known := days.get(key)) is not None:
            for name in NUMBERS:
                known[name] += row[name]
        else:
            names = ("integration", "tenant", *NUMBERS)
            days[key] = {"hour": day, **{name: row[name] for name in names}}
    add_rows(connection, TABLE, list(days.values()))
