"""Replicas that carry deliveries: one row for each lease, renewed by the database's clock."""

from sqlalchemy import Column, Connection, Double, String, Table, delete, select, update

from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.subjects.tokens import database_clock
from exporter.store.upserts import insert_once

LEASE = 30.0
"""Seconds after which a replica that does not renew its lease loses what it carries."""

TABLE = Table(
    "replica",
    METADATA,
    Column("name", String, primary_key=True),
    Column("seen", Double, nullable=False),
)

RETENTION = (TableRetention(TABLE),)


def register(connection: Connection, name: str) -> None:
    """Begin the lease of `name`."""
    insert_once(connection, TABLE, {"name": name, "seen": database_clock(connection)})


def renew(connection: Connection, name: str) -> bool:
    """Renew the lease of `name`; return whether it still had one."""
    row = update(TABLE).where(TABLE.c.name == name)
    return bool(connection.execute(row.values(seen=database_clock(connection))).rowcount)


def remove(connection: Connection, name: str) -> None:
    """End the lease of `name`."""
    connection.execute(delete(TABLE).where(TABLE.c.name == name))


def remove_stale(connection: Connection, lease: float = LEASE) -> list[str]:
    """End the leases that were not renewed for `lease` seconds; return their names."""
    stale = TABLE.c.seen < database_clock(connection) - lease
    return list(connection.execute(delete(TABLE).where(stale).returning(TABLE.c.name)).scalars())


def remove_others(connection: Connection, name: str) -> list[str]:
    """End every lease but that of `name`; return their names."""
    gone = delete(TABLE).where(TABLE.c.name != name).returning(TABLE.c.name)
    return list(connection.execute(gone).scalars())


def names(connection: Connection) -> list[str]:
    """Return the names of all leases."""
    return list(connection.execute(select(TABLE.c.name).order_by(TABLE.c.name)).scalars())
