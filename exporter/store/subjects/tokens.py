"""Tokens, encrypted: one row for each credential, or for each lease of one."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)

from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.upserts import insert_once

LEASE = 40.0
"""Seconds after which a lease expires whose owner does not renew it; a refresh takes 20 at most."""

PORTION = 500
"""Rows that are encrypted again in one transaction."""

UNSEEN = 365 * 86_400.0
"""Seconds; tokens in use are seen with each refresh, every two months at the latest."""

TokenLabels = tuple[str, str, str]
"""Integration, tenant and provider of a token, for a person who reads the table."""

TABLE = Table(
    "token",
    METADATA,
    Column("name", String, primary_key=True),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("sealed", Text, nullable=False),  # the tokens, encrypted; "" before the first ones
    Column("pending", Boolean, nullable=False),  # the platform's own database does not have them yet
    Column("obtained", Double),
    Column("seen", Double, nullable=False),
    Column("lease_owner", String),
    Column("lease_until", Double),
)

RETENTION = (TableRetention(TABLE),)


def read(connection: Connection, name: str) -> RowMapping | None:
    """Return the row of the tokens `name`, None where there is none."""
    return connection.execute(select(TABLE).where(TABLE.c.name == name)).mappings().first()


def lease(
    connection: Connection, name: str, labels: TokenLabels, owner: str, dead: Callable[[str], bool]
) -> tuple[bool, RowMapping | None]:
    """Take the lease of `name`; return whether `owner` has it now, and the row as it is.

    A lease whose owner is `dead` is taken before it expires.
    """
    now = database_clock(connection)
    mine = {"lease_owner": owner, "lease_until": now + LEASE}
    free = (TABLE.c.lease_until.is_(None)) | (TABLE.c.lease_until < now)
    take = update(TABLE).where(TABLE.c.name == name).values(**mine, seen=now)
    # One statement decides: of two replicas at once, the database lets one change the row.
    taken = connection.execute(take.where(free)).rowcount
    row = read(connection, name)
    # The first lease makes the row; the key lets one of two that try at once have it.
    if row is None:
        return insert_once(connection, TABLE, _new(name, labels, now) | mine), None
    # One that was given back meanwhile has no owner: the next look takes it.
    if not taken and row["lease_owner"] and dead(row["lease_owner"]):
        connection.execute(take)
        taken = 1
    return bool(taken), row


def release(connection: Connection, name: str, owner: str) -> None:
    """Give the lease back, if `owner` still has it."""
    held = update(TABLE).where(TABLE.c.name == name, TABLE.c.lease_owner == owner)
    connection.execute(held.values(lease_owner=None, lease_until=None))


def keep(
    connection: Connection,
    name: str,
    labels: TokenLabels,
    *,
    sealed: str,
    pending: bool,
    obtained: float | None,
) -> None:
    """Write encrypted tokens; older ones never take the place of newer ones."""
    now = database_clock(connection)
    values = {"sealed": sealed, "pending": pending, "obtained": obtained, "seen": now}
    # A replica that was slow must not put back the tokens that another one has exchanged meanwhile.
    older = (TABLE.c.obtained.is_(None)) | (TABLE.c.obtained <= (obtained or 0.0))
    written = update(TABLE).where(TABLE.c.name == name, older).values(**values)
    if connection.execute(written).rowcount:
        return
    if not insert_once(connection, TABLE, _new(name, labels, now) | values):
        connection.execute(written)  # another process made the row meanwhile


def remove(connection: Connection, name: str) -> None:
    """Delete the tokens `name`."""
    connection.execute(delete(TABLE).where(TABLE.c.name == name))


def encrypt_again(
    connection: Connection, renew: Callable[[str], str | None], after: str
) -> tuple[int, str | None]:
    """Write what `renew` returns for each of a portion of rows, None leaving one as it is.

    Return how many rows changed, and the name that the next portion begins after, None at the end.
    """
    page = select(TABLE.c.name, TABLE.c.sealed).where(TABLE.c.name > after, TABLE.c.sealed != "")
    rows = connection.execute(page.order_by(TABLE.c.name).limit(PORTION)).all()
    changed = 0
    for name, sealed in rows:
        if (text := renew(sealed)) is not None:
            connection.execute(update(TABLE).where(TABLE.c.name == name).values(sealed=text))
            changed += 1
    return changed, None if len(rows) < PORTION else rows[-1][0]


def drop_unseen(connection: Connection) -> int:
    """Delete tokens that nothing asked for in a year: their targets were removed; return how many."""
    old = TABLE.c.seen < database_clock(connection) - UNSEEN
    return connection.execute(delete(TABLE).where(old)).rowcount


def database_clock(connection: Connection) -> float:
    """Return the database's own time in Unix seconds, so that replicas agree on when a lease expires."""
    if connection.dialect.name == "sqlite":
        return float(
            connection.exec_driver_sql("SELECT (julianday('now') - 2440587.5) * 86400.0").scalar_one()
        )
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def _new(name: str, labels: TokenLabels, now: float) -> dict[str, Any]:
    integration, tenant, provider = labels
    return {
        "name": name,
        "integration": integration,
        "tenant": tenant,
        "provider": provider,
        "sealed": "",
        "pending": False,
        "seen": now,
    }
