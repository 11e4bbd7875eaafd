"""Alerts that people fired by hand: one row for each, which fires until somebody resolves it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, String, Table, Text, or_, select, update

from exporter.core.manual_alert import ManualAlert
from exporter.store.columns import METADATA, number_column
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch, readable
from exporter.store.upserts import insert_each_once

TABLE = Table(
    "manual_alert",
    METADATA,
    number_column(),
    Column("at", Double, nullable=False),
    Column("fingerprint", String, nullable=False),
    # The fingerprint while it fires: one that fires may be there once, of NULL there is any number.
    Column("active", String, unique=True),
    Column("actor", String, nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("annotations", Text, nullable=False),  # JSON
    Column("ends", Double),
    Index("manual_alert_by_end", "ends"),
)

RETENTION = (TableRetention(TABLE, "notices", only=TABLE.c.ends.is_not(None)),)


def add_new(connection: Connection, alerts: Sequence[ManualAlert]) -> list[bool]:
    """Add those of `alerts` that do not fire already; return of each whether it was added."""
    return insert_each_once(connection, TABLE, list(map(alert_row, alerts)), TABLE.c.active)


def end(connection: Connection, endings: Sequence[tuple[str, float]]) -> list[bool]:
    """End what fires, by fingerprints and times (Unix seconds); return of each whether it fired."""
    return [_end(connection, fingerprint, at) for fingerprint, at in endings]


def _end(connection: Connection, fingerprint: str, at: float) -> bool:
    row = update(TABLE).where(TABLE.c.active == fingerprint)
    return bool(connection.execute(row.values(active=None, ends=at)).rowcount)


def find(connection: Connection, fingerprint: str) -> ManualAlert | None:
    """Return the alert with `fingerprint` that fires, None where none does."""
    rows = fetch(connection, select(TABLE).where(TABLE.c.active == fingerprint))
    return next(iter(readable(connection, rows, alert_of)), None)


def current(connection: Connection, since: float) -> list[ManualAlert]:
    """Return the alerts that fire, and those that were ended after `since` (Unix seconds)."""
    wanted = or_(TABLE.c.active.is_not(None), TABLE.c.ends >= since)
    return readable(connection, fetch(connection, select(TABLE).where(wanted).order_by(TABLE.c.id)), alert_of)


def alert_row(alert: ManualAlert) -> TableRow:
    """Return the row of an alert that fires."""
    return {
        "at": alert.at,
        "fingerprint": alert.fingerprint,
        "active": alert.fingerprint,
        "actor": clean(alert.actor),
        # Needs no `clean`: json.dumps writes ASCII, with escapes for what a database refuses.
        "labels": json.dumps(dict(alert.labels)),
        "annotations": json.dumps(dict(alert.annotations)),
        "ends": None,
    }


def alert_of(row: Mapping[str, Any]) -> ManualAlert:
    """Return the alert that `row` holds."""
    texts = {name: json.loads(row[name]) for name in ("labels", "annotations")}
    return ManualAlert(row["at"], row["fingerprint"], row["actor"], **texts, ends=row["ends"])
