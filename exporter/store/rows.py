"""What the subjects share between records and rows: words, texts, and rows that cannot be read."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Select, Table

from exporter.core.probe import TargetKey
from exporter.core.reason import Reason
from exporter.store.connect import redacted_url

TableRow = dict[str, Any]

T = TypeVar("T")

REPLICA = "exporter_replica"
"""Execution option of a connection: the name of the process that writes, for rows that keep it."""


def clean(text: str) -> str:
    """Return `text` without what a database refuses: NUL, and halves of characters that have no UTF-8."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def target_columns(key: TargetKey) -> TableRow:
    """Return the columns that name a target."""
    return {"integration": key[0], "tenant": key[1]}


def target_key(row: Mapping[str, Any]) -> TargetKey:
    """Return the target that `row` is about."""
    return row["integration"], row["tenant"]


def reason_word(reason: Reason | None) -> str | None:
    """Return how a reason is stored."""
    return reason.value if reason else None


def reason_of(word: str | None) -> Reason | None:
    """Return the reason that is stored as `word`; raises ValueError for one that this version lacks."""
    return Reason(word) if word is not None else None


def fetch(connection: Connection, query: Select[Any]) -> list[TableRow]:
    """Return the rows that answer `query`."""
    return [dict(row) for row in connection.execute(query).mappings()]


def readable(connection: Connection, rows: Iterable[TableRow], record: Callable[[TableRow], T]) -> list[T]:
    """Return the records of `rows`; one that a newer version wrote must not cost all the others."""
    found: list[T] = []
    unread = 0
    for row in rows:
        try:
            found.append(record(row))
        except (ValueError, TypeError, KeyError):
            unread += 1
    if unread:
        store = f"store {redacted_url(connection.engine.url)}"
        structlog.get_logger(__name__).warning("stored rows cannot be read", count=unread, store=store)
    return found


def insert_rows(connection: Connection, table: Table, rows: Iterable[TableRow]) -> None:
    """Add `rows`; those of a table with a column `replica` get the name of this one, unless they have one."""
    made = fill_replica(connection, table, rows)
    if made:
        connection.execute(table.insert(), made)


def fill_replica(connection: Connection, table: Table, rows: Iterable[TableRow]) -> list[TableRow]:
    """Return `rows` with the name of this replica, where their table wants one and they have none."""
    if "replica" not in table.c:
        return list(rows)
    replica = connection.get_execution_options().get(REPLICA, "")
    return [{**row, "replica": row["replica"] or replica} for row in rows]
