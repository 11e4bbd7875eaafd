"""What another replica adds to the same database is news to the pages that are open here, once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from exporter.core.changes import ANY, Change
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.replica_watch import MEMORY, ReplicaWatch
from tests.servers.postgres import Cluster
from tests.store.records import failure


@pytest.fixture(scope="module")
def url(server: Cluster) -> Iterator[str]:
    server.admin("CREATE DATABASE replicas OWNER app")
    yield f"postgresql://app:app-password@127.0.0.1:{server.port}/replicas?sslmode=require"
    server.admin("DROP DATABASE replicas WITH (FORCE)")


@pytest.fixture
def stores(url: str) -> Iterator[tuple[Database, Database]]:
    """Two replicas of one database: the one whose page is open, and the other."""
    made = Database(url, "here"), Database(url, "there")
    for one in made:
        one.open()
    yield made
    for one in made:
        one.close()


class Ear:
    """A replica with an open page; `heard` is what it heard since it was last asked."""

    def __init__(self, store: Database, *, alone: bool = False) -> None:
        self.reads = 0
        self._heard: list[Change] = []
        store.feed.listener = self._heard.append
        self._store = store
        self.watch = ReplicaWatch(self._read, store.feed, lambda: alone, store.replica)

    async def _read(self, call: Callable[[Connection], Any]) -> Any:
        self.reads += 1
        return self._store.read(call)

    async def first(self) -> list[Change]:
        """Look for the first time, which says that everything may be new."""
        return await self.heard()

    async def heard(self) -> list[Change]:
        await self.watch.look()
        found, self._heard[:] = list(self._heard), []
        return found


def fail(store: Database, tenant: str) -> None:
    store.write([CheckBatch(failures=[failure(1.0, ("payments", tenant))])])


def failed(tenant: str) -> Change:
    return Change("failure", "payments", tenant)


async def test_a_row_of_another_replica_is_said_once_with_whose_it_is(
    stores: tuple[Database, Database],
) -> None:
    here, there = stores
    fail(there, "before the page was open")
    ear = Ear(here)
    everything = await ear.first()
    assert Change("failure", ANY, ANY) in everything and len(everything) == len(set(everything)) > 10
    assert await ear.heard() == []
    fail(there, "acme")
    fail(there, "globex")
    assert set(await ear.heard()) == {failed("acme"), failed("globex")}
    for _ in range(MEMORY + 1):
        assert await ear.heard() == []
    fail(there, "acme")
    assert await ear.heard() == [failed("acme")]


async def test_what_this_replica_writes_is_not_said_again(stores: tuple[Database, Database]) -> None:
    here, there = stores
    ear = Ear(here)
    await ear.first()
    fail(here, "acme")
    assert await ear.heard() == [failed("acme")], "by the watch of its own writes alone"
    assert await ear.heard() == []
    fail(here, "acme")
    fail(there, "acme")
    assert await ear.heard() == [failed("acme"), failed("acme")], "the other's is another change"


async def test_a_row_that_is_committed_after_one_with_a_higher_number_is_found(
    stores: tuple[Database, Database],
) -> None:
    here, there = stores
    ear = Ear(here)
    await ear.heard()
    with there.writing() as connection:
        CheckBatch(failures=[failure(1.0, ("payments", "slow"))]).write(connection)
        fail(there, "quick")
        assert await ear.heard() == [failed("quick")]
    assert await ear.heard() == [failed("slow")]


async def test_nothing_is_read_while_no_page_is_open_or_no_other_replica_can_be(
    stores: tuple[Database, Database],
) -> None:
    here, there = stores
    ear = Ear(here)
    await ear.heard()
    fail(there, "acme")
    here.feed.listener = None
    assert await ear.heard() == [] and ear.reads == 1
    alone = Ear(here, alone=True)
    assert await alone.heard() == [] and alone.reads == 0


def test_who_has_the_lock_of_a_file_is_alone_and_a_replica_on_a_server_never(
    stores: tuple[Database, Database], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Database(f"sqlite:///{tmp_path_factory.mktemp('alone')}/state.db")
    store.open()
    assert store.exclusive and not stores[0].exclusive
    store.close()
