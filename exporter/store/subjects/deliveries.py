"""Deliveries: one row for each thing that is brought to one endpoint, until it is there or dead."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    select,
)

from exporter.core.clock import iso
from exporter.core.delivery import REASONS, Delivery, DeliveryState
from exporter.core.forwarding import FORWARD, RECEIVED
from exporter.core.listing import AT, Listing, OutputColumn
from exporter.core.store import ALL, Filter, Page
from exporter.store.columns import METADATA, number_column
from exporter.store.lists import newest
from exporter.store.partial_index import PartialIndex
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean
from exporter.store.upserts import insert_new
from exporter.store.view import View

TABLE = Table(
    "delivery",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),  # when it was accepted
    Column("delivery", String, nullable=False, unique=True),  # its id, by which duplicates are known
    Column("kind", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("type", String, nullable=False),
    Column("message_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("due", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempts_before", Integer, nullable=False),  # those before it was retried by hand
    Column("actor", String, nullable=False),  # who asked for the next attempt by hand
    Column("owner", String, nullable=False),  # the lease of the replica that carries it; "" for none
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("headers", Text, nullable=False),  # JSON: [[name, value], ...]
    Column("body", LargeBinary, nullable=False),
)

STATE = TABLE.c.state
UNOWNED = and_(TABLE.c.state == "waiting", TABLE.c.owner == "")
"""What a replica may claim."""

# Partial ones: a delivery that is carried at once, as nearly all are, never enters the first two.
for _name, _columns, _where in (
    ("delivery_due", ("kind", "endpoint", "due", "at"), UNOWNED),
    ("delivery_expiring", ("expires",), UNOWNED),
    ("delivery_owned", ("kind", "endpoint", "owner", "at"), TABLE.c.owner != ""),
    ("delivery_dead", ("kind", "endpoint", "at"), TABLE.c.state == "dead"),
    ("delivery_finished", ("at",), TABLE.c.state != "waiting"),
):
    PartialIndex(_name, *(TABLE.c[column] for column in _columns), where=_where)
Index("delivery_by_time", TABLE.c.at)
Index("delivery_by_tenant", TABLE.c.tenant, TABLE.c.state, TABLE.c.at)

RETENTION = (TableRetention(TABLE, "webhooks", only=TABLE.c.state != "waiting"),)
"""What still waits is never too old: it dies by its own `expires`."""

VIEWS = (
    View(
        "deliveries",
        "A webhook or message on its way to one endpoint; never its body or its headers.",
        TABLE,
        ("delivery", "kind", "endpoint", "tenant", "type", "state", "attempts", "reason"),
        times={"due": "due"},
    ),
)

LISTED = tuple(column for column in TABLE.c if column.name not in ("headers", "body"))
"""What a list shows: payloads may be large, and are for their receivers."""

ACCEPTED = tuple(column for column in TABLE.c if column.name != "id")


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[Delivery]:
    """Return a page of deliveries without headers and body, the newest first."""
    return newest(connection, TABLE, delivery_of, chosen, limit, columns=LISTED)


def find(connection: Connection, delivery: str) -> Delivery | None:
    """Return the delivery of that id with headers and body, None where there is none."""
    row = connection.execute(select(TABLE).where(TABLE.c.delivery == delivery)).mappings().first()
    return delivery_of(dict(row)) if row is not None else None


def insert_all(connection: Connection, rows: Sequence[TableRow]) -> set[str]:
    """Insert the rows whose ids are new; return these ids."""
    return set(insert_new(connection, TABLE, rows, TABLE.c.delivery))


def delivery_row(delivery: Delivery, owner: str = "") -> TableRow:
    """Return the row of a delivery that `owner` carries."""
    return {
        "at": delivery.created,
        "delivery": clean(delivery.id),
        "kind": delivery.kind,
        "endpoint": delivery.endpoint,
        "tenant": clean(delivery.tenant),
        "type": clean(delivery.type),
        "message_id": clean(delivery.message_id),
        "state": delivery.state.value,
        "due": delivery.due,
        "expires": delivery.expires,
        "attempts": delivery.attempts,
        "attempts_before": delivery.attempts_before,
        "actor": clean(delivery.actor),
        "owner": owner,
        "reason": delivery.reason,
        "detail": clean(delivery.detail),
        "headers": json.dumps(delivery.headers),
        "body": delivery.body,
    }


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """Return the delivery that `row` holds; one of a list has neither headers nor body."""
    return Delivery(
        id=row["delivery"],
        kind=row["kind"],
        endpoint=row["endpoint"],
        body=bytes(row.get("body", b"")),
        created=row["at"],
        expires=row["expires"],
        message_id=row["message_id"],
        tenant=row["tenant"],
        type=row["type"],
        headers=tuple((name, value) for name, value in json.loads(row.get("headers", "[]"))),
        state=DeliveryState(row["state"]),
        due=row["due"],
        attempts=row["attempts"],
        reason=row["reason"],
        detail=row["detail"],
        attempts_before=row["attempts_before"],
        actor=row["actor"],
    )


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as JSON, without headers and body."""
    waits = delivery.state is DeliveryState.WAITING
    return {
        "at": iso(delivery.created),
        "id": delivery.id,
        "kind": delivery.kind,
        "endpoint": delivery.endpoint,
        "tenant": delivery.tenant,
        "type": delivery.type,
        "message_id": delivery.message_id,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "due": iso(delivery.due) if waits else None,
        "expires": iso(delivery.expires),
        "reason": delivery.reason or None,
        "detail": delivery.detail,
    }


LISTINGS = (
    Listing(
        name="deliveries",
        title="deliveries",
        columns=(
            *("at", "id", "kind", "endpoint", "tenant", "type", "message_id", "state", "attempts", "due"),
            *("expires", "reason", "detail"),
        ),
        table=(
            AT,
            OutputColumn("id", "ID", keep=True),
            OutputColumn("endpoint", "ENDPOINT", keep=True),
            OutputColumn("tenant", "TENANT"),
            OutputColumn("type", "TYPE"),
            OutputColumn("state", "STATE", keep=True),
            OutputColumn("attempts", "ATTEMPTS", number=True),
            OutputColumn("due", "NEXT ATTEMPT"),
            OutputColumn("reason", "REASON"),
            OutputColumn("detail", "DETAIL"),
        ),
        query=query,
        row=delivery_json,
        retention=RETENTION[0].key,
        filters=("kind", "endpoint", "state", "type", "reason"),
        choices={"state": tuple(DeliveryState), "reason": REASONS},
    ),
)


def last_received(connection: Connection, sources: Iterable[str]) -> dict[str, float]:
    """Return when the last webhook of each of `sources` arrived (Unix seconds); one of none is left out."""
    found: dict[str, float] = {}
    for source in sources:
        # By the index on time, from its end: of a source that is not silent the first rows suffice.
        query = select(TABLE.c.at).where(TABLE.c.endpoint == source, TABLE.c.kind.in_((FORWARD, RECEIVED)))
        at = connection.execute(query.order_by(TABLE.c.at.desc()).limit(1)).scalar()
        if at is not None:
            found[source] = at
    return found
