"""Tokens in a platform's own table: what its columns may be, what is written back, who waits for whom."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.token import NEVER, SqlTokens, TokenSet
from exporter.store.sql_tokens import LockedRow, SqlTokenSource

ACME = {"tenant": "acme", "integration": "calendar"}
SELECT = "SELECT * FROM connection WHERE tenant = :tenant"
UPDATE = (
    "UPDATE connection SET access_token = :access_token, refresh_token = :refresh_token,"
    " expires_at = :expires_at, refresh_expires_at = :refresh_expires_at"
    " WHERE tenant = :tenant AND :integration = 'calendar'"
)
NEW = TokenSet(Secret("new-access"), Secret("new-refresh"), 1.85e9, 1.95e9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "platform.db"


@pytest.fixture
def source(path: Path) -> Iterator[SqlTokenSource]:
    run(
        path,
        "CREATE TABLE connection"
        " (tenant, access_token, refresh_token, expires_at, refresh_expires_at, scope)",
        "INSERT INTO connection VALUES ('acme', 'a', 'r', NULL, NULL, NULL), ('bolt', 'a', 'r', 1, 1, NULL)",
    )
    made = SqlTokenSource(SqlTokens(Secret(f"sqlite:///{path}"), SELECT, UPDATE))
    yield made
    made.close()


def run(path: Path, statement: str, *more: str, values: tuple[object, ...] = ()) -> list[Any]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        found = connection.execute(statement, values).fetchall()
        for one in more:
            connection.execute(one)
    return found


def other(path: Path, select: str = SELECT, update: str = UPDATE) -> SqlTokenSource:
    return SqlTokenSource(SqlTokens(Secret(f"sqlite:///{path}"), select, update))


def stored(path: Path, tenant: str = "acme") -> tuple[object, ...]:
    query = (
        "SELECT access_token, refresh_token, expires_at, refresh_expires_at FROM connection WHERE tenant = ?"
    )
    (row,) = run(path, query, values=(tenant,))
    return tuple(row)


@pytest.mark.parametrize(
    ("written", "expiry", "implausible"),
    [
        (None, None, False),
        (1_800_000_000, 1.8e9, False),
        (" 1800000000.0 ", 1.8e9, False),
        ("2027-01-15T08:00:00+00:00", 1.8e9, False),
        ("2027-01-15T09:00:00+01:00", 1.8e9, False),
        ("2027-01-15 08:00:00", 1.8e9, False),  # without a zone it is UTC
        ("soon", None, True),
        (1_800_000_000_000, None, True),  # milliseconds
        (1, None, True),
        ("inf", None, True),
        ("nan", None, True),
        ("", None, True),
    ],
)
def test_an_expiry_is_a_number_or_a_moment_in_writing(
    source: SqlTokenSource, path: Path, written: object, expiry: float | None, implausible: bool
) -> None:
    run(path, "UPDATE connection SET expires_at = ? WHERE tenant = 'acme'", values=(written,))
    held = source.read(ACME)
    assert held == TokenSet(Secret("a"), Secret("r"), expiry, implausible=implausible)
    run(path, "UPDATE connection SET refresh_expires_at = expires_at, expires_at = NULL")
    assert source.read(ACME) == TokenSet(Secret("a"), Secret("r"), refresh_expiry=expiry)


@pytest.mark.parametrize(("scope", "scopes"), [("a  b", {"a", "b"}), ("", set()), (None, None), (7, None)])
def test_scopes_are_words_between_spaces(
    source: SqlTokenSource, path: Path, scope: object, scopes: set[str] | None
) -> None:
    run(path, "UPDATE connection SET scope = ?", values=(scope,))
    held = source.read(ACME)
    assert held is not None and held.scopes == scopes


@pytest.mark.parametrize(
    ("columns", "held"),
    [
        ("access_token", TokenSet(Secret("a"))),
        ("refresh_token", TokenSet(refresh=Secret("r"))),
        ("refresh_token AS REFRESH_TOKEN, access_token", TokenSet(Secret("a"), Secret(""))),
    ],
)
def test_one_of_the_two_tokens_is_enough(
    source: SqlTokenSource, path: Path, columns: str, held: TokenSet
) -> None:
    made = other(path, SELECT.replace("*", columns) + " ; \n")
    assert made.read(ACME) == held
    made.close()


@pytest.mark.parametrize(
    ("held", "row"),
    [
        (NEW, ("new-access", "new-refresh", 1.85e9, 1.95e9)),
        (TokenSet(Secret("x")), ("x", None, None, None)),
        (TokenSet(Secret("x"), expiry=NEVER, refresh_expiry=NEVER), ("x", None, None, None)),
    ],
)
def test_what_is_written_stands_in_the_row_and_an_unknown_end_is_null(
    source: SqlTokenSource, path: Path, held: TokenSet, row: tuple[object, ...]
) -> None:
    locked = source.lock(ACME)
    locked.write(held)
    locked.close()
    assert stored(path) == row
    assert stored(path, "bolt") == ("a", "r", 1, 1)


def test_an_update_takes_only_the_values_that_it_names(source: SqlTokenSource, path: Path) -> None:
    made = other(path, update="UPDATE connection SET refresh_token = :refresh_token WHERE tenant = :tenant")
    assert made.takes == {"refresh_token"}
    locked = made.lock(ACME)
    locked.write(NEW)
    locked.close()
    assert stored(path) == ("a", "new-refresh", None, None)
    made.close()


@pytest.mark.parametrize(
    ("select", "update", "said"),
    [
        (
            "SELECT * FROM connection",
            UPDATE,
            "tokens.sql.select finds several rows where it must find one; see its WHERE",
        ),
        (
            SELECT.replace("*", "tenant"),
            UPDATE,
            "tokens.sql.select returns neither access_token nor refresh_token; name its columns so",
        ),
        (
            SELECT.replace("connection", "planted"),
            UPDATE,
            "the database of tokens.sql fails: OperationalError (SQLITE_ERROR)",
        ),
        (
            SELECT,
            UPDATE.split(" WHERE")[0],
            "tokens.sql.update changed 2 rows where it must change one",
        ),
        (
            SELECT,
            UPDATE.replace("'calendar'", "'x'"),
            "tokens.sql.update changed 0 rows where it must change one",
        ),
    ],
)
def test_a_statement_that_does_something_else_changes_nothing_and_is_reported(
    source: SqlTokenSource, path: Path, select: str, update: str, said: str
) -> None:
    made = other(path, select, update)
    with pytest.raises(StoreError) as caught:
        locked = made.lock(ACME)
        try:
            locked.write(NEW)
        finally:
            locked.close()
    assert str(caught.value) == said
    assert (stored(path), stored(path, "bolt")) == (("a", "r", None, None), ("a", "r", 1, 1))
    source.lock(ACME).close()  # the one that failed holds nothing
    made.close()


def test_a_row_that_is_let_go_unwritten_stays_as_it_was(source: SqlTokenSource, path: Path) -> None:
    locked = source.lock(ACME)
    assert locked.held == TokenSet(Secret("a"), Secret("r"))
    locked.close()
    assert stored(path) == ("a", "r", None, None)


def test_who_locks_second_waits_and_sees_what_the_first_wrote_while_readers_wait_for_nobody(
    source: SqlTokenSource, path: Path
) -> None:
    second = other(path)
    locked, found = source.lock(ACME), list[LockedRow]()
    thread = threading.Thread(target=lambda: found.append(second.lock(ACME)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and not found
    assert source.read(ACME) == TokenSet(Secret("a"), Secret("r"))
    locked.write(NEW)
    locked.close()
    thread.join(60)
    assert found[0].held == NEW
    found[0].close()
    second.close()


def test_a_url_of_no_use_is_reported_without_it() -> None:
    with pytest.raises(StoreError) as caught:
        SqlTokenSource(SqlTokens(Secret("planted"), SELECT, UPDATE))
    assert str(caught.value) == "tokens.sql.url is not a URL"


@pytest.mark.parametrize(
    ("select", "locking"),
    [
        ("SELECT 1;", "SELECT 1 FOR UPDATE"),
        ("SELECT 1 for update skip locked", "SELECT 1 for update skip locked"),
    ],
)
def test_a_server_locks_the_row_unless_the_statement_does_so_itself(select: str, locking: str) -> None:
    made = SqlTokenSource(SqlTokens(Secret("postgresql://u@127.0.0.1/x"), select, UPDATE))
    assert str(made.locking) == locking
    made.close()
