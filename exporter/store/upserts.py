"""Writes rows over those that have their key, or adds to them: the same on SQLite and PostgreSQL."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    column,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite

from exporter.store.driver_sql import DriverStatement
from exporter.store.rows import TableRow, fill_replica
from exporter.store.watch import ROWS

PORTION = 5000
"""Rows of one statement at most."""


def replace(connection: Connection, table: Table, rows: Sequence[TableRow]) -> None:
    """Insert `rows`; a row that has the key of one of them is overwritten."""
    _write(connection, _insert(connection.dialect.name, table, _new), table, rows)


def add(connection: Connection, table: Table, rows: Sequence[TableRow]) -> None:
    """Insert `rows`; where a row has the key of one of them, its numbers are added to, NULL being nothing."""
    _write(connection, increment(connection, table), table, rows)


def insert_once(connection: Connection, table: Table, row: TableRow) -> bool:
    """Insert `row` unless a row has its key; return whether it was inserted."""
    # Not by the number of rows: drivers do not report it for every insert.
    made = (
        _plain(connection.dialect.name, table).values(**row).on_conflict_do_nothing().returning(literal(True))
    )
    return connection.execute(made).first() is not None


def insert_new(
    connection: Connection, table: Table, rows: Sequence[TableRow], key: Column[Any]
) -> Sequence[Any]:
    """Insert those of `rows` whose unique `key` no row has; return the keys of the inserted ones."""
    if not rows:
        return []
    if connection.dialect.name == "sqlite":
        return _insert_new_in_file(connection, table, rows, key)
    # In one order: two sessions that insert the same keys would wait for each other.
    ordered = sorted(rows, key=lambda row: str(row[key.name]))
    statement, found = _json_insert(table, key, tuple(rows[0])), list[Any]()
    for portion in _portions(ordered):
        found += (row[0] for row in statement.run(connection, [portion]))
    return found


def insert_all(connection: Connection, table: Table, rows: Sequence[TableRow]) -> None:
    """Insert `rows`, one at least, which all have the same columns."""
    columns = tuple(rows[0])
    if connection.dialect.name == "sqlite":
        _plain_insert(table, columns).run(connection, rows)
        return
    for portion in _portions(rows):
        _json_insert(table, None, columns).run(connection, [portion])


def _insert_new_in_file(
    connection: Connection, table: Table, rows: Sequence[TableRow], key: Column[Any]
) -> Sequence[Any]:
    """Do as `insert_new` in a file, which has one writer: the number of rows says whether all were new."""
    insert, newest = _statements(table, key, tuple(rows[0]))
    count = insert.run(connection, rows).rowcount
    if count == len(rows):
        return [row[key.name] for row in rows]
    return [row[0] for row in newest.run(connection, [{"count": count}])]


@cache
def _plain_insert(table: Table, columns: tuple[str, ...]) -> DriverStatement:
    return DriverStatement(lambda _: sqlite.insert(table).inline(), columns)


@cache
def _json_insert(table: Table, key: Column[Any] | None, columns: tuple[str, ...]) -> DriverStatement:
    """Return the insert of PostgreSQL that takes `rows` as JSON; with a `key` only of what is new.

    Its text is the same for any number of rows: one with a parameter for each value of each row is parsed
    by the driver every time, which costs more than the rest of the insert.
    """
    places = [column(name, Text if _is_binary(table, name) else table.c[name].type) for name in columns]
    given: Any = func.json_to_recordset(bindparam(ROWS, type_=JSON))
    row = given.table_valued(*places).render_derived(with_types=True)
    values = [_value(table, row.c[name]) for name in columns]
    made: Any = _postgresql_insert(table).from_select(columns, select(*values), include_defaults=False)
    if key is not None:
        made = made.on_conflict_do_nothing(index_elements=[key]).returning(key)
    return DriverStatement(lambda _: made)


def _value(table: Table, given: Any) -> Any:
    # Written out: the values of a statement as text are those of its rows alone.
    return func.decode(given, literal_column("'base64'")) if _is_binary(table, given.name) else given


def _is_binary(table: Table, name: str) -> bool:
    return isinstance(table.c[name].type, LargeBinary)


def _portions(rows: Sequence[TableRow]) -> Iterator[TableRow]:
    """Return the parameter `rows` for a portion of them after the other."""
    for place in range(0, len(rows), PORTION):
        # Bytes become base64.
        yield {ROWS: msgspec.json.encode(rows[place : place + PORTION]).decode()}


@cache
def _statements(
    table: Table, key: Column[Any], columns: tuple[str, ...]
) -> tuple[DriverStatement, DriverStatement]:
    """Return the insert of what has a new `key`, and the query for the keys of the last `count` rows."""
    made = sqlite.insert(table).on_conflict_do_nothing(index_elements=[key]).inline()
    # Rows are numbered as they come, each one more than the highest number before.
    before = select(func.max(table.c.id)).scalar_subquery() - bindparam("count", type_=Integer)
    last = select(key).where(table.c.id > before)
    return DriverStatement(lambda _: made, columns), DriverStatement(lambda _: last)


def insert_each_once(
    connection: Connection, table: Table, rows: Sequence[TableRow], key: Column[Any]
) -> list[bool]:
    """Insert those of `rows` whose unique `key` no row has; return of each whether it was inserted."""
    new = set(insert_new(connection, table, fill_replica(connection, table, rows), key))
    found = []
    for row in rows:
        # Of two with one key the first is in, the other is its duplicate.
        found.append(row[key.name] in new)
        new.discard(row[key.name])
    return found


def increment(connection: Connection, table: Table) -> Any:
    """Return an insert that adds to the numbers of a row that has its key."""
    return _insert(connection.dialect.name, table, _sum)


def _write(connection: Connection, statement: Any, table: Table, rows: Sequence[TableRow]) -> None:
    if rows:
        keys = _keys(table)
        # Always in one order: two replicas that write the same rows would lock each other out.
        connection.execute(statement, sorted(rows, key=lambda row: tuple(row[key] for key in keys)))


@cache  # what SQLAlchemy makes for `excluded` is a thousand objects in cycles, and this is called each second
def _insert(dialect: str, table: Table, value: Any) -> Any:
    insert = _plain(dialect, table)
    keys = _keys(table)
    changed = {
        column.name: value(column, insert.excluded[column.name])
        for column in table.columns
        if column.name not in keys
    }
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)


def _plain(dialect: str, table: Table) -> Any:
    """Return an insert that takes a clause for a row that has its key."""
    return sqlite.insert(table) if dialect == "sqlite" else _postgresql_insert(table)


def _postgresql_insert(table: Table) -> Any:
    # The dialect takes 2.4 MB, which a process with a file should not pay.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


def _new(_old: Column[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    return new


def _sum(old: Column[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(old.type, String):
        return new
    # NULL and a number add up to NULL: then the one of them that is a number is the sum.
    return func.coalesce(old + new, old, new)
