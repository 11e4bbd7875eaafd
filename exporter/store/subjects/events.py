"""Events of apps: one row for each, whatever its kind, with the fields of its kind as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, String, Table, Text, delete, select

from exporter.core.store import ALL, Filter, Page
from exporter.core.stored_event import StoredEvent
from exporter.store.batch import RecordBatch
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.lists import newest
from exporter.store.retention import PORTION, TableRetention
from exporter.store.rows import TableRow, clean, insert_rows
from exporter.store.upserts import insert_each_once

TABLE = Table(
    "event",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("event_id", String, nullable=False),
    # What may be there once; NULL, of which a unique column takes any number, where nothing must.
    Column("once", String, unique=True),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("retention", String, nullable=False),
    Column("fields", Text, nullable=False),  # JSON
    replica_column(),
    Index("event_by_kind", "kind", "at"),
    Index("event_by_tenant", "tenant", "kind", "at"),
    Index("event_by_retention", "retention", "at"),
)

KEYS = ("requests", "webhooks", "audit")
RETENTION = tuple(TableRetention(TABLE, key, only=TABLE.c.retention == key) for key in KEYS)

MOST = 50_000
"""Events that wait for the store at most: some 30 MB; what is beyond was counted, and is not listed."""


def query(connection: Connection, kind: str, chosen: Filter = ALL, limit: int = 100) -> Page[StoredEvent]:
    """Return a page of the events of a kind, the newest first."""
    narrowed = replace(chosen, fields=(*chosen.fields, ("kind", kind)))
    return newest(connection, TABLE, event_of, narrowed, limit)


def add(connection: Connection, events: Iterable[StoredEvent]) -> None:
    """Add events that need not be unique."""
    insert_rows(connection, TABLE, map(event_row, events))


class EventBatch(RecordBatch[StoredEvent]):
    """Events on their way to the store, which were counted already."""

    def cut(self, most: int) -> int:
        """Drop the oldest beyond the bound of events, which come by the hundred."""
        return super().cut(max(most, MOST))

    def write(self, connection: Connection) -> None:
        """Add them."""
        add(connection, self.records)


def add_new(connection: Connection, events: Sequence[StoredEvent]) -> list[bool]:
    """Add those of `events` whose id no other of their kind has; return of each whether it was added."""
    rows = [event_row(event, once(event.kind, event.event_id)) for event in events]
    return insert_each_once(connection, TABLE, rows, TABLE.c.once)


def forget_sign_ins(connection: Connection, actor: str, tenant: str | None) -> set[str]:
    """Delete the sign-ins of an actor, of one tenant or, by None, of all; return whose they were."""
    # As `event_row` writes it: this finds too many, since SQLite takes upper and lower case for one.
    written = f'"actor": {json.dumps(actor)}'
    query = select(TABLE.c.id, TABLE.c.tenant, TABLE.c.fields).where(
        TABLE.c.kind == "auth", TABLE.c.fields.contains(written, autoescape=True)
    )
    rows = connection.execute(query if tenant is None else query.where(TABLE.c.tenant == tenant)).all()
    found = [(number, of) for number, of, fields in rows if json.loads(fields).get("actor") == actor]
    for place in range(0, len(found), PORTION):
        numbers = [number for number, _ in found[place : place + PORTION]]
        connection.execute(delete(TABLE).where(TABLE.c.id.in_(numbers)))
    return {of for _, of in found}


def once(kind: str, event_id: str) -> str:
    """Return what an event of that id is there once by."""
    return f"{kind}:{event_id}"


def event_row(event: StoredEvent, once_by: str | None = None) -> TableRow:
    """Return the row of an event; `once_by` is what it may be there once by."""
    return {
        "at": event.at,
        "kind": event.kind,
        "event_id": clean(event.event_id),
        "once": once_by,
        "integration": event.integration,
        "tenant": event.tenant,
        "retention": event.retention,
        # Needs no `clean`: json.dumps writes ASCII, with escapes for what a database refuses.
        "fields": json.dumps(dict(event.fields)),
        "replica": "",
    }


def event_of(row: Mapping[str, Any]) -> StoredEvent:
    """Return the event that `row` holds."""
    names = ("at", "kind", "event_id", "integration", "tenant", "retention")
    return StoredEvent(**{name: row[name] for name in names}, fields=json.loads(row["fields"]))
