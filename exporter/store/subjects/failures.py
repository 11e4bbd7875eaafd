"""Failed checks: one row for each with its log, as each replica saw it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, Integer, String, Table, Text

from exporter.core.clock import iso
from exporter.core.listing import AT, CAUSE, TARGET, Listing, OutputColumn
from exporter.core.reason import Reason
from exporter.core.store import ALL, Failure, Filter, Page
from exporter.store.columns import METADATA, record_columns, replica_column
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, insert_rows, target_columns, target_key
from exporter.store.view import View

TABLE = Table(
    "failure",
    METADATA,
    *record_columns(),
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("took", Double, nullable=False),
    Column("http_status", Integer),
    Column("log", Text, nullable=False),  # JSON: [[seconds since the start, text], ...]
    Column("trace_id", String, nullable=False),
    replica_column(),
    Index("failure_by_target", "integration", "tenant", "at"),
    Index("failure_by_time", "at"),
    Index("failure_by_tenant", "tenant", "at"),
)

RETENTION = (TableRetention(TABLE, "errors"),)

VIEWS = (
    View(
        "errors",
        "A probe that failed, as one replica saw it.",
        TABLE,
        (
            *("integration", "tenant", "provider", "reason", "detail", "took", "http_status", "trace_id"),
            "replica",
        ),
    ),
)


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[Failure]:
    """Return a page of failed checks, the newest first."""
    return newest(connection, TABLE, failure_of, chosen, limit)


def add(connection: Connection, failures: Iterable[Failure]) -> None:
    """Add `failures`; one without a replica gets the name of this one."""
    insert_rows(connection, TABLE, map(failure_row, failures))


def failure_row(failure: Failure) -> TableRow:
    """Return the row of a failed check."""
    return {
        "at": failure.at,
        **target_columns(failure.key),
        "provider": failure.provider,
        "reason": failure.reason.value,
        "detail": clean(failure.detail),
        "took": failure.duration_seconds,
        "http_status": failure.http_status,
        # Needs no `clean`: json.dumps writes ASCII, with escapes for what a database refuses.
        "log": json.dumps(failure.log),
        "trace_id": failure.trace_id,
        "replica": failure.replica,
    }


def failure_of(row: Mapping[str, Any]) -> Failure:
    """Return the failed check that `row` holds."""
    return Failure(
        at=row["at"],
        key=target_key(row),
        provider=row["provider"],
        reason=Reason(row["reason"]),
        detail=row["detail"],
        duration_seconds=row["took"],
        http_status=row["http_status"],
        log=tuple((when, text) for when, text in json.loads(row["log"])),
        trace_id=row["trace_id"],
        replica=row["replica"],
    )


def failure_json(failure: Failure) -> dict[str, Any]:
    """Return a failed check as JSON, with its log."""
    return {
        "at": iso(failure.at),
        "integration": failure.key[0],
        "tenant": failure.key[1],
        "provider": failure.provider,
        "reason": failure.reason.value,
        "meaning": failure.reason.meaning,
        "detail": failure.detail,
        "duration_seconds": round(failure.duration_seconds, 6),
        "http_status": failure.http_status,
        "log": [{"after_seconds": round(after, 6), "text": text} for after, text in failure.log],
        "trace_id": failure.trace_id,
        "replica": failure.replica,
    }


LISTINGS = (
    Listing(
        name="errors",
        title="failed checks",
        columns=(
            *("at", "integration", "tenant", "provider", "reason", "meaning", "detail", "duration_seconds"),
            *("http_status", "trace_id", "replica", "log"),
        ),
        table=(
            AT,
            *TARGET,
            *CAUSE,
            OutputColumn("http_status", "HTTP", number=True),
            OutputColumn("duration_seconds", "SECONDS", number=True),
            OutputColumn("trace_id", "TRACE"),
        ),
        query=query,
        row=failure_json,
        retention=RETENTION[0].key,
        filters=("reason",),
    ),
)
