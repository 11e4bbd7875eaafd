"""The log of tokens: one row for each operation on one."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, String, Table

from exporter.core.clock import iso
from exporter.core.listing import AT, TARGET, Listing, OutputColumn
from exporter.core.store import ALL, Filter, Page
from exporter.core.token import RESULTS, TokenEvent
from exporter.store.batch import RecordBatch
from exporter.store.columns import METADATA, record_columns
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, insert_rows
from exporter.store.view import View

TABLE = Table(
    "token_log",
    METADATA,
    *record_columns(),
    Column("token", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("result", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("took", Double, nullable=False),
    Index("token_log_by_target", "integration", "tenant", "at"),
    Index("token_log_by_time", "at"),
)

RETENTION = (TableRetention(TABLE, "tokens"),)

VIEWS = (
    View(
        "token_log",
        "An operation on a token: who asked for it, and its result; never the token.",
        TABLE,
        ("integration", "tenant", "provider", "token", "actor", "operation", "result", "reason", "took"),
    ),
)

_COLUMNS = tuple(column.name for column in TABLE.columns if column.name not in ("id", "took"))
"""Columns that have the name of the field."""


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[TokenEvent]:
    """Return a page of the log, the newest entry first."""
    return newest(connection, TABLE, event_of, chosen, limit)


def add(connection: Connection, events: Iterable[TokenEvent]) -> None:
    """Add `events` to the log."""
    insert_rows(connection, TABLE, map(event_row, events))


class TokenLogBatch(RecordBatch[TokenEvent]):
    """Entries on their way to the log."""

    def write(self, connection: Connection) -> None:
        """Add them."""
        add(connection, self.records)


def event_row(event: TokenEvent) -> TableRow:
    """Return the row of an entry."""
    return {**{name: getattr(event, name) for name in _COLUMNS}, "took": event.duration_seconds}


def event_of(row: Mapping[str, Any]) -> TokenEvent:
    """Return the entry that `row` holds."""
    return TokenEvent(**{name: row[name] for name in _COLUMNS}, duration_seconds=row["took"])


def event_json(event: TokenEvent) -> dict[str, Any]:
    """Return an entry of the log as JSON."""
    return {
        "at": iso(event.at),
        "integration": event.integration,
        "tenant": event.tenant,
        "provider": event.provider,
        "token": event.token,
        "actor": event.actor,
        "operation": event.operation,
        "result": event.result,
        "reason": event.reason or None,
        "duration_seconds": round(event.duration_seconds, 6),
    }


LISTINGS = (
    Listing(
        name="token-log",
        title="operations on tokens",
        empty="nothing was done with tokens",
        path="/api/v1/tokens/log",
        columns=(
            *("at", "integration", "tenant", "provider", "token", "actor", "operation", "result", "reason"),
            "duration_seconds",
        ),
        table=(
            AT,
            *TARGET,
            OutputColumn("actor", "ACTOR"),
            OutputColumn("operation", "OPERATION"),
            OutputColumn("result", "RESULT", keep=True),
            OutputColumn("reason", "REASON"),
            OutputColumn("duration_seconds", "SECONDS", number=True),
        ),
        query=query,
        row=event_json,
        retention=RETENTION[0].key,
        role="admin",
        filters=("result",),
        choices={"result": RESULTS},
        buffered=True,
        skips=True,
    ),
)
