"""Deletes what is too old, a portion at a time, by what each subject declares."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Delete, Table, delete, func, select

from exporter.core.hours import DAY, day_of

PORTION = 2000
"""Rows that are deleted in one transaction, so that writes need not wait long."""


@dataclass(frozen=True)
class TableRetention:
    """How long the rows of `table` are kept.

    `key` is the one of `store.retention` that says so, empty for rows that stay until their subject goes.
    A table with a key has a column `at`, or `hour`. `compact` makes a portion of its older rows into fewer:
    it takes the present time in Unix seconds and returns how many rows went. `only` are the rows that may
    be deleted, where others are still needed however old they are. `prune` deletes a portion of the rows
    from before a moment in the place of the usual way; it returns how many went. With `whole_days` the hours
    of a day go together, once its last one is too old: sums by day then say what those by hour say.
    """

    table: Table
    key: str = ""
    compact: Callable[[Connection, float], int] | None = None
    only: ColumnElement[bool] | None = None
    prune: Callable[[Connection, float], int] | None = None
    whole_days: bool = False


def retain(
    begin: Callable[[], AbstractContextManager[Connection]],
    rules: Iterable[TableRetention],
    seconds: Mapping[str, float],
    now: float,
) -> int:
    """Delete a portion of the rows of each table that are older than `seconds` allow; return how many.

    Each table has a transaction of its own, which `begin` begins. The caller goes on until nothing was
    deleted, with writes in between. Keys of `seconds` that no table has are passed over.
    """
    deleted, rules = 0, tuple(rules)
    for rule in rules:
        if rule.key in seconds:
            with begin() as connection:
                moment = now - seconds[rule.key]
                if rule.prune is not None:
                    deleted += rule.prune(connection, moment)
                else:
                    deleted += connection.execute(_delete_expired(rule, moment)).rowcount
    for rule in rules:
        if rule.compact is not None:
            with begin() as connection:
                deleted += rule.compact(connection, now)
    return deleted


def _delete_expired(rule: TableRetention, moment: float) -> Delete:
    """Return what deletes a portion of the rows of a table from before `moment`: so many rows, or an hour."""
    table = rule.table
    if "hour" in table.c:
        # Its row may be that of the whole day which begins with it.
        limit = day_of(moment) if rule.whole_days else moment - DAY
        oldest = select(func.min(table.c.hour)).where(table.c.hour < limit)
        return delete(table).where(table.c.hour == oldest.scalar_subquery())
    # By a subquery: PostgreSQL has no DELETE with a LIMIT.
    old = select(table.c.id).where(table.c.at < moment)
    if rule.only is not None:
        old = old.where(rule.only)
    return delete(table).where(table.c.id.in_(old.limit(PORTION)))
