"""One database for everything: what is opened, what is only attached to, and batches of any kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from exporter.core.errors import StoreError
from exporter.core.token import TokenEvent
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.schema import METADATA, subjects
from exporter.store.subjects.token_log import TokenLogBatch
from exporter.store.writer import Writer
from tests.store.queries import changes_of, snapshots_of, token_log_of
from tests.store.records import KEY, change, snapshot
from tests.waiting import PATIENCE

EVENT = TokenEvent(1.0, "calendar", "acme", "made", "access", "probe", "refresh", "ok")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url)
    made.open()
    yield made
    made.close()


def test_a_database_that_is_only_attached_to_takes_no_lock_and_makes_no_table(
    database: Database, url: str, tmp_path: Path
) -> None:
    other = Database(url)
    with other.attach(writes=True) as connection:
        TokenLogBatch([EVENT]).write(connection)
    assert token_log_of(database).rows == [EVENT]
    database.close()
    with other.attach(writes=True) as connection:  # nobody has the lock now
        TokenLogBatch([EVENT]).write(connection)
    database.open()
    assert (database.shared, other.shared) == (False, False)
    with pytest.raises(StoreError, match="it is not open"):
        other.read(lambda connection: connection.execute(text("SELECT 1")))
    other.close()
    (tmp_path / "empty.db").touch()
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError), empty.attach() as connection:
        connection.execute(text("SELECT * FROM token"))
    empty.close()


def test_who_is_attached_follows_another_file_and_who_opened_the_first_one_is_reported(
    database: Database, url: str, tmp_path: Path
) -> None:
    database.write([CheckBatch({KEY: snapshot()})])
    (tmp_path / "state.db").rename(tmp_path / "away.db")
    with pytest.raises(StoreError, match="not open"), database.attach():
        pass
    second = Database(url)
    second.open()
    with database.attach(writes=True) as connection:
        TokenLogBatch([EVENT]).write(connection)
    assert token_log_of(second).rows == [EVENT]
    with pytest.raises(StoreError, match="the file was moved or removed"):
        database.write([CheckBatch({KEY: snapshot(failures=1)})])
    assert snapshots_of(second) == []
    database.open()
    database.write([CheckBatch({KEY: snapshot(failures=1)})])
    assert snapshots_of(second) == [snapshot(failures=1)]
    second.close()


@dataclass
class Notes:
    """A kind of batch that no file of the store knows."""

    words: list[str]

    def __bool__(self) -> bool:
        return bool(self.words)

    @property
    def size(self) -> int:
        return len(self.words)

    def merge(self, newer: "Notes", /) -> None:
        self.words += newer.words

    def cut(self, most: int) -> int:
        over = max(0, len(self.words) - most)
        del self.words[:over]
        return over

    def write(self, connection: Connection) -> None:
        connection.execute(text("CREATE TABLE IF NOT EXISTS note (word TEXT)"))
        connection.execute(text("INSERT INTO note VALUES (:word)"), [{"word": word} for word in self.words])


async def test_a_kind_that_nobody_knows_is_written_with_the_others(database: Database) -> None:
    writer = Writer(database, every=60.0, most=2)
    writer.submit(CheckBatch(changes=[change(1.0)]))
    assert await writer.flush(PATIENCE)
    for word in ("a", "b", "c"):  # they wait: the next write is due in a minute
        writer.submit(Notes([word]))
    writer.submit(TokenLogBatch([EVENT]))
    writer.submit(CheckBatch(changes=[change(2.0)]))
    assert await writer.flush(PATIENCE)
    words = database.read(
        lambda connection: list(connection.execute(text("SELECT word FROM note")).scalars())
    )
    assert (words, writer.dropped) == (["b", "c"], 1)
    assert [found.at for found in changes_of(database).rows] == [2.0, 1.0]
    assert token_log_of(database).rows == [EVENT]
    assert await writer.close(PATIENCE)


def test_every_table_is_declared_by_one_subject_with_how_long_its_rows_are_kept() -> None:
    declared = [rule.table.name for module in subjects() for rule in module.RETENTION]
    assert sorted(set(declared)) == sorted(METADATA.tables)
    for module in subjects():
        own = [rule.table for rule in module.RETENTION]
        assert own and module.TABLE is own[0], f"{module.__name__}: RETENTION begins with TABLE"
        assert all({"at", "hour"} & set(rule.table.c.keys()) for rule in module.RETENTION if rule.key)
