"""Statements of every webhook, compiled once: SQLAlchemy's way to each costs more CPU than the database."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.base import Executable

from exporter.store.rows import TableRow


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

    def run(self, connection: Connection, rows: Sequence[TableRow]) -> Any:
        """Execute it for each of `rows`, which have the names of its parameters; return SQLAlchemy's result.

        One row at least; for more than one there are no rows in the result.
        """
        dialect = connection.dialect.name
        text, names = self._compiled.get(dialect) or self._compile(connection)
        binds: Sequence[Any] = rows
        if names is not None:  # the driver counts parameters, and knows no names
            binds = [tuple([row[name] for name in names]) for row in rows]
        return connection.exec_driver_sql(text, binds[0] if len(binds) == 1 else binds)

    def _compile(self, connection: Connection) -> tuple[str, Sequence[str] | None]:
        statement: Executable = self._build(connection.dialect.name)
        compiled: Any = statement.compile(dialect=connection.dialect, column_keys=self._columns)  # type: ignore[attr-defined]  # every statement has it
        found = str(compiled), compiled.positiontup if compiled.positional else None
        self._compiled[connection.dialect.name] = found
        return found
