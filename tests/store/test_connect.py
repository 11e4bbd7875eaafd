"""What `store.url` may say, what an operator knows the store by, and who is first at a new file."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.core.errors import StoreError
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from tests.store.queries import changes_of, snapshots_of
from tests.store.records import change

WANTED = "write sqlite:///integration-exporter.db or postgresql://user@host/database"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///state.db", "state.db"),
        ("sqlite+pysqlite:////var/lib/state.db", "/var/lib/state.db"),
        ("postgresql://app:planted@db/state", "postgresql db/state"),
        ("postgresql+psycopg://app:planted@db:6432/state?sslmode=require", "postgresql db:6432/state"),
        ("postgresql://app:planted@/state?host=/run/postgresql", "postgresql /run/postgresql/state"),
        ("postgresql:///state", "postgresql the local socket/state"),
    ],
)
def test_a_store_is_known_by_its_place_and_never_by_who_signs_in(url: str, name: str) -> None:
    store = Database(url)
    assert store.name == f"store {name}"
    with pytest.raises(StoreError, match="it is not open"):
        snapshots_of(store)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("planted", f"store.url is not a URL; {WANTED}"),
        (
            "postgresql://app:planted@db",
            "store.url names no database; write postgresql://user@host/database",
        ),
        (
            "mysql://app:planted@db/state",
            f"store.url names a database that is not supported; {WANTED}",
        ),
        ("sqlite://", "store.url names no file; write sqlite:///integration-exporter.db"),
        ("sqlite:///:memory:", "store.url names no file; write sqlite:///integration-exporter.db"),
        (
            "sqlite:///file:planted?uri=true",
            "store.url names no file; write sqlite:///integration-exporter.db",
        ),
    ],
)
def test_a_url_of_no_use_is_refused_before_anything_is_opened(url: str, sentence: str) -> None:
    with pytest.raises(StoreError) as caught:
        Database(url)
    assert str(caught.value) == sentence


def test_a_file_that_cannot_be_there_is_reported_with_its_place(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "x.db"
    for path, said in (
        (missing, f"the directory {missing.parent} does not exist; make it, or change store.url"),
        (tmp_path, "it is a directory; name a file in store.url"),
    ):
        with pytest.raises(StoreError) as caught:
            Database(f"sqlite:///{path}").open()
        assert str(caught.value) == f"{path}: {said}"


def test_many_who_open_a_new_file_at_once_all_find_its_tables(tmp_path: Path) -> None:
    for turn in range(3):
        stores = [Database(f"sqlite:///{tmp_path}/{turn}.db") for _ in range(4)]
        together = threading.Barrier(len(stores))

        def start(store: Database, together: threading.Barrier = together) -> None:
            together.wait()
            store.open()

        with ThreadPoolExecutor(len(stores)) as pool:
            list(pool.map(start, stores))
        for store in stores:
            store.write([CheckBatch(changes=[change(1.0)])])
        assert len(changes_of(stores[0]).rows) == len(stores)
        for store in stores:
            store.close()
