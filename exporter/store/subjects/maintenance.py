"""Maintenance windows that were made by API, and which silences of Alertmanager are ours.

Only silences in the second table are ever taken away: an Alertmanager may serve other exporters, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Double, String, Table, Text, delete, select

from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.rows import clean, fetch
from exporter.store.upserts import insert_once, replace

TABLE = Table(
    "maintenance_window",
    METADATA,
    Column("name", String, primary_key=True),
    Column("settings", Text, nullable=False),  # JSON: the keys of `maintenance:`
    Column("author", String, nullable=False),
    Column("created", Double, nullable=False),
)

SILENCES = Table(
    "maintenance_silence",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
)

RETENTION = (TableRetention(TABLE), TableRetention(SILENCES))


@dataclass(frozen=True)
class WindowRow:
    """A window as it is stored: `settings` is JSON, `created` in Unix seconds."""

    name: str
    settings: str
    author: str
    created: float


def load(connection: Connection) -> tuple[list[WindowRow], dict[str, str]]:
    """Return the windows, and the names of windows by the ids of their silences."""
    rows = [WindowRow(**row) for row in fetch(connection, select(TABLE).order_by(TABLE.c.name))]
    return rows, {row["id"]: row["name"] for row in fetch(connection, select(SILENCES))}


def create(connection: Connection, row: WindowRow) -> bool:
    """Add a window; return whether its name was free."""
    values = {"name": row.name, "settings": row.settings, "author": clean(row.author), "created": row.created}
    return insert_once(connection, TABLE, values)


def remove(connection: Connection, name: str) -> bool:
    """Delete a window; return whether it was there. Its silence stays ours until it is taken away."""
    return bool(connection.execute(delete(TABLE).where(TABLE.c.name == name)).rowcount)


def write_silences(connection: Connection, ours: Mapping[str, str], gone: frozenset[str]) -> None:
    """Keep that the silences `ours` are of these windows, and forget those that are `gone`."""
    replace(connection, SILENCES, [{"id": one, "name": name} for one, name in ours.items()])
    if gone:
        connection.execute(delete(SILENCES).where(SILENCES.c.id.in_(gone)))
