"""What tables of summaries share: buckets of latency, which hours are read, and hours that become days."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Table,
    case,
    delete,
    func,
    literal,
    select,
    tuple_,
)

from exporter.core.hours import DAY, FOLDED_AFTER, WHOLE, FirstPart, day_of
from exporter.core.store import Subject
from exporter.core.summary import BUCKETS
from exporter.store.upserts import increment

TOOK = tuple(f"took_{number:02}" for number in range(BUCKETS))
"""Columns of the latency buckets, in the order of exporter/core/summary.py."""

_LOCK = 0x1E85_0E09_0F01_DED5
"""The advisory lock of folding: two replicas that folded the same hour would count it twice."""


def between(table: Table, since: int, until: int) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions on the hours from `since` up to, but without, `until`."""
    yield table.c.hour >= since
    yield table.c.hour < until


def weigh(table: Table, name: str, first: FirstPart) -> ColumnElement[Any]:
    """Return a column of numbers by how much each of its rows counts."""
    column: ColumnElement[Any] = table.c[name]
    if first.share == WHOLE.share:
        return column
    shares = literal(first.share, Double), literal(WHOLE.share, Double)
    return column * case((table.c.hour < first.until, shares[0]), else_=shares[1])


def match_subjects(
    table: Table, by: tuple[str, ...], subjects: Collection[Subject]
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that a row is of one of `subjects`: values of the columns `by`."""
    yield tuple_(*(table.c[name] for name in by)).in_(sorted(subjects))
    if "tenant" in by:
        # A pair makes no use of an index; those by tenant begin with the tenant.
        place = by.index("tenant")
        yield table.c.tenant.in_(sorted({subject[place] for subject in subjects}))


def fold_tables(connection: Connection, now: float, *tables: Table) -> int:
    """Add the oldest hour that is old enough to its day, in this transaction; return how many rows went.

    A day is in the tables under its first hour: a twentieth of the rows, for windows that are long. Hours
    that come late are folded in when they are seen. `hour` is in the key of each table; numbers outside of
    the key are added up.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    limit = day_of(now - FOLDED_AFTER)
    return sum(_fold(connection, table, limit) for table in tables)


def _fold(connection: Connection, table: Table, limit: int) -> int:
    oldest = select(func.min(table.c.hour)).where(table.c.hour < limit, table.c.hour % DAY != 0)
    hour = connection.execute(oldest).scalar()
    if hour is None:
        return 0
    names = [column.name for column in table.columns]
    day: Any = literal(day_of(hour), table.c.hour.type).label("hour")
    rows = select(*(day if name == "hour" else table.c[name] for name in names)).where(table.c.hour == hour)
    connection.execute(increment(connection, table).from_select(names, rows))
    return connection.execute(delete(table).where(table.c.hour == hour)).rowcount
