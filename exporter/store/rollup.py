"""Makes summaries of old hours into summaries of days: a twentieth of the rows, for windows that are long."""

from typing import Any

from sqlalchemy import Connection, Table, delete, func, literal, select

from exporter.core.summary import HOUR
from exporter.store.tables import CHECK_FAILURE, CHECK_SUMMARY
from exporter.store.upserts import increment

DAY = 24 * HOUR

FOLDED_AFTER = 3 * DAY
"""Seconds for which hours are kept apart: longer than 24 h beside the 24 h before."""

_LOCK = 0x1E85_0E09_0F01_DED5
"""The advisory lock of this work: two replicas that folded the same hour would count it twice."""


def fold_an_hour(connection: Connection, now: float) -> int:
    """Add the oldest hour that is old enough to its day, in this transaction; return how many rows went.

    A day stands in the tables as its first hour does. Hours that come late are folded in when they are seen.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    limit = int(now - FOLDED_AFTER) // DAY * DAY
    return sum(_fold(connection, table, limit) for table in (CHECK_SUMMARY, CHECK_FAILURE))


def _fold(connection: Connection, table: Table, limit: int) -> int:
    oldest = select(func.min(table.c.hour)).where(table.c.hour < limit, table.c.hour % DAY != 0)
    hour = connection.execute(oldest).scalar()
    if hour is None:
        return 0
    names = [column.name for column in table.columns]
    day: Any = literal(hour // DAY * DAY, table.c.hour.type).label("hour")
    rows = select(*(day if name == "hour" else table.c[name] for name in names)).where(table.c.hour == hour)
    connection.execute(increment(connection, table).from_select(names, rows))
    return connection.execute(delete(table).where(table.c.hour == hour)).rowcount
