"""One SQLite file, one exporter: who comes second works on, shows it, and takes over when the first ends."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.writer import Writer
from tests.scarcity import no_descriptors
from tests.store.queries import snapshots_of
from tests.store.records import snapshot

SHARED = "another exporter writes to this store"
ALONE = "no other exporter writes to this store any more"


def batch() -> CheckBatch:
    one = snapshot()
    return CheckBatch(snapshots={one.key: one})


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Database]:
    yield from opened(tmp_path)


@pytest.fixture
def second(tmp_path: Path, first: Database) -> Iterator[Database]:
    assert not first.shared
    yield from opened(tmp_path)


def opened(folder: Path) -> Iterator[Database]:
    store = Database(f"sqlite:///{folder / 'state.db'}")
    store.open()
    yield store
    store.close()


def test_who_comes_second_shows_it_and_works_on(first: Database, second: Database) -> None:
    assert (first.shared, second.shared) == (False, True)
    second.write([batch()])
    assert [found.key for found in snapshots_of(first)] == [snapshot().key]
    assert (first.shared, second.shared) == (False, True)


def test_the_second_takes_over_with_its_next_write_when_the_first_is_gone(
    first: Database, second: Database
) -> None:
    first.close()
    with structlog.testing.capture_logs() as lines:
        second.write([batch()])
        second.write([batch()])
    assert not second.shared
    assert [line["event"] for line in lines] == [ALONE]
    first.open()
    assert first.shared


def test_an_exporter_with_nothing_to_write_takes_over_when_old_rows_are_deleted(
    first: Database, second: Database
) -> None:
    first.close()
    second.retain({}, 0.0)
    assert not second.shared


def test_it_is_reported_once_for_each_time_that_there_are_two(tmp_path: Path, first: Database) -> None:
    store = Database(f"sqlite:///{tmp_path / 'state.db'}")
    with structlog.testing.capture_logs() as lines:
        store.open()
        for _ in range(3):
            store.write([batch()])
        first.close()
        store.write([batch()])
        store.close()
        first.open()
        store.open()
    store.close()
    assert [line["event"] for line in lines] == [SHARED, ALONE, SHARED]
    assert lines[0]["path"] == str(tmp_path / "state.db") and "store.url" in lines[0]["remedy"]


def test_a_lock_that_cannot_be_asked_for_leaves_what_is_known(first: Database, second: Database) -> None:
    first.close()
    with no_descriptors():
        second.write([batch()])
    assert second.shared
    second.write([batch()])
    assert not second.shared


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "state.db-lock").symlink_to(tmp_path / "elsewhere")
    for store in opened(tmp_path):
        assert not store.shared
    assert not os.path.lexists(tmp_path / "elsewhere")


def test_the_writer_passes_on_what_its_store_knows(first: Database, second: Database) -> None:
    assert [Writer(store).shared for store in (first, second)] == [False, True]


def test_a_database_on_a_server_is_for_many() -> None:
    assert not Database("postgresql://ann@db.example/state").shared
