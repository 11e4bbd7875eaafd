"""Statements of every webhook, compiled once: SQLAlchemy's way to each costs more CPU than the database."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import JSON, Column, ColumnElement, Connection, String, any_, bindparam, func, select
from sqlalchemy.sql.base import Executable

from exporter.store.rows import TableRow
from exporter.store.watch import note_statement


class DriverRows(Protocol):
    """What a statement gives: its rows as tuples, and how many it changed."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over its rows."""

    def fetchone(self) -> Any:
        """Return the next row, None after the last one."""


class DriverStatement:
    """A statement that goes to the driver as text; `build` makes it for the dialect of that name.

    Its values must be what the driver takes and gives as it is: text, numbers and bytes. `columns` are those
    of an insert.
    """

    def __init__(self, build: Callable[[str], Any], columns: Sequence[str] | None = None) -> None:
        """Compile nothing yet."""
        self._build = build
        self._columns = columns
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}

    def run(self, connection: Connection, rows: Sequence[TableRow]) -> DriverRows:
        """Execute it for each of `rows`, which have the names of its parameters.

        One row at least; for more than one there are no rows in the result.
        """
        dialect = connection.dialect.name
        text, names = self._compiled.get(dialect) or self._compile(connection)
        binds: Sequence[Any] = rows
        if names is not None:  # the driver counts parameters, and knows no names
            binds = [tuple([row[name] for name in names]) for row in rows]
        if dialect != "sqlite":
            return connection.exec_driver_sql(text, binds[0] if len(binds) == 1 else binds)
        # A file has no connection that breaks, which SQLAlchemy would have to notice.
        note_statement(connection, text, binds)
        driver: Any = connection.connection.driver_connection
        found: DriverRows = (
            driver.execute(text, binds[0]) if len(binds) == 1 else driver.executemany(text, binds)
        )
        return found

    def _compile(self, connection: Connection) -> tuple[str, Sequence[str] | None]:
        statement: Executable = self._build(connection.dialect.name)
        compiled: Any = statement.compile(dialect=connection.dialect, column_keys=self._columns)  # type: ignore[attr-defined]  # every statement has it
        found = str(compiled), compiled.positiontup if compiled.positional else None
        self._compiled[connection.dialect.name] = found
        return found


def is_one_of(dialect: str, column: Column[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column of texts has one of those in the parameter `name`.

    The parameter is what `text_list` returns: one for any number of texts, so the statement stays the same.
    """
    if dialect == "sqlite":
        texts = func.json_each(bindparam(name, type_=String)).table_valued("value")
        return column.in_(select(texts.c.value))
    found: Any = select(func.json_array_elements_text(bindparam(name, type_=JSON))).scalar_subquery()
    # As an array, so that the index is used whatever the server guesses of their number.
    return column == any_(func.array(found))


def text_list(texts: Sequence[str]) -> str:
    """Return the parameter of `is_one_of`."""
    return msgspec.json.encode(texts).decode()
