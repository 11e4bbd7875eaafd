"""Notices every write to the database where all of them pass: at the driver."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, event

from exporter.core.changes import ChangeFeed

WATCH = "exporter_watch"
"""Execution option of a connection: the WriteWatch that hears of its statements."""

ROWS = "rows"
"""The parameter that has many rows as JSON, of statements for PostgreSQL."""

MOST_ROWS = 1000
"""Rows of a statement that are looked at: more of them concern everybody soon enough."""

_WRITE = re.compile(
    r"\s*(?:INSERT (?:OR \w+ )?INTO|UPDATE|(?P<gone>DELETE) FROM)\s+"
    r'"?(?P<table>\w+)"?\s*(?:\((?P<names>[^)]*)\))?',
    re.IGNORECASE,
)

Whose = tuple[str | None, str | None]
"""Integration and tenant of a row, None where the statement does not say."""


class _Owner(msgspec.Struct):
    integration: str | None = None
    tenant: str | None = None


_MANY = msgspec.json.Decoder(list[_Owner])


class WriteWatch:
    """Says to `feed` which table a statement writes to, and whose rows it inserts.

    It is said before the commit: who hears of it waits a moment. What is deleted from tables that are
    `expiring` is no news.
    """

    def __init__(self, feed: ChangeFeed, expiring: Collection[str]) -> None:
        """Watch nothing yet; see `watch_writes` and `note_statement`."""
        self.feed = feed
        self._expiring = expiring

    def note(self, statement: str, rows: Sequence[Any]) -> None:
        """Say what `statement` does with `rows`: mappings, or tuples in the order of its columns."""
        if (found := _WRITE.match(statement)) is None:
            return
        table = found["table"].lower()
        if found["gone"] and table in self._expiring:
            return
        for integration, tenant in set(_owners(found["names"], rows)):
            self.feed.note(table, integration, tenant)


def watch_writes(engine: Engine) -> None:
    """Let the watch of each connection of `engine` hear of what SQLAlchemy executes."""
    event.listen(engine, "after_cursor_execute", _note_executed)


def note_statement(connection: Connection, statement: str, rows: Sequence[Any]) -> None:
    """Let the watch of `connection` hear of a statement that goes to the driver past SQLAlchemy."""
    watch = connection.get_execution_options().get(WATCH)
    # Nobody listens while no page is open, and every webhook comes by here.
    if watch is not None and watch.feed.listener is not None:
        watch.note(statement, rows)


def _note_executed(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
) -> None:
    watch = connection.get_execution_options().get(WATCH)
    # What looks for something to change now and then, and finds nothing, is no news. Of a statement that
    # returns rows SQLite does not know yet how many there are.
    in_vain = cursor.rowcount == 0 and cursor.description is None
    if watch is not None and watch.feed.listener is not None and not in_vain:
        compiled = context is not None and context.compiled is not None
        watch.note(statement, context.compiled_parameters if compiled else _rows(parameters))


def _owners(names: str | None, rows: Iterable[Any]) -> Iterable[Whose]:
    """Yield whose rows a statement writes; one without parameters is of nobody in particular."""
    columns = [name.strip(' "') for name in names.split(",")] if names else []
    found = False
    for row in islice(rows, MOST_ROWS):
        found = True
        named = row if isinstance(row, Mapping) else dict(zip(columns, row, strict=False))
        if isinstance(many := named.get(ROWS), str):
            yield from ((one.integration, one.tenant) for one in _MANY.decode(many)[:MOST_ROWS])
        else:
            yield named.get("integration"), named.get("tenant")
    if not found:
        yield None, None


def _rows(parameters: Any) -> Sequence[Any]:
    """Return what a driver got as a list of rows: for one row it is that row itself."""
    if isinstance(parameters, Mapping):
        return [parameters]
    if not parameters:
        return []
    return parameters if isinstance(parameters[0], (Mapping, tuple, list)) else [parameters]
