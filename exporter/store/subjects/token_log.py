"""The log of tokens: one row for each operation on one."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, String, Table

from exporter.core.store import ALL, Filter, Page
from exporter.core.token import TokenEvent
from exporter.store.columns import METADATA, numbered
from exporter.store.lists import newest
from exporter.store.retention import Retention
from exporter.store.rows import TableRow, insert_rows

TABLE = Table(
    "token_log",
    METADATA,
    numbered(),
    Column("at", Double, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("token", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("result", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("took", Double, nullable=False),
    Index("token_log_by_target", "integration", "tenant", "at"),
    Index("token_log_by_time", "at"),
)

RETENTION = (Retention(TABLE, "tokens"),)

_COLUMNS = tuple(column.name for column in TABLE.columns if column.name not in ("id", "took"))
"""Columns that have the name of the field."""


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[TokenEvent]:
    """Return a page of the log, the newest entry first."""
    return newest(connection, TABLE, event_of, chosen, limit)


def add(connection: Connection, events: Iterable[TokenEvent]) -> None:
    """Add `events` to the log."""
    insert_rows(connection, TABLE, map(event_row, events))


def event_row(event: TokenEvent) -> TableRow:
    """Return the row of an entry."""
    return {**{name: getattr(event, name) for name in _COLUMNS}, "took": event.duration_seconds}


def event_of(row: Mapping[str, Any]) -> TokenEvent:
    """Return the entry that `row` holds."""
    return TokenEvent(**{name: row[name] for name in _COLUMNS}, duration_seconds=row["took"])
