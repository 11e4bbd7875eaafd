"""How much noise alerts make: counted out of the stored notices."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, and_, case, cast, func, literal_column, select

from exporter.core.notice import ACKNOWLEDGED, FIRING, RESOLVED, AlertNoise
from exporter.core.store import ALL, Filter
from exporter.store.lists import conditions
from exporter.store.rows import fetch
from exporter.store.subjects.notices import TABLE

_FIGURES = (
    *("fired", "acknowledged", "resolved", "flaps"),
    *("mean_wait", "longest_wait", "mean", "longest", "last"),
)
"""Columns of the answer, in the order of the fields of AlertNoise."""


def alert_noise(
    connection: Connection,
    by: tuple[str, ...],
    since: float,
    chosen: Filter = ALL,
    limit: int = 100,
    offset: int = 0,
) -> list[AlertNoise]:
    """Return the noise since `since` (Unix seconds) for each value of the columns `by`, the most first."""
    names = [TABLE.c[name] for name in by]
    fired, resolved = TABLE.c.state == FIRING, TABLE.c.state == RESOLVED
    acknowledged = TABLE.c.state == ACKNOWLEDGED
    waited = case((acknowledged, TABLE.c.at - TABLE.c.starts))
    took = case((resolved, TABLE.c.ends - TABLE.c.starts))
    query = (
        select(
            *names,
            _count(fired).label("fired"),
            _count(acknowledged).label("acknowledged"),
            _count(resolved).label("resolved"),
            _count(and_(fired, TABLE.c.flap == 1)).label("flaps"),
            func.avg(waited).label("mean_wait"),
            func.max(waited).label("longest_wait"),
            func.avg(took).label("mean"),
            func.max(took).label("longest"),
            func.max(case((fired, TABLE.c.starts))).label("last"),
        )
        .where(TABLE.c.at >= since, *conditions(TABLE, chosen))
        .group_by(*names)
        .order_by(literal_column("fired").desc(), literal_column("flaps").desc(), *names)
        .limit(limit)
        .offset(offset)
    )
    return [
        AlertNoise(
            tuple(row[name] for name in by),
            *(row[name] for name in _FIGURES),
        )
        for row in fetch(connection, query)
    ]


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(cast(case((condition, 1), else_=0), Integer))
