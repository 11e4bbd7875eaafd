"""From what a database says to one sentence for its operator."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from exporter.core.errors import StoreError

_SENTENCES = {
    "SQLITE_FULL": "the disk is full; free some space, what is pending is then written",
    "SQLITE_IOERR": "the disk refuses to read or write; see its health, free space and quota",
    "SQLITE_BUSY": "another process holds it locked; let only one exporter use the file",
    "SQLITE_LOCKED": "another connection holds it locked; let only one exporter use the file",
    "SQLITE_READONLY": "it cannot be written to; let the exporter's user write to file and directory",
    "SQLITE_CANTOPEN": "it cannot be opened; let the exporter's user write to file and directory",
    "SQLITE_PERM": "it cannot be opened; give the exporter's user read and write permission",
    "SQLITE_NOTADB": "it is no SQLite database; move it and its -wal file away, then a new one is made",
    "SQLITE_CORRUPT": "it is damaged; restore a backup, or move it and its -wal file away",
    "SQLITE_TOOBIG": "a value is too large for it",
}


_STATES = {
    "08": "it does not answer; see whether the server runs, and the network to it",
    "25006": "the server only reads, as a standby does; name the primary in store.url",
    "28": "it refuses the user; see user and password in store.url, and the server's pg_hba.conf",
    "3D000": "the database does not exist; make it: CREATE DATABASE",
    "40": "another transaction was in the way; it is tried again",
    "42501": "the user may not do that; GRANT CREATE, USAGE ON SCHEMA public, or let it own the tables",
    "42P01": "a table is missing; restore it, or empty alembic_version so that all are made again",
    "53100": "the server's disk is full; free some space, what is pending is then written",
    "53300": "the server has no connection left; raise max_connections, or let others use fewer",
    "53": "the server lacks memory, disk or connections; see its log",
    "55P03": "another session holds a lock for too long; see pg_locks",
    "57014": "the server gave the statement up, it took too long; see its load",
    "57P": "the server is shutting down or starting up; what is pending is written when it is back",
    "58": "the server's disk refuses to read or write; see its log",
    "XX": "the server found itself damaged; see its log",
}
"""By the start of SQLSTATE (PostgreSQL documentation, appendix A); the longest that fits applies."""


class UnwritableError(StoreError):
    """The batch itself is at fault: writing it again will not help."""


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn what goes wrong inside into a StoreError that calls the store `name`; it holds no secret."""
    try:
        yield
    except (DataError, IntegrityError, InterfaceError) as error:
        # Drivers report a connection that broke by these classes too; SQLAlchemy knows which it was.
        if error.connection_invalidated:
            raise StoreError(f"{name}: {_sentence(error.orig)}") from error
        raise UnwritableError(f"{name}: the database refuses the values; {_original(error)}") from error
    except DBAPIError as error:
        raise StoreError(f"{name}: {_sentence(error.orig)}") from error
    except StatementError as error:
        raise UnwritableError(f"{name}: a value has no form in the database; {_original(error)}") from error
    except PoolTimeout as error:
        raise StoreError(f"{name}: every connection is in use by something slow; see its load") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{name}: {type(error).__name__}; see store.url") from error
    # What goes to the driver as text (store/driver_sql.py) comes back as the driver's own.
    except (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError) as error:
        raise UnwritableError(f"{name}: the database refuses the values; {error}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{name}: {_sentence(error)}") from error
    except OSError as error:
        raise StoreError(f"{name}: {error.strerror or error}; see file, directory and permissions") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UnwritableError(f"{name}: a value has no form in the database; {error}") from error


def _sentence(error: BaseException | None) -> str:
    if not isinstance(error, sqlite3.Error):
        return _of_server(error)
    code = getattr(error, "sqlite_errorname", "")
    for start, sentence in _SENTENCES.items():
        if code.startswith(start):
            return sentence
    return f"the database says {str(error)!r}; if that stays, move the file away and start again"


def _of_server(error: BaseException | None) -> str:
    """Return a sentence for an error of psycopg; the server's own words may be in any language."""
    state = str(getattr(error, "sqlstate", None) or _connection_sqlstate(error))
    fitting = [start for start in _STATES if state.startswith(start)]
    if fitting:
        return f"{_STATES[max(fitting, key=len)]} (SQLSTATE {state})"
    if state:
        return f"the server says {_first_line(error)!r} (SQLSTATE {state})"
    return f"{_STATES['08']} ({_first_line(error)})"


def _connection_sqlstate(error: BaseException | None) -> str:
    """Return the SQLSTATE of a connection that was refused: libpq says it in words alone."""
    text = str(error)
    if re.search(r"authentication failed|no password supplied|pg_hba\.conf", text):
        return "28000"
    return "3D000" if re.search(r'FATAL: +database ".*" does not exist', text) else ""


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]


def _original(error: StatementError) -> str:
    # The statement and its parameters stay out of the text: they may hold what a vendor said.
    return str(error.orig)
