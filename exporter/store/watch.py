"""Notices every write to the database where all of them pass: at the cursor."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Engine, event

from exporter.core.changes import ChangeFeed
from exporter.store.schema import retentions

_WRITE = re.compile(
    r"\s*(?:INSERT (?:OR \w+ )?INTO|UPDATE|(?P<gone>DELETE) FROM)\s+"
    r'"?(?P<table>\w+)"?\s*(?:\((?P<names>[^)]*)\))?',
    re.IGNORECASE,
)

MOST_ROWS = 1000
"""Rows of a statement that are looked at: more of them concern everybody soon enough."""

Whose = tuple[str | None, str | None]
"""Integration and tenant of a row, None where the statement does not say."""


def watch_writes(engine: Engine, feed: ChangeFeed) -> None:
    """Have `feed` say which table each statement on `engine` writes to, and whose rows it inserts.

    It is said before the commit: who hears of it waits a moment. What retention deletes is no news.
    """

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
    ) -> None:
        # Looked at first: nobody listens while no page is open, and every webhook comes by here.
        if feed.listener is None or (found := _WRITE.match(statement)) is None:
            return
        table = found["table"].lower()
        if found["gone"] and table in _expiring():
            return
        for integration, tenant in set(_owners(found["names"], parameters, context)):
            feed.note(table, integration, tenant)

    event.listen(engine, "after_cursor_execute", note)


def _owners(names: str | None, parameters: Any, context: Any) -> Iterable[Whose]:
    """Yield whose rows a statement writes; one without parameters is of nobody in particular."""
    compiled = context is not None and context.compiled is not None
    rows = context.compiled_parameters if compiled else _rows(parameters)
    columns = [name.strip(' "') for name in names.split(",")] if names else []
    found = False
    for row in islice(rows, MOST_ROWS):
        found = True
        named = row if isinstance(row, Mapping) else dict(zip(columns, row, strict=False))
        yield from _owner(named.get("integration"), named.get("tenant"))
    if not found:
        yield None, None


def _rows(parameters: Any) -> Sequence[Any]:
    """Return what a driver got as a list of rows: for one row it is that row itself."""
    if isinstance(parameters, Mapping):
        return [parameters]
    if not parameters:
        return []
    return parameters if isinstance(parameters[0], (Mapping, tuple, list)) else [parameters]


def _owner(integration: Any, tenant: Any) -> Iterable[Whose]:
    """Yield the owner of a row, or those of many that came as an array for each column."""
    arrays = [one for one in (integration, tenant) if isinstance(one, list)]
    if not arrays:
        return [(integration, tenant)]
    nobody = [None] * len(arrays[0])
    return zip(integration or nobody, tenant or nobody, strict=True)


@cache
def _expiring() -> frozenset[str]:
    return frozenset(rule.table.name for rule in retentions() if rule.key)
