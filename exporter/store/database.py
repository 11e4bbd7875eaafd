"""The one way to the database: it is opened and migrated, and every transaction begins here."""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection, Engine

from exporter.core.changes import ChangeFeed
from exporter.core.errors import StoreError
from exporter.store.batch import Batch
from exporter.store.connect import (
    LOCK_WAIT,
    LOG_PAGES,
    PAGES,
    WRITES,
    identity,
    open_engine,
    parse,
    redacted_url,
)
from exporter.store.errors import translated
from exporter.store.migrate import bring_up_to_date
from exporter.store.owner import Ownership
from exporter.store.retention import retain
from exporter.store.rows import REPLICA
from exporter.store.schema import retentions
from exporter.store.watch import WATCH, WriteWatch, watch_writes

T = TypeVar("T")


@dataclass(frozen=True)
class _Handle:
    """An engine, and the file that it was made for (`identity`)."""

    engine: Engine
    file: tuple[int, int] | None


class Database:
    """The database at `url`, a SQLAlchemy URL, for SQLite or PostgreSQL; several threads may use it.

    Everything blocks and raises StoreError alone: call it off the loop.

    Replicas may share a PostgreSQL database. The state of a target is what one of them saw last, since all of
    them look at the same thing; changes and failures are stored as each of them saw them, by the name of the
    `replica` (the host's, unless given); summaries are added up.

    `feed` says what this process writes to a database that it has opened.
    """

    def __init__(self, url: str, replica: str = "") -> None:
        """Take `url` apart; raises StoreError when this version has no use for it. Nothing is opened yet."""
        self.url = parse(url)
        self.name = f"store {redacted_url(self.url)}"
        self.feed = ChangeFeed()
        self._watch = WriteWatch(self.feed, {rule.table.name for rule in retentions() if rule.key})
        self.replica = replica or socket.gethostname()
        self._ownership = Ownership(self.url)
        self._opening = Lock()
        # A lock of its own for what is below: a thread that opens may wait for minutes.
        self._swapping = Lock()
        # SQLite has one writer; threads of ours that wait for it there would look only now and then.
        self._writing = Lock() if self.url.get_backend_name() == "sqlite" else None
        self._joined: Connection | None = None  # guarded by `_writing`
        self._opened: _Handle | None = None
        self._attached: _Handle | None = None

    @property
    def shared(self) -> bool:
        """Whether another exporter had the same SQLite file when we last wrote; this never blocks."""
        return self._ownership.shared

    @property
    def exclusive(self) -> bool:
        """Whether this process alone writes: it has the lock of a SQLite file."""
        return self._ownership.has_lock

    def open(self) -> None:
        """Open the database, make it where there is none, and bring its tables up to date.

        May be called again after a failure: everything is then opened again, in case another file is in its
        place, or a server has been restored from a backup.
        """
        with translated(self.name), self._opening:
            self._open()

    def open_if_needed(self) -> None:
        """Open the database where it is not open yet, or where another file is in its place."""
        if self._opened is not None and not self.moved:
            return
        with translated(self.name), self._opening:
            # Two threads may come here: the second one finds it open.
            if self._opened is None or self.moved:
                self._open()

    def close(self) -> None:
        """Close files and connections."""
        with translated(self.name):
            with suppress(StoreError), self._write_turn():  # one that hangs keeps its connection
                self._drop_joining()
            self._swap(None)
        self._ownership.release()

    def _open(self) -> None:
        engine = open_engine(self.url)
        try:
            bring_up_to_date(engine)
        except BaseException:
            engine.dispose()
            raise
        watch_writes(engine)
        self._ownership.take()
        self._swap(_Handle(engine, identity(self.url)))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Begin a transaction that reads a database which was opened: all its statements see one state."""
        with self._transaction(self._open_engine, writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Begin a transaction that writes to a database which was opened, and commits at its end."""
        self._ownership.take()  # the exporter that had it may be gone
        with self._transaction(self._open_engine, writes=True) as connection:
            yield connection

    @contextmanager
    def joining(self) -> Iterator[Connection]:
        """Begin a transaction as `writing` does, whose commit leaves SQLite's log to `checkpoint`."""
        self._ownership.take()
        if self._writing is None:
            with self._transaction(self._open_engine, writes=True) as connection:
                yield connection
            return
        with translated(self.name), self._write_turn():
            connection = self._joining_connection()
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                self._drop_joining()
                raise

    def _joining_connection(self) -> Connection:
        """Return a connection that is kept from one joined transaction to the next, while we may write.

        To have one from the pool for each takes as much CPU as what most of them write. A server may have cut
        it meanwhile, which the pool finds out: this is for files.
        """
        engine, kept = self._open_engine(), self._joined
        if kept is None or kept.engine is not engine:
            self._drop_joining()
            kept = engine.connect().execution_options(**self._options(writes=True, log_pages=LOG_PAGES))
            self._joined = kept
        return kept

    def _drop_joining(self) -> None:
        kept, self._joined = self._joined, None
        if kept is not None:
            kept.close()

    def checkpoint(self, *, alone: bool) -> None:
        """Copy SQLite's log into the file, as far as no reader needs it; `alone` while nothing is written."""
        with translated(self.name), self._write_turn() if alone else nullcontext():
            connection = self._open_engine().raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()
            finally:
                connection.close()

    @contextmanager
    def attach(self, *, writes: bool = False) -> Iterator[Connection]:
        """Begin a transaction on the database as it is, also where this process has not opened it.

        Tables are made by `open` alone. A file that has come in the place of another one is followed.
        """
        with self._transaction(self._current_engine, writes=writes) as connection:
            yield connection

    def write(self, batches: Iterable[Batch]) -> None:
        """Write `batches` in one transaction: all of them or nothing."""
        if self.moved:
            # SQLite would go on writing into a file that is no longer at its place.
            raise StoreError(f"{self.name}: the file was moved or removed; the next attempt makes a new one")
        with self.writing() as connection:
            # In one order in all replicas: two that lock the same rows in another order wait for each other.
            # That of the audit, whose one lock all of them need, comes late by its name.
            for batch in sorted(batches, key=lambda batch: type(batch).__name__, reverse=True):
                batch.write(connection)

    def retain(self, seconds: Mapping[str, float], now: float) -> int:
        """Delete a portion of what is older than `seconds` allow, by the keys of `store.retention`.

        Return how many rows went. The caller goes on until none did, with writes in between.
        """
        return retain(self.writing, retentions(), seconds, now)

    def read(self, call: Callable[[Connection], T]) -> T:
        """Return `call(connection)`, made in one transaction."""
        with self.reading() as connection:
            return call(connection)

    @property
    def moved(self) -> bool:
        """Whether the file that was opened is no longer the one at its place."""
        opened = self._opened
        return opened is not None and opened.file != identity(self.url)

    @contextmanager
    def _transaction(self, engine: Callable[[], Engine], *, writes: bool) -> Iterator[Connection]:
        options = self._options(writes=writes)
        if not writes and self.url.get_backend_name() == "postgresql":
            # Else each statement sees what was committed by then: a row that moves is counted twice or never.
            options["isolation_level"] = "REPEATABLE READ"
        with (
            translated(self.name),
            self._write_turn() if writes else nullcontext(),
            engine().connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    def _options(self, *, writes: bool, log_pages: int = 0) -> dict[str, object]:
        return {WRITES: writes, REPLICA: self.replica, PAGES: log_pages, WATCH: self._watch}

    @contextmanager
    def _write_turn(self) -> Iterator[None]:
        """Wait for other writes of this process; StoreError when one of them takes too long."""
        if self._writing is None:
            yield
            return
        if not self._writing.acquire(timeout=LOCK_WAIT):
            raise StoreError(f"{self.name}: another write takes for too long; see its disk")
        try:
            yield
        finally:
            self._writing.release()

    def _open_engine(self) -> Engine:
        """Return the engine of the database that `open` opened."""
        opened = self._opened
        if opened is None:
            raise StoreError(f"{self.name}: it is not open")
        return opened.engine

    def _current_engine(self) -> Engine:
        """Return an engine for what is at the place now: that of `open` where it is the same file."""
        file = identity(self.url)
        if file is None and self.url.get_backend_name() == "sqlite":
            raise StoreError(f"{self.name}: it is not open")
        with self._swapping:
            for handle in (self._opened, self._attached):
                if handle is not None and handle.file == file:
                    return handle.engine
            # SQLite would go on writing into a file that is no longer at its place.
            old, self._attached = self._attached, _Handle(open_engine(self.url), file)
            engine = self._attached.engine
        # Without the lock: others need not wait for files and connections to close.
        _dispose(old)
        return engine

    def _swap(self, opened: _Handle | None) -> None:
        with self._swapping:
            old, self._opened, self._attached = (self._opened, self._attached), opened, None
        for handle in old:
            _dispose(handle)


def _dispose(handle: _Handle | None) -> None:
    if handle is not None:
        handle.engine.dispose()
