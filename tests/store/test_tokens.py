"""Tokens in the store and in a platform's own database: what is kept, who has the turn, what may be read."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine

from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.store import Filter, Page
from exporter.core.token import NEVER, SqlTokens, TokenEvent, TokenSet
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.sql_tokens import SqlTokenSource
from exporter.store.subjects import tokens as rules
from exporter.store.subjects.token_log import TokenLogBatch
from exporter.store.tokens import TokenStore
from tests.servers.postgres import Cluster
from tests.store.queries import token_log_of

LABELS = ("calendar", "acme", "google_calendar")
HELD = TokenSet(
    access=Secret("planted-access"),
    refresh=Secret("planted-refresh"),
    expiry=1.8e9,
    refresh_expiry=1.9e9,
    obtained=1.7e9,
    scopes=frozenset({"a", "b"}),
    rotates=True,
)
KEYS = tuple(Secret(Fernet.generate_key().decode()) for _ in range(3))


@pytest.fixture(scope="module")
def shared(server: Cluster) -> Iterator[str]:
    """A database with the tables of the store, for all tests: making one takes longer than any of them."""
    server.admin("CREATE DATABASE shared OWNER app")
    url = f"postgresql://app:app-password@127.0.0.1:{server.port}/shared?sslmode=require"
    whole = Database(url)
    whole.open()
    whole.close()
    yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        found: str = request.getfixturevalue("shared")
        run(found, "DELETE FROM token", "DELETE FROM token_log")
        return found
    made = f"sqlite:///{tmp_path / 'state.db'}"
    whole = Database(made)
    whole.open()
    whole.close()
    return made


@pytest.fixture
def store(url: str) -> Iterator[TokenStore]:
    made = TokenStore(Database(url), Seals(KEYS[:1]))
    yield made
    made.database.close()


def run(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def texts(url: str) -> str:
    """Return all that the table of tokens says, as somebody with the disk would read it."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = str(connection.exec_driver_sql("SELECT * FROM token").all())
    engine.dispose()
    return found


def test_what_was_kept_comes_back_whole_and_is_unreadable_on_the_disk(store: TokenStore, url: str) -> None:
    assert store.read("a") is None
    store.keep("a", LABELS, HELD)
    found = store.read("a")
    assert found is not None and (found.held, found.pending) == (HELD, False)
    odd = TokenSet(access=Secret("x"), expiry=NEVER, implausible=True, refused=True, obtained=2e9)
    store.keep("a", LABELS, odd)
    found = store.read("a")
    assert found is not None and found.held == odd
    assert "planted" not in texts(url) and "acme" in texts(url)


def test_older_tokens_never_take_the_place_of_newer_ones(store: TokenStore) -> None:
    store.keep("a", LABELS, HELD)
    store.keep("a", LABELS, replace(HELD, refresh=Secret("late"), obtained=1.6e9))
    found = store.read("a")
    assert found is not None and found.held.refresh == HELD.refresh


@pytest.mark.parametrize(
    ("first", "second", "newer"),
    [
        (1.7e9, 1.7e9, True),
        (1.7e9, 1.7e9 - 1, False),
        (None, 1.0, True),
        (1.0, None, False),
        (None, None, True),
    ],
)
def test_of_two_tokens_the_later_word_stands_unless_it_is_known_to_be_older(
    store: TokenStore, first: float | None, second: float | None, newer: bool
) -> None:
    store.keep("a", LABELS, replace(HELD, refresh=Secret("first"), obtained=first))
    store.keep("a", LABELS, replace(HELD, refresh=Secret("second"), obtained=second))
    found = store.read("a")
    assert found is not None and found.held.refresh.reveal() == ("second" if newer else "first")


@pytest.mark.parametrize("portion", [1, 2, 5, 6])
def test_an_exchange_of_keys_reaches_every_row_whatever_the_portion(
    store: TokenStore, url: str, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    monkeypatch.setattr(rules, "PORTION", portion)
    for name in "abcde":
        store.keep(name, LABELS, HELD)
    store.lease("without-tokens", LABELS, "owner")
    both = TokenStore(Database(url), Seals((KEYS[1], KEYS[0])))
    assert (both.encrypt_again(), both.encrypt_again()) == (5, 0)
    both.database.close()
    new = TokenStore(Database(url), Seals(KEYS[1:2]))
    assert [found and found.held for found in map(new.read, "abcde")] == [HELD] * 5
    none = TokenStore(Database(url), Seals(()))
    assert none.encrypt_again() == 0
    for one in (new, none):
        one.database.close()


def test_one_at_a_time_has_the_lease_and_a_dead_owner_loses_it(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = store.owner(), store.owner()
    assert store.lease("a", LABELS, first) == (True, None)
    assert store.lease("a", LABELS, second) == (False, None)
    store.release("a", second)
    assert not store.lease("a", LABELS, second)[0], "only its owner gives it back"
    store.release("a", first)
    monkeypatch.setattr(rules, "LEASE", -1.0)
    assert store.lease("a", LABELS, second)[0]
    monkeypatch.undo()
    assert store.lease("a", LABELS, first)[0], "a lease that ran out is free"


def test_many_who_want_the_lease_at_once_leave_it_to_one(store: TokenStore) -> None:
    got: list[bool] = []
    store.lease("a", LABELS, "nobody")
    store.release("a", "nobody")

    def take() -> None:
        got.append(store.lease("a", LABELS, store.owner())[0])

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == [False] * 5 + [True]


def test_many_who_come_first_at_once_make_one_row_and_no_error(store: TokenStore) -> None:
    def each(number: int) -> tuple[bool, bool]:
        together.wait()
        first = store.lease(f"new{number % 3}", LABELS, f"owner{number}")[0]
        together.wait()
        store.keep(f"kept{number % 3}", LABELS, replace(HELD, obtained=float(number)))
        together.wait()
        store.release(f"new{number % 3}", f"owner{number}")  # while others still look at it
        return first, store.lease(f"new{number % 3}", LABELS, f"owner{number}")[0]

    for _ in range(5):
        together = threading.Barrier(6)
        with ThreadPoolExecutor(6) as pool:
            first, _again = zip(*pool.map(each, range(6)), strict=True)
        assert sum(first) == 3, "one for each name"
        for number in range(3):
            kept = store.read(f"kept{number}")
            assert kept is not None
            assert kept.held is not None
            assert kept.held.obtained == number + 3, "the newest"
        for name in ("new0", "new1", "new2", "kept0", "kept1", "kept2"):
            store.settle(name)


def test_keys_are_exchanged_without_losing_a_token(store: TokenStore, url: str) -> None:
    store.keep("a", LABELS, HELD)
    both = TokenStore(Database(url), Seals((KEYS[1], KEYS[0])))
    assert both.read("a") is not None
    assert (both.encrypt_again(), both.encrypt_again()) == (1, 0)
    both.database.close()
    new = TokenStore(Database(url), Seals(KEYS[1:2]))
    found = new.read("a")
    assert found is not None and found.held == HELD
    new.database.close()
    with pytest.raises(StoreError, match=r"none of .* fits") as caught:
        store.read("a")
    assert KEYS[0].reveal() not in str(caught.value)


def test_tokens_that_nothing_asked_for_in_a_year_are_deleted(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.keep("a", LABELS, HELD)
    assert store.drop_unseen() == 0
    monkeypatch.setattr(rules, "UNSEEN", -1.0)
    assert store.drop_unseen() == 1
    assert store.read("a") is None


def test_without_keys_nothing_secret_is_stored(url: str, store: TokenStore) -> None:
    none = TokenStore(Database(url), Seals(()))
    assert not none.keeps_secrets
    with pytest.raises(StoreError, match=r"no .*token_keys is configured"):
        none.keep("a", LABELS, HELD)
    none.database.close()
    assert texts(url) == "[]"


def test_a_journal_is_pending_until_it_is_settled(store: TokenStore) -> None:
    store.keep("sql:a", LABELS, HELD, before="mark")
    found = store.read("sql:a")
    assert found is not None and (found.pending, found.before) == (True, "mark")
    store.settle("sql:a")
    assert store.read("sql:a") is None


def test_the_log_is_read_by_target_result_and_page_the_newest_first(url: str) -> None:
    events = [
        TokenEvent(
            float(at), "calendar", f"t{at % 2}", "made", "access", "user:ann", "refresh", "ok", "", 0.1
        )
        for at in range(10)
    ]
    failed = TokenEvent(99.0, "ads", "t0", "made", "access", "exporter", "refresh", "failed", "timeout", 20.0)
    database = Database(url)
    database.open()
    database.write([TokenLogBatch([*events, failed])])
    assert token_log_of(database, limit=1).rows == [failed]
    first = token_log_of(database, Filter("calendar", "t1"), limit=1)
    assert ([one.at for one in first.rows], first.next is None) == ([9.0], False)
    second = token_log_of(database, Filter("calendar", "t1", after=first.next), limit=2)
    assert [one.at for one in second.rows] == [7.0, 5.0]
    assert token_log_of(database, Filter(result="failed")) == Page([failed])
    assert token_log_of(database, Filter(tenants={"t0"}, until=2.0)) == Page([events[0]])
    assert token_log_of(database, Filter(since=100.0)) == Page([])
    database.close()


def test_a_store_that_nobody_opened_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not open"):
        TokenStore(Database(f"sqlite:///{tmp_path / 'none.db'}"), Seals(KEYS)).read("a")
    assert not (tmp_path / "none.db").exists()


SELECT = "SELECT access_token, refresh_token, expires_at FROM connection WHERE tenant = :tenant"
UPDATE = (
    "UPDATE connection SET access_token = :access_token, refresh_token = :refresh_token,"
    " expires_at = to_timestamp(CAST(:expires_at AS double precision)) WHERE tenant = :tenant"
)
ACME = {"tenant": "acme", "integration": "calendar"}


@pytest.fixture
def platform(shared: str) -> str:
    run(
        shared,
        "DROP TABLE IF EXISTS connection",
        "CREATE TABLE connection"
        " (tenant text, access_token text, refresh_token text, expires_at timestamptz)",
        "INSERT INTO connection VALUES ('acme', 'planted-a', 'planted-r', to_timestamp(1800000000)),"
        " ('twice', '', 'x', NULL), ('twice', '', 'y', NULL), ('odd', 'a', NULL, to_timestamp(1)),"
        " ('new', NULL, 'planted-first', NULL)",
    )
    return shared


def source(url: str, select: str = SELECT, update: str = UPDATE) -> SqlTokenSource:
    return SqlTokenSource(SqlTokens(Secret(url), select, update))


def test_a_row_is_read_and_written_back(platform: str) -> None:
    made = source(platform)
    held = made.read(ACME)
    assert held == TokenSet(Secret("planted-a"), Secret("planted-r"), 1.8e9)
    row = made.lock(ACME)
    row.write(replace(HELD, expiry=1.85e9))
    row.close()
    assert made.read(ACME) == TokenSet(HELD.access, HELD.refresh, 1.85e9)
    assert made.read({**ACME, "tenant": "nobody"}) is None
    first = made.read({**ACME, "tenant": "new"})
    assert first is not None and (first.access, first.expiry) == (Secret(""), None)
    odd = made.read({**ACME, "tenant": "odd"})
    assert odd is not None and odd.implausible and odd.expiry is None
    made.close()


def test_a_locked_row_makes_others_wait_and_shows_them_what_was_written(platform: str) -> None:
    made, seen = source(platform), []
    row = made.lock(ACME)

    def wait() -> None:
        other = made.lock(ACME)
        seen.append(other.held)
        other.close()

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and not seen
    row.write(HELD)
    row.close()
    thread.join(60)
    assert seen[0] is not None and seen[0].refresh == HELD.refresh
    made.close()


@pytest.mark.parametrize(
    ("select", "update", "tenant", "words"),
    [
        (SELECT, UPDATE, "twice", "several rows"),
        (SELECT.replace("access_token, refresh_token", "tenant"), UPDATE, "acme", "neither access_token"),
        (SELECT.replace("connection", "nothing"), UPDATE, "acme", "UndefinedTable (42P01)"),
        (SELECT, UPDATE.replace("= :tenant", "= 'x' || :tenant"), "acme", "changed 0 rows"),
        (SELECT, UPDATE.replace("WHERE", "WHERE 1/0 = 1 AND"), "acme", "DivisionByZero (22012)"),
    ],
)
def test_what_goes_wrong_in_the_platforms_database_is_reported_without_any_value(
    platform: str, select: str, update: str, tenant: str, words: str
) -> None:
    made = source(platform, select, update)
    with pytest.raises(StoreError) as caught:
        row = made.lock({**ACME, "tenant": tenant})
        try:
            row.write(HELD)
        finally:
            row.close()
    assert words in str(caught.value)
    assert "planted" not in str(caught.value) and "password" not in str(caught.value)
    made.close()


def test_a_database_that_cannot_be_reached_is_reported_without_its_password() -> None:
    made = source("postgresql://app:planted-password@127.0.0.1:9/x")
    with pytest.raises(StoreError, match="OperationalError") as caught:
        made.read(ACME)
    assert "planted" not in str(caught.value)
    made.close()


def test_a_file_of_sqlite_may_have_the_tokens_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'app.db'}"
    run(
        url,
        "CREATE TABLE connection (tenant, access_token, refresh_token, expires_at)",
        "INSERT INTO connection VALUES ('acme', 'a', 'r', '2027-01-15T08:00:00+00:00')",
    )
    update = "UPDATE connection SET access_token = :access_token, refresh_token = :refresh_token"
    made = source(url, SELECT, update)
    row = made.lock(ACME)
    assert row.held is not None and row.held.expiry == 1.8e9
    row.write(HELD)
    row.close()
    found = made.read(ACME)
    assert found is not None and found.refresh == HELD.refresh
    made.close()
