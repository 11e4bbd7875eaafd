"""From what a database says to one sentence for its operator."""

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


class UnwritableError(StoreError):
    """The batch itself is at fault: writing it again will not help."""


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn what goes wrong inside into a StoreError that calls the store `name`; it holds no secret."""
    try:
        yield
    except (DataError, IntegrityError, InterfaceError) as error:
        raise UnwritableError(f"{name}: the database refuses the values; {_original(error)}") from error
    except DBAPIError as error:
        raise StoreError(f"{name}: {_sentence(error.orig)}") from error
    except StatementError as error:
        raise UnwritableError(f"{name}: a value has no form in the database; {_original(error)}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{name}: {type(error).__name__}; see store.url") from error
    except sqlite3.Error as error:
        raise StoreError(f"{name}: {_sentence(error)}") from error
    except OSError as error:
        raise StoreError(f"{name}: {error.strerror or error}; see file, directory and permissions") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UnwritableError(f"{name}: a value has no form in the database; {error}") from error


def _sentence(error: BaseException | None) -> str:
    code = getattr(error, "sqlite_errorname", "")
    for start, sentence in _SENTENCES.items():
        if code.startswith(start):
            return sentence
    return f"the database says {str(error)!r}; if that stays, move the file away and start again"


def _original(error: StatementError) -> str:
    # The statement and its parameters stay out of the text: they may hold what a vendor said.
    return str(error.orig)
