"""Attempts to deliver: one row for each, also for those that succeeded."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, Integer, String, Table, Text, select

from exporter.core.clock import iso
from exporter.core.delivery import Attempt, Delivery
from exporter.core.listing import AT, CAUSE, Listing, OutputColumn
from exporter.core.store import ALL, Filter, Page
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.driver_sql import DriverStatement
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch, readable
from exporter.store.view import View

TABLE = Table(
    "attempt",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("delivery", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("took", Double, nullable=False),
    Column("status", Integer),
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("actor", String, nullable=False),
    Column("url", Text, nullable=False),
    replica_column(),
    Index("attempt_by_delivery", "delivery", "number"),
    Index("attempt_by_time", "at"),
    Index("attempt_by_tenant", "tenant", "at"),
)

RETENTION = (TableRetention(TABLE, "webhooks"),)

VIEWS = (
    View(
        "delivery_attempts",
        "An attempt to deliver, and its result; never the address or what was answered.",
        TABLE,
        ("delivery", "number", "kind", "endpoint", "tenant", "took", "status", "reason"),
    ),
)


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[Attempt]:
    """Return a page of attempts, the newest first."""
    return newest(connection, TABLE, attempt_of, chosen, limit)


def of_delivery(connection: Connection, delivery: str) -> list[Attempt]:
    """Return every attempt of one delivery, the first one first."""
    asked = select(TABLE).where(TABLE.c.delivery == delivery).order_by(TABLE.c.number, TABLE.c.id)
    return readable(connection, fetch(connection, asked), attempt_of)


def attempt_row(attempt: Attempt, delivery: Delivery) -> TableRow:
    """Return the row of an attempt of `delivery`."""
    return {
        "at": attempt.at,
        "delivery": delivery.id,
        "number": attempt.number,
        "kind": delivery.kind,
        "endpoint": delivery.endpoint,
        "tenant": delivery.tenant,
        "took": attempt.duration_seconds,
        "status": attempt.status,
        "reason": attempt.reason,
        "detail": clean(attempt.detail),
        "actor": clean(attempt.actor),
        "url": clean(attempt.url),
        "replica": attempt.replica,
    }


def attempt_of(row: Mapping[str, Any]) -> Attempt:
    """Return the attempt that `row` holds."""
    return Attempt(
        delivery=row["delivery"],
        number=row["number"],
        at=row["at"],
        duration_seconds=row["took"],
        status=row["status"],
        reason=row["reason"],
        detail=row["detail"],
        actor=row["actor"],
        url=row["url"],
        kind=row["kind"],
        endpoint=row["endpoint"],
        tenant=row["tenant"],
        replica=row["replica"],
    )


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as JSON."""
    return {
        "at": iso(attempt.at),
        "delivery": attempt.delivery,
        "number": attempt.number,
        "kind": attempt.kind,
        "endpoint": attempt.endpoint,
        "tenant": attempt.tenant,
        "url": attempt.url,
        "http_status": attempt.status,
        "reason": attempt.reason or None,
        "detail": attempt.detail,
        "duration_seconds": round(attempt.duration_seconds, 6),
        "actor": attempt.actor or None,
        "replica": attempt.replica,
    }


LISTINGS = (
    Listing(
        name="attempts",
        title="attempts to deliver",
        columns=(
            *("at", "delivery", "number", "kind", "endpoint", "tenant", "url", "http_status", "reason"),
            *("detail", "duration_seconds", "actor", "replica"),
        ),
        table=(
            AT,
            OutputColumn("delivery", "DELIVERY", keep=True),
            OutputColumn("number", "NO.", number=True),
            OutputColumn("endpoint", "ENDPOINT", keep=True),
            OutputColumn("tenant", "TENANT"),
            OutputColumn("http_status", "HTTP", number=True),
            *CAUSE,
            OutputColumn("duration_seconds", "SECONDS", number=True),
            OutputColumn("actor", "ACTOR"),
        ),
        query=query,
        row=attempt_json,
        retention=RETENTION[0].key,
        filters=("kind", "endpoint"),
    ),
)


def insert_all(connection: Connection, rows: Sequence[TableRow]) -> None:
    """Add `rows`."""
    if rows:
        _INSERT.run(connection, rows)


_INSERT = DriverStatement(
    lambda _: TABLE.insert().inline(), [column.name for column in TABLE.c if column.name != "id"]
)
