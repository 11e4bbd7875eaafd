"""Tokens while their database fails, after an exchange of keys, and after an owner of a lease was killed."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine

from exporter.core.configuration import StoreSettings
from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.store import Page
from exporter.core.token import TokenEvent, TokenSet
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.lifecycle.apply import ConfigurationSwap
from exporter.net.network import LoopNetwork
from exporter.store import connect
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.subjects.token_log import TokenLogBatch
from exporter.store.tokens import TokenStore
from exporter.store.writer import Writer
from tests.clock import HandClock
from tests.servers.postgres import Cluster
from tests.store.queries import token_log_of
from tests.tokens.endpoints import configured
from tests.waiting import PATIENCE

LABELS = ("calendar", "planted-tenant", "google_calendar")
HELD = TokenSet(access=Secret("planted-access"), refresh=Secret("planted-refresh"), obtained=1.7e9)
KEYS = tuple(Secret(Fernet.generate_key().decode()) for _ in range(2))
EVENT = TokenEvent(
    1.0, "calendar", "planted-tenant", "made", "access", "user:planted", "refresh", "ok", "", 0.1
)

READS: dict[str, Callable[[TokenStore], object]] = {
    "read": lambda store: store.read("a"),
    "events": lambda store: token_log_of(store.database),
}
WRITES: dict[str, Callable[[TokenStore], object]] = {
    "lease": lambda store: store.lease("a", LABELS, "owner"),
    "release": lambda store: store.release("a", "owner"),
    "keep": lambda store: store.keep("a", LABELS, HELD),
    "journal": lambda store: store.keep("a", LABELS, HELD, before="planted-mark"),
    "settle": lambda store: store.settle("a"),
    "log": lambda store: store.database.write([TokenLogBatch([EVENT])]),
    "encrypt_again": lambda store: store.encrypt_again(),
    "drop_unseen": lambda store: store.drop_unseen(),
}
CALLS = READS | WRITES


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        made: str = request.getfixturevalue("database")
    else:
        made = f"sqlite:///{tmp_path / 'state.db'}"
    whole = Database(made)
    whole.open()
    whole.close()
    return made


@pytest.fixture
def store(url: str) -> Iterator[TokenStore]:
    made = opened(url)
    made.keep("a", LABELS, HELD)
    yield made
    made.database.close()


def opened(url: str) -> TokenStore:
    database = Database(url)
    database.open()
    return TokenStore(database, Seals(KEYS[:1]))


def run(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def failures(store: TokenStore, calls: dict[str, Callable[[TokenStore], object]]) -> dict[str, str]:
    """Return what each call says; another error than StoreError ends the test."""
    found = {}
    for name, call in calls.items():
        with pytest.raises(StoreError) as caught:
            call(store)
        found[name] = str(caught.value)
    return found


def test_every_call_without_its_table_is_an_error_of_the_store_that_quotes_no_value(
    store: TokenStore, url: str
) -> None:
    # A view of the dashboards reads the log.
    cascade = " CASCADE" if url.startswith("postgresql") else ""
    run(url, "DROP TABLE token", f"DROP TABLE token_log{cascade}")
    for said in failures(store, CALLS).values():
        assert said.startswith("store ")
        assert "planted" not in said and KEYS[0].reveal() not in said and "app-password" not in said


def test_a_file_that_somebody_holds_locked_is_an_error_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "LOCK_WAIT", 0.05)
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = opened(url)
    store.keep("kept", LABELS, HELD)
    with closing(sqlite3.connect(tmp_path / "state.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        for said in failures(store, WRITES).values():
            assert "another process holds it locked" in said and "planted" not in said
        assert store.read("kept") is not None, "reads wait for nobody"
        assert token_log_of(store.database) == Page([])
        other.rollback()
    store.keep("a", LABELS, HELD)
    assert store.read("a") is not None
    store.database.close()


def test_a_server_that_is_gone_is_an_error_of_the_store_and_serves_again_when_it_is_back(
    server: Cluster, database: str
) -> None:
    store = opened(database)
    store.keep("a", LABELS, HELD)
    name = database.rpartition("/")[2].partition("?")[0]
    server.admin(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    server.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    for said in failures(store, CALLS).values():
        assert "planted" not in said and "app-password" not in said
    server.admin(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    assert store.read("a") is not None
    store.database.close()


def test_other_keys_encrypt_from_the_moment_on_that_they_are_exchanged(store: TokenStore, url: str) -> None:
    store.exchange_keys(Seals((KEYS[1], KEYS[0])))
    store.keep("b", LABELS, HELD)
    assert store.read("a") is not None, "the old key decrypts as long as it is there"
    new = TokenStore(Database(url), Seals(KEYS[1:]))
    found = new.read("b")
    assert found is not None and found.held == HELD
    with pytest.raises(StoreError, match=r"none of .* fits"):
        new.read("a")
    new.database.close()


async def test_a_reload_exchanges_the_keys(tmp_path: Path) -> None:
    before, after = (
        replace(configured(), store=StoreSettings(f"sqlite:///{tmp_path / 'state.db'}", token_keys=keys))
        for keys in (KEYS[:1], KEYS[1:])
    )
    whole = Database(before.store.url)
    whole.open()
    network = LoopNetwork()
    writer = Writer(whole)
    store = TokenStore(whole, Seals(before.store.token_keys))
    engine = Engine(network, HandClock(), writer.submit, SelfMetrics(), token_store=store)
    ConfigurationSwap(engine, writer, store, before.store.url).apply(after)
    store.keep("b", LABELS, HELD)
    new = TokenStore(Database(after.store.url), Seals(KEYS[1:]))
    assert new.read("b") is not None
    await engine.stop(PATIENCE)
    await writer.close(PATIENCE)
    await network.close()
    for one in (store, new):
        one.database.close()


def process(*, alive: bool) -> subprocess.Popen[bytes]:
    """Return a process of this machine that waits, or one that was killed."""
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    if not alive:
        end(made)
    return made


def end(one: subprocess.Popen[bytes]) -> None:
    if one.poll() is None:
        one.kill()
        one.communicate()


@pytest.mark.parametrize("alive", [False, True])
def test_the_lease_of_a_process_that_was_killed_on_this_machine_is_free_at_once(
    tmp_path: Path, alive: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = opened(url)
    store.keep("a", LABELS, HELD)
    one = process(alive=alive)
    try:
        assert store.lease("a", LABELS, f"{socket.gethostname()}:{one.pid}:x:1")[0]
        mine, kept = store.lease("a", LABELS, store.owner())
        assert mine is not alive
        assert kept is not None and kept.held == HELD
    finally:
        end(one)
        store.database.close()


@pytest.mark.parametrize(
    ("owner", "free"),
    [
        ("{host}:{pid}:an-earlier-start:1", True),  # the number of a process is given again
        ("{mine}", False),  # another lease of this very process
        ("{host}:99999999999999999999:x:1", False),
        ("{host}:1:x:1", False),
    ],
)
def test_the_lease_of_a_process_that_had_our_number_is_free_and_that_of_one_that_runs_is_not(
    tmp_path: Path, owner: str, free: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = opened(url)
    name = owner.format(host=socket.gethostname(), pid=os.getpid(), mine=store.owner())
    assert store.lease("a", LABELS, name) == (True, None)
    second = store.owner()
    assert store.lease("a", LABELS, second) == (free, None)
    assert store.lease("a", LABELS, store.owner()) == (False, None), "who took it has a lease of its own"
    store.release("a", second if free else name)
    assert store.lease("a", LABELS, store.owner()) == (True, None)
    store.database.close()


@pytest.mark.parametrize("owner", ["another-machine:{pid}:x", "{host}:no-number:x", "{host}"])
def test_the_lease_of_another_machine_is_left_to_its_end(tmp_path: Path, owner: str) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = opened(url)
    dead = process(alive=False)
    assert store.lease("a", LABELS, owner.format(host=socket.gethostname(), pid=dead.pid))[0]
    assert not store.lease("a", LABELS, store.owner())[0]
    store.database.close()


def test_on_a_server_nobody_is_taken_for_dead(database: str) -> None:
    """Replicas in containers may have one host name, and numbers of processes of their own."""
    store = opened(database)
    dead = process(alive=False)
    assert store.lease("a", LABELS, f"{socket.gethostname()}:{dead.pid}:x")[0]
    assert not store.lease("a", LABELS, store.owner())[0]
    store.database.close()
