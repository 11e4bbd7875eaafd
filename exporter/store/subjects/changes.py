"""Changes of state: one row for each, as each replica saw it."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Index, String, Table, Text

from exporter.core.clock import iso
from exporter.core.listing import AT, CAUSE, TARGET, Listing, OutputColumn
from exporter.core.store import ALL, Filter, Page, StateChange
from exporter.store.columns import METADATA, record_columns, replica_column
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import (
    TableRow,
    clean,
    insert_rows,
    reason_of,
    reason_word,
    target_columns,
    target_key,
)
from exporter.store.view import View

TABLE = Table(
    "state_change",
    METADATA,
    *record_columns(),
    Column("before", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("detail", Text, nullable=False),
    Column("trace_id", String, nullable=False),
    replica_column(),
    Index("state_change_by_target", "integration", "tenant", "at"),
    Index("state_change_by_time", "at"),
    Index("state_change_by_tenant", "tenant", "at"),
)

RETENTION = (TableRetention(TABLE, "checks"),)

VIEWS = (
    View(
        "changes",
        "A target went from one status or reason to another.",
        TABLE,
        ("integration", "tenant", "provider", "before", "status", "reason", "detail", "trace_id", "replica"),
    ),
)


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[StateChange]:
    """Return a page of state changes, the newest first."""
    return newest(connection, TABLE, change_of, chosen, limit)


def add(connection: Connection, changes: Iterable[StateChange]) -> None:
    """Add `changes`; one without a replica gets the name of this one."""
    insert_rows(connection, TABLE, map(change_row, changes))


def change_row(change: StateChange) -> TableRow:
    """Return the row of a state change."""
    return {
        "at": change.at,
        **target_columns(change.key),
        "provider": change.provider,
        "before": change.before,
        "status": change.status,
        "reason": reason_word(change.reason),
        "detail": clean(change.detail),
        "trace_id": change.trace_id,
        "replica": change.replica,
    }


def change_of(row: Mapping[str, Any]) -> StateChange:
    """Return the state change that `row` holds."""
    return StateChange(
        at=row["at"],
        key=target_key(row),
        provider=row["provider"],
        before=row["before"],
        status=row["status"],
        reason=reason_of(row["reason"]),
        detail=row["detail"],
        trace_id=row["trace_id"],
        replica=row["replica"],
    )


def change_json(change: StateChange) -> dict[str, Any]:
    """Return a state change as JSON."""
    return {
        "at": iso(change.at),
        "integration": change.key[0],
        "tenant": change.key[1],
        "provider": change.provider,
        "before": change.before,
        "status": change.status,
        "reason": change.reason.value if change.reason else None,
        "detail": change.detail,
        "trace_id": change.trace_id,
        "replica": change.replica,
    }


LISTINGS = (
    Listing(
        name="changes",
        title="changes of state",
        columns=(
            *("at", "integration", "tenant", "provider", "before", "status", "reason", "detail", "trace_id"),
            "replica",
        ),
        table=(
            AT,
            *TARGET,
            OutputColumn("before", "BEFORE"),
            OutputColumn("status", "STATUS", keep=True),
            *CAUSE,
        ),
        query=query,
        row=change_json,
        retention=RETENTION[0].key,
        filters=("reason",),
    ),
)
