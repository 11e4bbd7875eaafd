"""The audit: one row for each thing that somebody did or tried."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, Integer, String, Table, Text

from exporter.core.audit import AuditEntry
from exporter.core.clock import iso
from exporter.core.listing import AT, TARGET, Listing, OutputColumn
from exporter.core.store import ALL, Filter, Page
from exporter.store.batch import RecordBatch
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, insert_rows
from exporter.store.upserts import insert_each_once

TABLE = Table(
    "audit",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("address", String, nullable=False),
    Column("country", String, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("details", Text, nullable=False),  # JSON
    Column("risk", Integer),
    Column("flag", String),
    # Of an event of an app, what it is there once by; NULL for entries of our own.
    Column("once", String),
    replica_column(),
    Index("audit_once", "once", unique=True),
    Index("audit_by_time", "at"),
    Index("audit_by_tenant", "tenant", "at"),
    Index("audit_by_actor", "actor", "at"),
)

RETENTION = (TableRetention(TABLE, "audit"),)

_TEXTS = ("integration", "tenant", "actor", "action", "resource", "outcome", "address", "country")
_PLAIN = ("at", "count", "risk", "flag", "replica")
"""Columns that have the name of the field, texts from outside and the others."""

LONGEST = 1000
"""Characters of a text from outside that are kept: a user agent may be of any length."""


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[AuditEntry]:
    """Return a page of the audit, the newest entry first."""
    return newest(connection, TABLE, entry_of, chosen, limit)


def add(connection: Connection, entries: Iterable[AuditEntry]) -> None:
    """Add `entries`; one without a replica gets the name of this one."""
    insert_rows(connection, TABLE, map(entry_row, entries))


def add_new(connection: Connection, events: Sequence[tuple[str, AuditEntry]]) -> list[bool]:
    """Add entries by what each may be there once by; return of each whether it was added."""
    rows = [{**entry_row(entry), "once": once} for once, entry in events]
    return insert_each_once(connection, TABLE, rows, TABLE.c.once)


class AuditBatch(RecordBatch[AuditEntry]):
    """Entries on their way to the store."""

    def write(self, connection: Connection) -> None:
        """Add them."""
        add(connection, self.records)


def entry_row(entry: AuditEntry) -> TableRow:
    """Return the row of an entry."""
    return {
        **{name: getattr(entry, name) for name in _PLAIN},
        **{name: clean(getattr(entry, name))[:LONGEST] for name in (*_TEXTS, "user_agent")},
        # Needs no `clean`: json.dumps writes ASCII, with escapes for what a database refuses.
        "details": json.dumps(dict(entry.details)),
        "once": None,
    }


def entry_of(row: Mapping[str, Any]) -> AuditEntry:
    """Return the entry that `row` holds."""
    names = (*_TEXTS, "user_agent", *_PLAIN)
    return AuditEntry(**{name: row[name] for name in names}, details=json.loads(row["details"]))


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as JSON."""
    return {
        "at": iso(entry.at),
        **{name: getattr(entry, name) for name in ("actor", "action", "resource", "outcome")},
        **{name: getattr(entry, name) for name in ("integration", "tenant", "address", "country")},
        **{name: getattr(entry, name) for name in ("user_agent", "count", "risk", "flag", "replica")},
        "details": entry.details,
    }


LISTINGS = (
    Listing(
        name="audit",
        title="entries of the audit",
        empty="nothing is in the audit",
        columns=(
            *("at", "actor", "action", "resource", "outcome", "integration", "tenant", "address", "country"),
            *("user_agent", "count", "risk", "flag", "replica", "details"),
        ),
        table=(
            AT,
            OutputColumn("actor", "ACTOR", keep=True),
            OutputColumn("action", "ACTION", keep=True),
            OutputColumn("resource", "RESOURCE"),
            OutputColumn("outcome", "OUTCOME", keep=True),
            *TARGET,
            OutputColumn("address", "ADDRESS"),
            OutputColumn("count", "COUNT", number=True),
        ),
        query=query,
        row=entry_json,
        retention=RETENTION[0].key,
        role="admin",
        filters=("actor", "action", "resource", "outcome", "address"),
        buffered=True,
    ),
)
