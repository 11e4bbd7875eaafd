"""Lists of rows, the newest first, narrowed by a filter and cut into pages."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Table, or_, select, tuple_

from exporter.core.store import Cursor, Filter, Page
from exporter.store.plain_case import PlainCase
from exporter.store.rows import TableRow, fetch, readable

T = TypeVar("T")


def newest(
    connection: Connection,
    table: Table,
    record: Callable[[TableRow], T],
    chosen: Filter,
    limit: int,
    columns: Sequence[Column[Any]] = (),
    also: Sequence[ColumnElement[bool]] = (),
) -> Page[T]:
    """Return a page of up to `limit` records of a table with the columns `at` and `id`, the newest first.

    `columns` are those that `record` needs, else all. `also` are conditions besides those of `chosen`. A row
    that cannot be read is left out and reported on the log.
    """
    query = select(*columns or (table,)).where(*conditions(table, chosen), *_between(table, chosen), *also)
    query = query.order_by(table.c.at.desc(), table.c.id.desc())
    # One more than asked for shows whether there is another page.
    rows = fetch(connection, query.limit(limit + 1))
    return Page(readable(connection, rows[:limit], record), _cursor(rows, limit))


def containing(columns: Sequence[Column[Any]], text: str) -> ColumnElement[bool]:
    """Return the condition that one of `columns` contains `text`, in whatever case."""
    found = map(PlainCase, columns) if text.isascii() else columns
    return or_(*(column.icontains(text, autoescape=True) for column in found))


def conditions(table: Table, chosen: Filter) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of `chosen`, besides those on times and the place."""
    if chosen.integration and "integration" in table.c:
        yield table.c.integration == chosen.integration
    if chosen.tenant is not None:
        yield table.c.tenant == chosen.tenant
    if chosen.tenants is not None:
        yield table.c.tenant.in_(sorted(chosen.tenants))
    if chosen.reason is not None and "reason" in table.c:
        yield table.c.reason == chosen.reason.value
    if chosen.result and "result" in table.c:
        yield table.c.result == chosen.result
    for name, value in chosen.fields:
        yield table.c[name] == value


def _between(table: Table, chosen: Filter) -> Iterator[ColumnElement[bool]]:
    if chosen.since is not None:
        yield table.c.at >= chosen.since
    if chosen.until is not None:
        yield table.c.at < chosen.until
    if chosen.after is not None:
        # As a pair: several rows may have the same time.
        yield tuple_(table.c.at, table.c.id) < chosen.after


def _cursor(rows: list[TableRow], limit: int) -> Cursor | None:
    """Return the place after the first `limit` rows, None where none follows."""
    if len(rows) <= limit or not limit:
        return None
    last = rows[limit - 1]
    return last["at"], last["id"]
