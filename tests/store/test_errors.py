"""What an operator reads when a database fails: one whole sentence for each way, with its remedy."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from exporter.core.errors import StoreError
from exporter.store.errors import UnwritableError, translated

FILE = {
    "SQLITE_FULL": "the disk is full; free some space, what is pending is then written",
    "SQLITE_IOERR_WRITE": "the disk refuses to read or write; see its health, free space and quota",
    "SQLITE_BUSY_SNAPSHOT": "another process holds it locked; let only one exporter use the file",
    "SQLITE_LOCKED_SHAREDCACHE": "another connection holds it locked; let only one exporter use the file",
    "SQLITE_READONLY_DBMOVED": "it cannot be written to; let the exporter's user write to file and directory",
    "SQLITE_CANTOPEN_ISDIR": "it cannot be opened; let the exporter's user write to file and directory",
    "SQLITE_PERM": "it cannot be opened; give the exporter's user read and write permission",
    "SQLITE_NOTADB": "it is no SQLite database; move it and its -wal file away, then a new one is made",
    "SQLITE_CORRUPT_INDEX": "it is damaged; restore a backup, or move it and its -wal file away",
    "SQLITE_TOOBIG": "a value is too large for it",
    "SQLITE_ERROR": "the database says 'its own words'; if that stays, move the file away and start again",
}
"""By the extended names of SQLite's result codes (sqlite.org/rescode.html)."""

SERVER = {
    "08006": "it does not answer; see whether the server runs, and the network to it",
    "25006": "the server only reads, as a standby does; name the primary in store.url",
    "28P01": "it refuses the user; see user and password in store.url, and the server's pg_hba.conf",
    "3D000": "the database does not exist; make it: CREATE DATABASE",
    "40P01": "another transaction was in the way; it is tried again",
    "42501": "the user may not do that; GRANT CREATE, USAGE ON SCHEMA public, or let it own the tables",
    "42P01": "a table is missing; restore it, or empty alembic_version so that all are made again",
    "53100": "the server's disk is full; free some space, what is pending is then written",
    "53300": "the server has no connection left; raise max_connections, or let others use fewer",
    "53200": "the server lacks memory, disk or connections; see its log",
    "55P03": "another session holds a lock for too long; see pg_locks",
    "57014": "the server gave the statement up, it took too long; see its load",
    "57P01": "the server is shutting down or starting up; what is pending is written when it is back",
    "58030": "the server's disk refuses to read or write; see its log",
    "XX001": "the server found itself damaged; see its log",
    "0A000": "the server says 'its own words'",
}
"""By SQLSTATE (PostgreSQL documentation, appendix A)."""

DOWN = SERVER["08006"]
PLANTED = {"detail": "planted"}


def sentence(error: Exception) -> tuple[str, bool]:
    """Return what is said of `error`, and whether the batch is at fault."""
    with pytest.raises(StoreError) as caught, translated("store x"):
        raise error
    assert caught.value.__cause__ is error
    return str(caught.value), isinstance(caught.value, UnwritableError)


def of_file(name: str) -> sqlite3.OperationalError:
    made = sqlite3.OperationalError("its own words")
    made.sqlite_errorname = name
    return made


def wrapped(
    original: Exception, kind: type[DBAPIError] = OperationalError, *, cut: bool = False
) -> DBAPIError:
    return kind("INSERT INTO x VALUES (:detail)", PLANTED, original, connection_invalidated=cut)


@pytest.mark.parametrize("code", FILE)
def test_a_file_that_fails_is_reported_with_its_remedy_and_tried_again(code: str) -> None:
    said = f"store x: {FILE[code]}"
    assert sentence(wrapped(of_file(code))) == (said, False)
    assert sentence(of_file(code)) == (said, False), "also where the driver says it itself"


@pytest.mark.parametrize("state", SERVER)
def test_a_server_that_fails_is_reported_with_its_remedy_and_tried_again(state: str) -> None:
    said = psycopg.errors.lookup(state)("  its own words\nplanted lines below\n")
    assert sentence(wrapped(said)) == (f"store x: {SERVER[state]} (SQLSTATE {state})", False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('FATAL:  password authentication failed for user "app"', f"{SERVER['28P01']} (SQLSTATE 28000)"),
        ("fe_sendauth: no password supplied", f"{SERVER['28P01']} (SQLSTATE 28000)"),
        ("FATAL:  no pg_hba.conf entry for host", f"{SERVER['28P01']} (SQLSTATE 28000)"),
        ('FATAL:  database "x" does not exist', f"{SERVER['3D000']} (SQLSTATE 3D000)"),
        ("connection refused\nmore", f"{DOWN} (connection refused)"),
        ("x" * 400, f"{DOWN} ({'x' * 300})"),
        ("", f"{DOWN} ()"),
    ],
)
def test_a_connection_that_is_refused_without_a_code_is_reported_by_its_first_line(
    words: str, said: str
) -> None:
    assert sentence(wrapped(psycopg.OperationalError(words))) == (f"store x: {said}", False)


@pytest.mark.parametrize("kind", [DataError, IntegrityError, InterfaceError])
def test_values_that_are_refused_are_the_batchs_fault_unless_the_connection_was_cut(
    kind: type[DBAPIError],
) -> None:
    original = psycopg.DataError("out of range")
    refused = "store x: the database refuses the values; out of range"
    assert sentence(wrapped(original, kind)) == (refused, True)
    assert sentence(wrapped(original, kind, cut=True)) == (f"store x: {DOWN} (out of range)", False)


@pytest.mark.parametrize("kind", [sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError])
def test_values_that_a_file_refuses_are_the_batchs_fault(kind: type[sqlite3.Error]) -> None:
    assert sentence(kind("too big")) == ("store x: the database refuses the values; too big", True)


@pytest.mark.parametrize(
    "error", [TypeError("odd"), ValueError("odd"), OverflowError("odd"), RecursionError("odd")]
)
def test_a_value_that_no_database_holds_is_the_batchs_fault(error: Exception) -> None:
    said = "store x: a value has no form in the database; odd"
    assert sentence(error) == (said, True)
    assert sentence(StatementError("planted", "INSERT", PLANTED, error)) == (said, True)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PoolTimeout("QueuePool limit"), "every connection is in use by something slow; see its load"),
        (ArgumentError("planted"), "ArgumentError; see store.url"),
        (OSError(13, "Permission denied"), "Permission denied; see file, directory and permissions"),
        (OSError("no number"), "no number; see file, directory and permissions"),
    ],
)
def test_what_goes_wrong_around_the_database_is_reported_and_tried_again(error: Exception, said: str) -> None:
    assert sentence(error) == (f"store x: {said}", False)


def test_an_error_of_the_store_itself_and_a_mistake_in_the_program_pass_as_they_are() -> None:
    for error in (StoreError("as it is"), KeyError("a mistake")):
        with pytest.raises(type(error)) as caught, translated("store x"):
            raise error
        assert caught.value is error
