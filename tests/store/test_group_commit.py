"""Concurrent requests join one transaction, and none of them pays for another one's mistake."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from exporter.core.errors import StoreError
from exporter.store import group_commit
from exporter.store.database import Database
from exporter.store.errors import UnwritableError
from exporter.store.group_commit import GroupCommit
from exporter.store.subjects import replicas
from tests.servers.postgres import cluster
from tests.waiting import rest, until

URLS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path')}/state.db",
    "postgresql": lambda request: str(request.getfixturevalue("database")),
}


@pytest.fixture(params=URLS)
async def commits(request: pytest.FixtureRequest) -> AsyncIterator[GroupCommit]:
    database = Database(URLS[request.param](request))
    made = GroupCommit(database)
    yield made
    assert await made.close(30.0)
    database.close()


def register(connection: Connection, names: Sequence[str]) -> list[int]:
    for name in names:
        replicas.register(connection, name)
    return [len(name) for name in names]


def fail(connection: Connection, names: Sequence[str]) -> list[int]:
    connection.exec_driver_sql("SELECT nonsense")
    return [0 for _ in names]


def registered(commits: GroupCommit) -> list[str]:
    return commits.database.read(replicas.names)


async def test_each_gets_its_own_result_and_all_is_stored(commits: GroupCommit) -> None:
    names = [f"{number:0{number}}" for number in range(1, 60)]
    assert await asyncio.gather(*(commits.write(register, name) for name in names)) == list(range(1, 60))
    assert registered(commits) == sorted(names)


async def test_what_comes_while_one_transaction_runs_is_one_transaction(commits: GroupCommit) -> None:
    sizes: list[int] = []

    def note(connection: Connection, names: Sequence[str]) -> list[int]:
        sizes.append(len(names))
        return register(connection, names)

    await asyncio.gather(*(commits.write(note, f"{number}") for number in range(200)))
    assert sum(sizes) == 200
    assert len(sizes) < 20


async def test_what_may_wait_goes_along_with_what_may_not(
    commits: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LINGER", 3600.0)
    monkeypatch.setattr(group_commit, "GATHER", 0.0)
    joined: list[list[str]] = []

    def note(connection: Connection, names: Sequence[str]) -> list[int]:
        joined.append(list(names))
        return register(connection, names)

    patient = [asyncio.ensure_future(commits.write(note, name, may_wait=True)) for name in "ab"]
    await rest()
    assert joined == [], "no transaction of its own"
    await commits.write(note, "c")
    await asyncio.gather(*patient)
    assert joined == [["c", "a", "b"]]
    monkeypatch.setattr(group_commit, "GATHER", 3600.0)
    patient = [asyncio.ensure_future(commits.write(note, "d", may_wait=True))]
    await rest()
    await commits.write(note, "e")
    assert joined[1:] == [["e"]], "too little has gathered"
    commits.hurry()
    await asyncio.gather(*patient)
    assert registered(commits) == list("abcde")


async def test_what_may_wait_is_written_soon_though_nothing_else_comes(
    commits: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await commits.write(register, "a", may_wait=True) == 1
    monkeypatch.setattr(group_commit, "GATHER", 0.0)
    patient = asyncio.ensure_future(commits.write(register, "b", may_wait=True))
    await asyncio.sleep(0)
    await commits.write(register, "c")  # it takes along what the alarm was set for
    await patient
    assert await commits.write(register, "d", may_wait=True) == 1
    assert commits._alarm is None
    assert registered(commits) == list("abcd")


async def test_a_close_writes_what_may_wait(commits: GroupCommit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "LINGER", 3600.0)
    patient = asyncio.ensure_future(commits.write(register, "a", may_wait=True))
    await asyncio.sleep(0)
    assert await commits.close(30.0)
    assert await patient == 1


async def test_two_writers_of_a_server_have_their_transactions_at_one_time(database: str) -> None:
    commits = GroupCommit(Database(database))
    begun, both = asyncio.Event(), threading.Barrier(2)
    loop = asyncio.get_running_loop()

    def meet(connection: Connection, names: Sequence[str]) -> list[int]:
        """Write, and wait within the transaction for the other writer to have written in its own."""
        register(connection, names)
        loop.call_soon_threadsafe(begun.set)
        both.wait(30.0)
        return [connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() for _ in names]

    first = asyncio.ensure_future(commits.write(meet, "a", patience=60.0))
    await begun.wait()
    second = await commits.write(meet, "b", patience=60.0)
    assert await first != second, "two sessions of the server"
    assert registered(commits) == ["a", "b"]
    assert await commits.close(30.0)
    commits.database.close()


async def test_one_whose_values_no_database_takes_costs_no_other(commits: GroupCommit) -> None:
    bad: str = None  # type: ignore[assignment]  # a mistake that the types would catch

    def insert(connection: Connection, names: Sequence[str]) -> list[str]:
        connection.execute(replicas.TABLE.insert(), [{"name": name, "seen": 1.0} for name in names])
        return list(names)

    calls = [commits.write(insert, name) for name in ("a", bad, "b")]
    first, second, third = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, third) == ("a", "b") and isinstance(second, UnwritableError)
    assert registered(commits) == ["a", "b"]


async def test_a_step_that_fails_costs_no_other_step(commits: GroupCommit) -> None:
    calls = [commits.write(register, "a"), commits.write(fail, "x"), commits.write(register, "b")]
    first, second, third = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, third) == (1, 1) and isinstance(second, StoreError)
    assert registered(commits) == ["a", "b"]
    with pytest.raises(StoreError, match="mistake"):
        await commits.write(mistake, "c")
    assert await commits.write(register, "d") == 1


def mistake(_connection: Connection, _names: Sequence[str]) -> list[int]:
    raise KeyError("mistake")


async def test_close_writes_what_waits_and_refuses_what_comes_then(commits: GroupCommit) -> None:
    calls = [asyncio.ensure_future(commits.write(register, f"{number}")) for number in range(50)]
    await asyncio.sleep(0)
    assert await commits.close(30.0)
    assert len(await asyncio.gather(*calls)) == 50
    with pytest.raises(StoreError, match="stopping"):
        await commits.write(register, "late")


async def test_what_its_caller_gave_up_is_under_way_until_it_is_written(commits: GroupCommit) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def linger(connection: Connection, names: Sequence[str]) -> list[int]:
        begun.set()
        may_end.wait()
        return register(connection, names)

    call = asyncio.create_task(commits.write(linger, "late"))
    await until(begun.is_set)
    call.cancel()
    drained = asyncio.create_task(commits.drain())
    await rest()
    assert not drained.done()
    may_end.set()
    await drained
    assert registered(commits) == ["late"]


async def test_too_much_that_waits_is_refused_at_once(
    commits: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MOST_WAITING", 5)
    calls = [commits.write(register, f"{number}") for number in range(20)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in found if isinstance(one, StoreError)]
    assert refused and "too much waits" in str(refused[0])
    assert len(registered(commits)) + len(refused) == 20


async def test_a_write_that_takes_too_long_is_given_up_by_its_caller_alone(tmp_path: object) -> None:
    commits = GroupCommit(Database(f"sqlite:///{tmp_path}/state.db"))
    await commits.write(register, "a")
    with commits.database.writing(), pytest.raises(StoreError, match=r"did not write within 0\.05 s"):
        await commits.write(register, "b", patience=0.05)
    await until(lambda: registered(commits) == ["a", "b"])
    assert await commits.close(30.0)
    commits.database.close()


async def test_a_server_that_is_away_costs_a_sentence_and_works_again_when_it_is_back() -> None:
    with cluster() as server:
        server.admin("CREATE DATABASE state OWNER app")
        commits = GroupCommit(Database(f"postgresql://app:app-password@127.0.0.1:{server.port}/state"))
        assert await commits.write(register, "a") == 1
        server.stop()
        for name in ("b", "c"):
            with pytest.raises(StoreError):
                await commits.write(register, name)
        server.start()
        assert await commits.write(register, "d") == 1
        assert registered(commits) == ["a", "d"]
        assert await commits.close(30.0)
        commits.database.close()


async def test_the_log_of_a_file_is_copied_beside_the_commits_and_stays_small(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/state.db")
    database.open()
    with database.joining() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == 16_000
    sizes: list[int] = []
    for _ in range(4):
        with database.joining() as connection:
            connection.execute(replicas.TABLE.delete())
            rows = [{"name": f"{number} {'x' * 1000}", "seen": 1.0} for number in range(5000)]
            connection.execute(replicas.TABLE.insert(), rows)
        sizes.append(Path(f"{database.url.database}-wal").stat().st_size)
        database.checkpoint(alone=True)
    assert sizes[-1] < 1.2 * sizes[1], "each transaction began the log from its start again"
    database.close()
