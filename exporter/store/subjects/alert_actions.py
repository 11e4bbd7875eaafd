"""What people did about alerts: one row for each acknowledgement, assignment, alert by hand and its end."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, String, Table, Text, select

from exporter.core.alert_action import AlertAction, AlertVerb
from exporter.core.clock import iso
from exporter.core.listing import AT, TARGET, Listing, OutputColumn
from exporter.core.severity import SEVERITIES
from exporter.core.store import ALL, Filter, Page
from exporter.store.batch import RecordBatch
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.lists import newest
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch, insert_rows, readable
from exporter.store.view import View

TABLE = Table(
    "alert_action",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("action", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("alert", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("starts", Double, nullable=False),
    Column("assignee", String, nullable=False),
    Column("until", Double),
    Column("note", Text, nullable=False),
    Column("silence", String, nullable=False),
    replica_column(),
    Index("alert_action_by_time", "at"),
    Index("alert_action_by_tenant", "tenant", "at"),
    Index("alert_action_by_alert", "fingerprint", "action", "at"),
)

RETENTION = (TableRetention(TABLE, "notices"),)

VIEWS = (
    View(
        "alert_actions",
        "Somebody acknowledged or assigned an alert, fired one by hand or ended it.",
        TABLE,
        (
            *("action", "actor", "assignee", "alert", "severity", "integration", "tenant", "fingerprint"),
            *("starts", "note"),
        ),
        times={"until": "until"},
    ),
)

_TEXTS = ("actor", "alert", "severity", "integration", "tenant", "assignee", "note")
_PLAIN = ("at", "fingerprint", "starts", "until", "silence", "replica")
"""Columns that have the name of the field, texts from outside and the others."""

PORTION = 500
"""Fingerprints that one query asks for."""


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[AlertAction]:
    """Return a page of actions, the newest first."""
    return newest(connection, TABLE, action_of, chosen, limit)


def add(connection: Connection, actions: Iterable[AlertAction]) -> None:
    """Add `actions`; one without a replica gets the name of this one."""
    insert_rows(connection, TABLE, map(action_row, actions))


class AlertActionBatch(RecordBatch[AlertAction]):
    """Actions on their way to the store."""

    def write(self, connection: Connection) -> None:
        """Add them."""
        add(connection, self.records)


def assignments(connection: Connection, fingerprints: Collection[str]) -> dict[str, AlertAction]:
    """Return the newest assignment of each alert of `fingerprints` that has any."""
    found: dict[str, AlertAction] = {}
    names = sorted(fingerprints)
    for start in range(0, len(names), PORTION):
        which = TABLE.c.fingerprint.in_(names[start : start + PORTION])
        asked = select(TABLE).where(which, TABLE.c.action == AlertVerb.ASSIGN.value)
        rows = fetch(connection, asked.order_by(TABLE.c.at, TABLE.c.id))
        # In the order of time: the last one stays.
        found |= {one.fingerprint: one for one in readable(connection, rows, action_of)}
    return found


def action_row(action: AlertAction) -> TableRow:
    """Return the row of an action."""
    return {
        **{name: getattr(action, name) for name in _PLAIN},
        **{name: clean(getattr(action, name)) for name in _TEXTS},
        "action": action.action.value,
    }


def action_of(row: Mapping[str, Any]) -> AlertAction:
    """Return the action that `row` holds."""
    return AlertAction(**{name: row[name] for name in (*_TEXTS, *_PLAIN)}, action=AlertVerb(row["action"]))


def action_json(action: AlertAction) -> dict[str, Any]:
    """Return an action as JSON."""
    names = ("action", "actor", "alert", "severity", "integration", "tenant", "fingerprint")
    return {
        "at": iso(action.at),
        **{name: getattr(action, name) for name in names},
        "starts": iso(action.starts),
        "until": iso(action.until),
        **{name: getattr(action, name) for name in ("assignee", "note", "silence", "replica")},
    }


LISTINGS = (
    Listing(
        name="alert-actions",
        title="actions on alerts",
        empty="nobody has acknowledged, assigned, fired or resolved an alert",
        columns=(
            *("at", "action", "actor", "alert", "severity", "integration", "tenant", "fingerprint"),
            *("starts", "until", "assignee", "note", "silence", "replica"),
        ),
        table=(
            AT,
            OutputColumn("action", "ACTION", keep=True),
            OutputColumn("actor", "ACTOR", keep=True),
            OutputColumn("alert", "ALERT", keep=True),
            *TARGET,
            OutputColumn("until", "UNTIL", keep=True),
            OutputColumn("assignee", "ASSIGNEE"),
            OutputColumn("note", "NOTE"),
        ),
        query=query,
        row=action_json,
        retention=RETENTION[0].key,
        role="admin",
        filters=("severity", "alert", "action", "actor", "fingerprint"),
        choices={"action": tuple(AlertVerb), "severity": SEVERITIES},
    ),
)
