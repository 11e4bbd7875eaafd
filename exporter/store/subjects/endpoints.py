"""How endpoints do: one row for each that ever failed or has limits of its own, shared by all replicas."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    String,
    Table,
    bindparam,
    select,
    update,
)

from exporter.core.delivery import EndpointKey, EndpointState
from exporter.store.columns import METADATA
from exporter.store.driver_sql import DriverStatement
from exporter.store.retention import TableRetention
from exporter.store.upserts import insert_once

TABLE = Table(
    "endpoint",
    METADATA,
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("metered", Boolean, nullable=False),  # has a rate or an order: its row is locked for a claim
    Column("failures", Integer, nullable=False),
    Column("open_until", Double, nullable=False),  # nothing is attempted before
    Column("next_free", Double, nullable=False),  # when its rate or its order allows the next attempt
)

RETENTION = (TableRetention(TABLE),)


def read(
    connection: Connection, kind: str, name: str, *, lock: bool = False, skip: bool = False
) -> EndpointState | None:
    """Return how an endpoint does, None where it has no row.

    With `lock` no other session can change it before this transaction ends; with `skip`, None also where
    another session has it locked. (On SQLite a transaction that writes has the whole file.)
    """
    asked = (_SKIP if skip else _LOCK) if lock else _READ
    row = asked.run(connection, [{"kind": kind, "name": name}]).fetchone()
    return endpoint_of(dict(zip(TABLE.c.keys(), row, strict=True))) if row is not None else None


_OF_ONE = select(TABLE).where(TABLE.c.kind == bindparam("kind"), TABLE.c.name == bindparam("name"))
_READ = DriverStatement(lambda _: _OF_ONE)
_LOCK = DriverStatement(lambda _: _OF_ONE.with_for_update())
_SKIP = DriverStatement(lambda _: _OF_ONE.with_for_update(skip_locked=True))


def states(connection: Connection) -> dict[EndpointKey, EndpointState]:
    """Return how every endpoint does that has a row."""
    rows = connection.execute(select(TABLE)).mappings()
    return {(row["kind"], row["name"]): endpoint_of(row) for row in rows}


def change(connection: Connection, lane: EndpointKey, **values: Any) -> None:
    """Set columns of an endpoint, whose row is made where there is none."""
    kind, name = lane
    insert_once(connection, TABLE, _new(lane))
    if values:
        connection.execute(update(TABLE).where(TABLE.c.kind == kind, TABLE.c.name == name).values(**values))


def write(connection: Connection, lane: EndpointKey, state: EndpointState) -> None:
    """Write how an endpoint does; what meters it stays."""
    change(
        connection,
        lane,
        failures=state.failures,
        open_until=state.open_until,
        next_free=state.next_free,
    )


def mark_metered(connection: Connection, lanes: Iterable[EndpointKey]) -> None:
    """Make claims of these endpoints lock their rows."""
    # Always in one order: two replicas that write the same rows would lock each other out.
    for lane in sorted(lanes):
        change(connection, lane, metered=True)


def endpoint_of(row: Any) -> EndpointState:
    """Return the state that `row` holds."""
    return EndpointState(
        failures=row["failures"],
        open_until=row["open_until"],
        next_free=row["next_free"],
        metered=bool(row["metered"]),  # a number, where the driver gave it
    )


def _new(lane: EndpointKey) -> dict[str, Any]:
    kind, name = lane
    return {
        "kind": kind,
        "name": name,
        "metered": False,
        "failures": 0,
        "open_until": 0.0,
        "next_free": 0.0,
    }
