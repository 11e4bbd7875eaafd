"""Escalations: one row for each incident that nobody acknowledged in time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, String, Table, Text, select, update

from exporter.core.clock import iso
from exporter.core.escalation import Escalation
from exporter.core.listing import AT, TARGET, Listing, OutputColumn
from exporter.core.notice import LONGEST_NAME
from exporter.core.severity import SEVERITIES
from exporter.core.store import ALL, Filter, Page
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch, readable
from exporter.store.upserts import insert_each_once
from exporter.store.view import View

TABLE = Table(
    "escalation",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("alert", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("escalated_from", String, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("starts", Double, nullable=False),
    Column("ended", Double),
    Column("why", String, nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("annotations", Text, nullable=False),  # JSON
    # The incident, which is escalated once whatever replica sees it first.
    Column("once", String, unique=True),
    replica_column(),
    Index("escalation_by_time", "at"),
    Index("escalation_by_target", "integration", "tenant", "at"),
    Index("escalation_by_tenant", "tenant", "at"),
    Index("escalation_by_end", "ended"),
)

# One that is still sent stays, however old: without its row the incident would be escalated again.
RETENTION = (TableRetention(TABLE, "notices", only=TABLE.c.ended.is_not(None)),)

VIEWS = (
    View(
        "escalations",
        "An incident that nobody acknowledged in time.",
        TABLE,
        ("alert", "severity", "escalated_from", "integration", "tenant", "provider", "fingerprint", "why"),
        times={"started": "starts", "ended": "ended"},
    ),
)

_NAMES = ("alert", "severity", "escalated_from", "integration", "tenant", "provider", "why")
_PLAIN = ("at", "fingerprint", "starts", "ended", "replica")
_MAPPINGS = ("labels", "annotations")


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[Escalation]:
    """Return a page of escalations, the newest first."""
    return newest(connection, TABLE, escalation_of, chosen, limit)


def unfinished(connection: Connection) -> list[Escalation]:
    """Return those that are still sent."""
    rows = fetch(connection, select(TABLE).where(TABLE.c.ended.is_(None)))
    return list(readable(connection, rows, escalation_of))


def add_new(connection: Connection, escalations: Sequence[Escalation]) -> list[bool]:
    """Add those whose incident was not escalated yet; return of each whether it was added."""
    return insert_each_once(connection, TABLE, [escalation_row(one) for one in escalations], TABLE.c.once)


def finish(connection: Connection, escalations: Iterable[Escalation]) -> None:
    """Write when and why each of `escalations` ended, unless another replica was first."""
    for one in escalations:
        where = (TABLE.c.once == one.once) & TABLE.c.ended.is_(None)
        connection.execute(update(TABLE).where(where).values(ended=one.ended, why=one.why))


def escalation_row(escalation: Escalation) -> TableRow:
    """Return the row of an escalation."""
    return {
        **{name: getattr(escalation, name) for name in _PLAIN},
        # Labels are of any length; these narrow lists, and are cut as those of notices are.
        **{name: clean(getattr(escalation, name))[:LONGEST_NAME] for name in _NAMES},
        **{name: json.dumps(dict(getattr(escalation, name))) for name in _MAPPINGS},
        "once": escalation.once,
    }


def escalation_of(row: Mapping[str, Any]) -> Escalation:
    """Return the escalation that `row` holds."""
    texts = {name: row[name] for name in (*_NAMES, *_PLAIN)}
    return Escalation(**texts, **{name: json.loads(row[name]) for name in _MAPPINGS})


def escalation_json(escalation: Escalation) -> dict[str, Any]:
    """Return an escalation as JSON."""
    return {
        "at": iso(escalation.at),
        "ended": iso(escalation.ended),
        **{name: getattr(escalation, name) for name in ("why", "alert", "severity", "escalated_from")},
        **{name: getattr(escalation, name) for name in ("integration", "tenant", "provider")},
        "starts": iso(escalation.starts),
        **{name: getattr(escalation, name) for name in ("fingerprint", *_MAPPINGS, "replica")},
    }


def _columns(names: Iterable[str]) -> tuple[OutputColumn, ...]:
    return tuple(OutputColumn(name, name.replace("_", " ").upper(), keep=True) for name in names)


LISTINGS = (
    Listing(
        name="escalations",
        title="alerts that nobody acknowledged in time",
        empty="no alert was escalated",
        columns=(
            *("at", "ended", "why", "alert", "severity", "escalated_from", "integration", "tenant"),
            *("provider", "starts", "fingerprint", "labels", "annotations", "replica"),
        ),
        table=(AT, *_columns(("alert", "severity", "escalated_from")), *TARGET, *_columns(("ended", "why"))),
        query=query,
        row=escalation_json,
        retention=RETENTION[0].key,
        role="admin",
        filters=("severity", "alert"),
        choices={"severity": SEVERITIES},
    ),
)
