"""The store on a SQL database: see exporter/core/store.py for what it keeps."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Delete, Engine, Table, bindparam, delete, func, insert, select

from exporter.core.errors import StoreError
from exporter.core.store import (
    ALL,
    Batch,
    Failure,
    Filter,
    Page,
    Snapshot,
    StateChange,
    Statistic,
    Subject,
    Window,
)
from exporter.store import lists
from exporter.store.connect import WRITES, identity, migrate, open_engine, parse, redacted_url
from exporter.store.errors import translated
from exporter.store.owner import Ownership
from exporter.store.rollup import DAY, fold_an_hour
from exporter.store.rows import (
    TableRow,
    change_of,
    change_row,
    failure_of,
    failure_row,
    snapshot_of,
    snapshot_row,
)
from exporter.store.tables import FAILURE, RETAINED, STATE_CHANGE, TARGET_STATE
from exporter.store.upserts import add_summaries, replace

T = TypeVar("T", Snapshot, StateChange, Failure)

PORTION = 2000
"""Rows that retention deletes in one transaction, so that writes need not wait long."""

_FORGET = delete(TARGET_STATE).where(
    TARGET_STATE.c.integration == bindparam("gone_integration"),
    TARGET_STATE.c.tenant == bindparam("gone_tenant"),
)


class SqlStore:
    """Keeps state in the database at `url`, a SQLAlchemy URL; it may be used from several threads.

    Replicas may share a PostgreSQL database. The state of a target is whatever one of them saw last, since
    all of them look at the same thing; changes and failures are kept as each of them saw them, by the name
    of the `replica` (the host's, unless given); summaries are added up.
    """

    def __init__(self, url: str, replica: str = "") -> None:
        """Take `url` apart; raises StoreError when this version has no use for it. Nothing is opened yet."""
        self._url = parse(url)
        self._engine: Engine | None = None
        self._opening = Lock()
        self._ownership = Ownership(self._url)
        self._file: tuple[int, int] | None = None
        self._replica = replica or socket.gethostname()
        self.name = f"store {redacted_url(self._url)}"

    @property
    def shared(self) -> bool:
        """Whether another exporter had the same SQLite file when we last wrote."""
        return self._ownership.shared

    def open(self) -> None:
        """Open the database, make it where there is none, and bring its tables up to date.

        May be called again after a failure: everything is then opened anew, in case a file has another one in
        its place, or a server has been restored from a backup.
        """
        with translated(self.name), self._opening:
            engine = open_engine(self._url)
            try:
                migrate(engine)
            except BaseException:
                engine.dispose()
                raise
            self._ownership.take()
            self._file = identity(self._url)
            old, self._engine = self._engine, engine
            if old is not None:
                old.dispose()

    def load(self) -> list[Snapshot]:
        """Return the state of every target; a row that cannot be read is left out and told on the log."""
        with self._reading() as connection:
            return self._understood(lists.fetch(connection, select(TARGET_STATE)), snapshot_of)

    def write(self, batch: Batch) -> None:
        """Write `batch` in one transaction: all of it or nothing."""
        if self._engine is not None and identity(self._url) != self._file:
            # SQLite would go on writing into a file that nobody finds again.
            raise StoreError(f"{self.name}: the file was moved or removed; the next attempt makes a new one")
        with self._writing() as connection:
            gone = sorted(batch.forget - batch.snapshots.keys())
            _many(connection, _FORGET, [{"gone_integration": i, "gone_tenant": t} for i, t in gone])
            replace(connection, TARGET_STATE, [snapshot_row(state) for state in batch.snapshots.values()])
            _many(connection, insert(STATE_CHANGE), self._signed(map(change_row, batch.changes)))
            _many(connection, insert(FAILURE), self._signed(map(failure_row, batch.failures)))
            add_summaries(connection, batch.summaries)

    def changes(self, chosen: Filter = ALL, *, limit: int = 100) -> Page[StateChange]:
        """Return a page of state changes, the newest first."""
        with self._reading() as connection:
            rows, after = lists.newest(connection, STATE_CHANGE, chosen, limit)
        return Page(self._understood(rows, change_of), after)

    def failures(self, chosen: Filter = ALL, *, limit: int = 100) -> Page[Failure]:
        """Return a page of failed runs, the newest first."""
        with self._reading() as connection:
            rows, after = lists.newest(connection, FAILURE, chosen, limit)
        return Page(self._understood(rows, failure_of), after)

    def statistics(self, window: Window, *, limit: int = 100, offset: int = 0) -> list[Statistic]:
        """Return what checks came to, the subject with the least uptime first."""
        with self._reading() as connection:
            return lists.statistics(connection, window, limit, offset)

    def reasons(self, window: Window) -> dict[Subject, dict[str, int]]:
        """Return how many runs failed for which reason, by subject; without those that never failed."""
        with self._reading() as connection:
            return lists.reasons(connection, window)

    def retain(self, seconds: dict[str, float], now: float) -> int:
        """Delete a portion of the rows that are older than their table's retention; return how many.

        Summaries of hours are made into days, an hour at a time; these rows count as deleted, too.
        Whoever calls goes on until nothing was deleted, with writes in between. `seconds` goes by the keys
        of `store.retention`; keys of tables that this store lacks are passed over.
        """
        deleted = 0
        for key, tables in RETAINED.items():
            if key in seconds:
                deleted += sum(self._delete_before(table, now - seconds[key]) for table in tables)
        with self._writing() as connection:
            return deleted + fold_an_hour(connection, now)

    def close(self) -> None:
        """Let go of files and connections."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with translated(self.name):
                engine.dispose()
        self._ownership.release()

    def _delete_before(self, table: Table, moment: float) -> int:
        with self._writing() as connection:
            return connection.execute(_expired(table, moment)).rowcount

    def _signed(self, rows: Iterable[TableRow]) -> list[TableRow]:
        return [{**row, "replica": row["replica"] or self._replica} for row in rows]

    def _understood(self, rows: list[TableRow], make: Callable[[TableRow], T]) -> list[T]:
        """Return the records of `rows`; one that a newer version wrote must not cost all the others."""
        found: list[T] = []
        for row in rows:
            with suppress(ValueError, TypeError, KeyError):
                found.append(make(row))
        if unread := len(rows) - len(found):
            structlog.get_logger(__name__).warning(
                "stored rows cannot be read", count=unread, store=self.name
            )
        return found

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(self.name), self._connected() as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._ownership.take()  # who had it may be gone
        with (
            translated(self.name),
            self._connected().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def _connected(self) -> Connection:
        if self._engine is None:
            raise StoreError(f"{self.name}: it is not open")
        return self._engine.connect()


def _expired(table: Table, moment: float) -> Delete:
    """Return what deletes a portion of the rows of `table` from before `moment`: so many rows, or an hour."""
    if "hour" in table.c:
        # Its row may stand for the whole day that begins with it.
        oldest = select(func.min(table.c.hour)).where(table.c.hour < moment - DAY)
        return delete(table).where(table.c.hour == oldest.scalar_subquery())
    old = select(table.c.id).where(table.c.at < moment).limit(PORTION)
    return delete(table).where(table.c.id.in_(old))


def _many(connection: Connection, statement: Any, rows: list[TableRow]) -> None:
    if rows:
        connection.execute(statement, rows)
