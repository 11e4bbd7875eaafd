"""What can go wrong with a file: always one sentence, never a crash, never half a batch."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from exporter.core.errors import StoreError
from exporter.store import connect
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.schema import METADATA
from tests.store.queries import changes_of, failures_of, snapshots_of
from tests.store.records import KEY, change, snapshot, whole_batch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{path}")
    made.open()
    yield made
    made.close()


def refusal(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        Database(url).open()
    return str(caught.value)


def test_the_file_and_its_journals_are_the_owners_alone(store: Database, path: Path) -> None:
    store.write([whole_batch(1)])
    files = list(path.parent.iterdir())
    assert len(files) > 1
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_every_write_is_on_the_disk_when_it_returns(store: Database) -> None:
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == connect.LOCK_WAIT * 1000


def test_the_migrations_make_the_tables_that_the_code_uses(store: Database, path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("no url", "not a URL; write sqlite:///"),
        ("postgresql://u:hunter2@localhost", "names no database; write postgresql://"),
        ("postgresql+psycopg2://u:hunter2@localhost/x", "not supported; write sqlite:///"),
        ("mysql://u:hunter2@localhost/x", "not supported; write sqlite:///"),
        ("sqlite+aiosqlite:///x.db", "not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////no/such/directory/x.db", "/no/such/directory does not exist; make it"),
        ("sqlite:////tmp", "is a directory; name a file"),
    ],
)
def test_a_url_of_no_use_gets_a_sentence_with_a_remedy(url: str, words: str) -> None:
    text = refusal(url)
    assert words in text
    assert "hunter2" not in text


def test_a_file_that_is_no_database_stays_as_it_is(path: Path) -> None:
    path.write_text("not a database, but dear to somebody\n" * 50)
    before = path.read_bytes()
    assert "no SQLite database; move it" in refusal(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_damaged_file_differs_from_a_good_one(store: Database, path: Path) -> None:
    for number in range(40):
        store.write([whole_batch(number)])
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 8192))
    damaged = Database(f"sqlite:///{path}")
    with pytest.raises(StoreError, match=r"damaged|database"):
        damaged.open()
        snapshots_of(damaged)
        damaged.write([whole_batch(99)])
    damaged.close()


def test_a_store_of_a_newer_version_is_left_alone(store: Database, path: Path) -> None:
    store.write([CheckBatch({KEY: snapshot()})])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert refusal(f"sqlite:///{path}") == (
        "the store was written by a newer version (step 9999); "
        "run that version, or give this one another file in store.url"
    )


def test_a_database_of_somebody_else_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE failure (mine TEXT)")
    connection.close()
    assert "already exists" in refusal(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert tables == [("failure",)]


def test_a_file_that_another_process_holds_is_reported_as_locked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "LOCK_WAIT", 0.1)
    store = Database(f"sqlite:///{path}")
    store.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked; let only one exporter"):
        store.write([whole_batch(1)])
    assert snapshots_of(store) == []
    other.execute("COMMIT")
    other.close()
    store.write([whole_batch(1)])
    assert len(snapshots_of(store)) == 50
    store.close()


def test_a_store_moved_away_is_made_again_when_it_is_opened_again(store: Database, path: Path) -> None:
    store.write([whole_batch(1)])
    for file in list(path.parent.iterdir()):
        file.rename(file.with_name(f"old-{file.name}"))
    with pytest.raises(StoreError, match="moved or removed"):
        store.write([whole_batch(2)])
    store.open()
    store.write([whole_batch(3)])
    assert {found.failures for found in snapshots_of(store)} == {3}


def test_a_row_that_a_newer_version_wrote_costs_no_other(store: Database, path: Path) -> None:
    other = ("mail", "")
    store.write([CheckBatch({KEY: snapshot(), other: snapshot(other)}, [change(1.0), change(2.0, other)])])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE target_state SET reason = 'tomorrow' WHERE integration = 'mail'")
        connection.execute("UPDATE state_change SET reason = 'tomorrow' WHERE integration = 'mail'")
    connection.close()
    with structlog.testing.capture_logs() as logs:
        assert [found.key for found in snapshots_of(store)] == [KEY]
        assert changes_of(store).rows == [change(1.0)]
    line = {"event": "stored rows cannot be read", "log_level": "warning", "store": store.name, "count": 1}
    assert logs == [line, line]


CHILD = """
import resource, sys
from exporter.core.errors import StoreError
from exporter.store.database import Database
from tests.store.queries import snapshots_of
from tests.store.records import whole_batch
{before}
store = Database("sqlite:///" + sys.argv[1])
try:
    store.open()
    for number in range(1, 2000):
        store.write([whole_batch(number)])
        print(number, flush=True)
except StoreError as error:
    print("StoreError:", error, flush=True)
    print("still read:", len(snapshots_of(store)), flush=True)
"""


def child(path: Path, before: str = "") -> subprocess.Popen[str]:
    code = CHILD.format(before=before)
    return subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)


def states_of(path: Path) -> set[int]:
    store = Database(f"sqlite:///{path}")
    store.open()
    found = snapshots_of(store)
    changes = changes_of(store, limit=1_000_000).rows
    assert len(changes) == len(failures_of(store, limit=1_000_000).rows)
    assert len(changes) % 50 == 0
    assert len(found) in (0, 50)
    store.close()
    return {state.failures for state in found}


def test_a_file_that_may_not_grow_fails_in_a_sentence_and_keeps_whole_batches(path: Path) -> None:
    process = child(path, "resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    *_, last, message, read = out.splitlines()
    assert message.startswith(f"StoreError: store {path}: the disk ")
    assert read == "still read: 50"
    assert states_of(path) == {int(last)}


def test_a_full_disk_fails_in_a_sentence_and_keeps_whole_batches(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    order = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if subprocess.run(order, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        process = child(disk / "state.db")
        out, _ = process.communicate(timeout=60)
        *_, last, message, _ = out.splitlines()
        assert "the disk" in message
        assert states_of(disk / "state.db") == {int(last)}
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_killed_writer_leaves_whole_batches(path: Path) -> None:
    for _ in range(3):
        process = child(path)
        assert process.stdout is not None
        for _ in range(5):
            assert process.stdout.readline()
        time.sleep(0.004)
        process.send_signal(signal.SIGKILL)
        written = [5, *map(int, process.stdout.read().split())]
        process.wait(timeout=60)
        process.stdout.close()
        (found,) = states_of(path)
        assert found in (written[-1], written[-1] + 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process of another user")
def test_a_directory_that_may_not_be_written_fails_in_a_sentence() -> None:
    script = textwrap.dedent(
        """
        import os, sys
        from exporter.core.errors import StoreError
        from exporter.store.database import Database
        os.setuid(65534)
        try:
            Database("sqlite:///" + sys.argv[1]).open()
        except StoreError as error:
            print(error)
        """
    )
    # not in tmp_path, which nobody else may enter
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", script, f"{directory}/x.db"], capture_output=True, text=True, timeout=60
        )
    assert "Permission denied; see file, directory and permissions" in done.stdout, done.stderr


def test_a_second_exporter_on_one_file_is_warned_once_and_works(store: Database, path: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    second = Database(f"sqlite:///{link}")
    with structlog.testing.capture_logs() as logs:
        second.open()
        second.open()
    second.write([whole_batch(1)])
    second.close()
    assert [(line["log_level"], line["path"]) for line in logs] == [("warning", str(path))]
    assert "store.url of its own" in logs[0]["remedy"]
    assert "PostgreSQL" in logs[0]["remedy"]
    assert snapshots_of(store)


def test_one_exporter_after_another_is_not_warned(store: Database, path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        store.open()
        store.close()
        second = Database(f"sqlite:///{path}")
        second.open()
        second.close()
    assert not logs


WRITE_AND_DIE = """
import os, sys
from exporter.store.database import Database
Database(sys.argv[1]).open()
print("open", flush=True)
sys.stdin.read()
os._exit(1)
"""


def test_another_process_counts_until_it_dies(path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", WRITE_AND_DIE, f"sqlite:///{path}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other, structlog.testing.capture_logs() as logs:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        second = Database(f"sqlite:///{path}")
        second.open()
        second.close()
        assert len(logs) == 1
        other.communicate()
        after = Database(f"sqlite:///{path}")
        after.open()
        after.close()
    assert len(logs) == 1
