"""The questions that lists and statistics ask of the tables."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Select, Table, cast, func, select, tuple_

from exporter.core.store import Cursor, Filter, Statistic, Subject, Window
from exporter.store.rows import TableRow
from exporter.store.tables import CHECK_FAILURE, CHECK_SUMMARY, TOOK

_NUMBERS = ("runs", "failed", "seconds", "failing_seconds")


def newest(
    connection: Connection, table: Table, chosen: Filter, limit: int
) -> tuple[list[TableRow], Cursor | None]:
    """Return up to `limit` rows, the newest first, and the place after them where there are more."""
    query = select(table).where(*_of(table, chosen)).order_by(table.c.at.desc(), table.c.id.desc())
    if chosen.since is not None:
        query = query.where(table.c.at >= chosen.since)
    if chosen.until is not None:
        query = query.where(table.c.at < chosen.until)
    if chosen.after is not None:
        query = query.where(tuple_(table.c.at, table.c.id) < chosen.after)
    rows = fetch(connection, query.limit(limit + 1))
    if len(rows) <= limit or not rows[:limit]:
        return rows[:limit], None
    last = rows[limit - 1]
    return rows[:limit], (last["at"], last["id"])


def statistics(connection: Connection, window: Window, limit: int, offset: int) -> list[Statistic]:
    """Return one statistic a subject, the one that was failing for the greatest share of the time first."""
    table = CHECK_SUMMARY
    by = [table.c[name] for name in window.by]
    total = {name: func.sum(table.c[name]) for name in (*_NUMBERS, *TOOK)}
    down = cast(total["failing_seconds"], Float) / func.nullif(total["seconds"], 0.0)
    bad = cast(total["failed"], Float) / func.nullif(total["runs"], 0)
    query = (
        select(*by, func.max(table.c.provider).label("provider"), *_named(total))
        .where(*_in(table, window))
        .group_by(*by)
        .order_by(down.desc().nulls_last(), bad.desc().nulls_last(), *by)
        .limit(limit)
        .offset(offset)
    )
    return [_statistic(row, window.by) for row in fetch(connection, query)]


def reasons(connection: Connection, window: Window) -> dict[Subject, dict[str, int]]:
    """Return failed runs by subject and reason, the most frequent reason first."""
    table = CHECK_FAILURE
    by = [table.c[name] for name in window.by]
    runs = func.sum(table.c.runs)
    query = (
        select(*by, table.c.reason, runs.label("runs"))
        .where(*_in(table, window))
        .group_by(*by, table.c.reason)
        .order_by(runs.desc(), table.c.reason)
    )
    found: dict[Subject, dict[str, int]] = {}
    for row in fetch(connection, query):
        subject = tuple(row[name] for name in window.by)
        found.setdefault(subject, {})[row["reason"]] = int(row["runs"])
    return found


def fetch(connection: Connection, query: Select[Any]) -> list[TableRow]:
    """Return the rows that answer `query`."""
    return [dict(row) for row in connection.execute(query).mappings()]


def _named(total: dict[str, Any]) -> Iterable[ColumnElement[Any]]:
    return (value.label(name) for name, value in total.items())


def _statistic(row: TableRow, by: tuple[str, ...]) -> Statistic:
    # PostgreSQL sums whole numbers to decimals.
    return Statistic(
        subject=tuple(row[name] for name in by),
        provider=row["provider"],
        runs=int(row["runs"]),
        failed=int(row["failed"]),
        seconds=float(row["seconds"]),
        failing_seconds=float(row["failing_seconds"]),
        latency_counts=tuple(int(row[name] or 0) for name in TOOK),
    )


def _in(table: Table, window: Window) -> Iterator[ColumnElement[bool]]:
    yield table.c.hour >= window.since
    yield table.c.hour < window.until
    yield from _of(table, window.chosen)
    if window.subjects is not None:
        columns = tuple_(*(table.c[name] for name in window.by))
        yield columns.in_(sorted(window.subjects))


def _of(table: Table, chosen: Filter) -> Iterator[ColumnElement[bool]]:
    if chosen.integration:
        yield table.c.integration == chosen.integration
    if chosen.tenant is not None:
        yield table.c.tenant == chosen.tenant
    if chosen.tenants is not None:
        yield table.c.tenant.in_(sorted(chosen.tenants))
    if chosen.reason is not None:
        yield table.c.reason == chosen.reason.value
