"""Notices what other replicas add to the tables of the same database, for pages that are open here."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from exporter.core.changes import ANY, Change, ChangeFeed
from exporter.core.errors import StoreError
from exporter.store.rows import fetch
from exporter.store.schema import METADATA

EVERY = 1.0
"""Seconds between two looks: a change is to be on the page within two."""

MOST_ROWS = 1000
"""New rows of a table that are looked at; more of them concern everybody soon enough."""

MEMORY = 3
"""Looks for which it is remembered what this process wrote, and which rows were seen."""

RowReader = Callable[[Callable[[Connection], Any]], Awaitable[Any]]


class _Addition(NamedTuple):
    change: Change
    foreign: bool
    """Whether it has the name of another replica."""


class ReplicaWatch:
    """Says to `feed` whose rows are new in the tables whose rows are numbered, but for those written here.

    It asks for the highest number of each table, once a second while a page is open: one statement, which
    reads the ends of indexes. Notices by the server (LISTEN) would put a lock that all replicas share into
    every write. `alone` says that no other process writes: then nothing is read. What is changed in place
    is not seen; nearly all that people wait for adds a row.
    """

    def __init__(self, read: RowReader, feed: ChangeFeed, alone: Callable[[], bool], name: str) -> None:
        """Look at nothing yet; `name` is what rows of this replica have."""
        self._name = name
        self._read = read
        self._feed = feed
        self._alone = alone
        self._own: deque[set[Change]] = deque(maxlen=MEMORY)
        # By table, the highest number of each of the last looks, and the rows that were seen above the first.
        self._highest: deque[Mapping[str, int]] = deque(maxlen=MEMORY)
        self._seen: dict[str, set[int]] = {}

    async def run(self, every: float = EVERY) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(every)
            with suppress(StoreError):  # who reads the lists learns of it, and so does the log
                await self.look()

    async def look(self) -> None:
        """Say what others have added since the last look.

        The first one of an open page says that all may have changed: what was added since the page was read
        is not known.
        """
        if self._feed.listener is None or self._alone():
            self._forget()
            return
        noted, self._feed.noted = self._feed.noted or set(), set()
        self._own.append(noted)
        found: dict[_Addition, None] = await self._read(self._additions)
        for change, foreign in found:
            # Replicas of one host have one name, and some tables have none.
            if foreign or not any(change in own for own in self._own):
                self._feed.note(*change)
        # What was said here just now is no news of this process.
        self._feed.noted -= {change for change, _ in found}

    def _forget(self) -> None:
        self._feed.noted = None
        self._own.clear()
        self._highest.clear()
        self._seen.clear()

    def _additions(self, connection: Connection) -> dict[_Addition, None]:
        """Return whose rows are new, in the order of the tables; this may block."""
        highest = _highest(connection)
        floors, known = self._highest[0] if self._highest else None, list(self._highest)
        self._highest.append(highest)
        found: dict[_Addition, None] = {}
        if floors is None:
            return {_Addition(Change(name, ANY, ANY), foreign=True): None for name in highest}
        for name, number in highest.items():
            # A transaction may commit a lower number after a higher one: what moved is looked at once more.
            if any(one[name] != number for one in known):
                found |= dict.fromkeys(self._added(connection, METADATA.tables[name], floors[name]))
            else:
                self._seen.pop(name, None)
        return found

    def _added(self, connection: Connection, table: Table, floor: int) -> list[_Addition]:
        columns = [table.c[name] for name in ("integration", "tenant", "replica") if name in table.c]
        query = select(table.c.id, *columns).where(table.c.id > floor)
        rows = fetch(connection, query.order_by(table.c.id.desc()).limit(MOST_ROWS))
        seen = self._seen.get(table.name, set())
        self._seen[table.name] = {row["id"] for row in rows}
        return [
            _Addition(
                Change(table.name, row.get("integration"), row.get("tenant")),
                row.get("replica", self._name) != self._name,
            )
            for row in rows
            if row["id"] not in seen
        ]


def _highest(connection: Connection) -> dict[str, int]:
    tables = [table for table in METADATA.sorted_tables if table.autoincrement_column is not None]
    numbers = (func.coalesce(select(func.max(table.c.id)).scalar_subquery(), 0) for table in tables)
    row = connection.execute(select(*numbers)).one()
    return dict(zip((table.name for table in tables), map(int, row), strict=True))
