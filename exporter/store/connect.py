"""From `store.url` to a database that is ready to be used."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from exporter.core.errors import StoreError

LOCK_WAIT = 5.0
"""Seconds that a statement waits for another process's lock."""

LOG_PAGES = 16_000
"""Pages of SQLite's log (64 MB) after which a commit copies them all the same, where nobody else did."""

PAGES = "exporter_log_pages"
"""Execution option of a connection: the pages of the log after which its commits copy them."""

WRITES = "exporter_writes"
"""Execution option of a connection whose transactions write."""


WANTED = "write sqlite:///integration-exporter.db or postgresql://user@host/database"


def parse(url: str) -> URL:
    """Return `url` taken apart; raises StoreError, which quotes nothing of it, when it is of no use."""
    try:
        found = make_url(url)
    except ArgumentError:
        raise StoreError(f"store.url is not a URL; {WANTED}") from None
    if found.drivername in ("postgresql", "postgresql+psycopg"):
        if not found.database:
            raise StoreError("store.url names no database; write postgresql://user@host/database")
        return found.set(drivername="postgresql+psycopg")
    if found.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(f"store.url names a database that is not supported; {WANTED}")
    if found.database in (None, "", ":memory:") or str(found.database).startswith("file:"):
        raise StoreError("store.url names no file; write sqlite:///integration-exporter.db")
    return found


def redacted_url(url: URL) -> str:
    """Return what an operator knows the database by: never who signs in, nor how."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host", "the local socket")
    return f"postgresql {host}{f':{url.port}' if url.port else ''}/{url.database}"


def open_engine(url: URL) -> Engine:
    """Return an engine for `url`; no server is contacted yet, but a file is made where there is none."""
    if url.get_backend_name() == "sqlite":
        return _file(url)
    # psycopg and libpq take as long to load as --help may take in all.
    from exporter.store import postgres

    return postgres.open_engine(url)


def _file(url: URL) -> Engine:
    """Return an engine for a file, which is made for its owner alone."""
    path = Path(str(url.database))
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the directory {path.parent} does not exist; make it, or change store.url")
    if path.is_dir():
        raise StoreError(f"{path}: it is a directory; name a file in store.url")
    if not path.exists():
        # SQLite gives its journals the mode of the file.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def identity(url: URL) -> tuple[int, int] | None:
    """Return what distinguishes the file of `url` from another one at its place, None without a file."""
    if not url.drivername.startswith("sqlite"):
        return None
    try:
        found = os.stat(str(url.database))  # noqa: PTH116 - each commit asks, and a Path costs more than the call
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: Any, _record: object) -> None:
    # The driver's own transactions begin too late: not before CREATE TABLE, and without the write lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
        # In WAL mode the level NORMAL may lose the last commits when power fails
        # (sqlite.org/pragma.html), and a token that was written must be there.
        cursor.execute("PRAGMA synchronous=FULL")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once if another one wrote meanwhile.
    options = connection.get_execution_options()
    pages = options.get(PAGES)
    # By the driver itself: each commit begins here.
    driver: Any = connection.connection.driver_connection
    if pages and connection.info.get(PAGES) != pages:  # it stays set, and costs each commit a statement
        driver.execute(f"PRAGMA wal_autocheckpoint={pages:d}").close()
        connection.info[PAGES] = pages
    driver.execute("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")
