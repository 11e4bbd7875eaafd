"""Two ways to the same tables: all at once in an empty database, or step by step from an older one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine

from exporter.core.errors import StoreError
from exporter.store import migrate as rules
from exporter.store.migrate import MIGRATIONS, migrate, steps, upgrade
from exporter.store.schema import METADATA

OPEN_AND_TELL = """
import sys
from exporter.store.database import Database
store = Database(sys.argv[1])
store.open()
store.close()
print("alembic" in sys.modules)
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://")
    yield made
    made.dispose()


def described(connection: Connection) -> tuple[set[tuple[str, ...]], list[str]]:
    """Return tables and indexes with columns and condition, and the step that the database says it is at."""
    found = set()
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    for kind, name, table, sql in connection.exec_driver_sql(query):
        pragma = "table_xinfo" if kind == "table" else "index_xinfo"
        rows = connection.exec_driver_sql(f"PRAGMA {pragma}('{name}')").all()
        # The order of columns may differ: a later step can only append them.
        columns = sorted(str(row[1:] if kind == "table" else row[2:]) for row in rows)
        where = (sql or "").partition(" WHERE ")[2] if kind == "index" else ""
        found.add((kind, name, table, where, *columns))
    return found, list(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())


def test_the_names_of_the_files_are_the_steps() -> None:
    assert steps() == [one.revision for one in ScriptDirectory(MIGRATIONS).walk_revisions()][::-1]


def test_the_steps_make_the_same_tables_as_an_empty_database_gets_at_once(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        at_once = described(connection)
    other = create_engine("sqlite://")
    with other.begin() as connection:
        upgrade(connection)
        assert described(connection) == at_once
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    other.dispose()


def test_a_database_at_an_older_step_gets_the_ones_that_it_lacks(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection, to=steps()[0])
        migrate(connection)
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert described(connection)[1] == steps()[-1:]


def test_a_database_that_is_not_what_a_step_expects_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{steps()[0]}')")
        with pytest.raises(
            StoreError, match=r"^the tables cannot be brought up to date: Requested revision .+ overlaps"
        ):
            migrate(connection)


def test_the_program_may_lie_in_a_folder_of_any_name(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "100% a:b, c %(here)s"
    folder.mkdir()
    (folder / "migrations").symlink_to(MIGRATIONS)
    monkeypatch.setattr(rules, "MIGRATIONS", folder / "migrations")
    with engine.begin() as connection:
        upgrade(connection)
        assert described(connection)[1] == steps()[-1:]


def test_a_store_that_is_new_or_up_to_date_does_not_bring_alembic_into_memory(tmp_path: Path) -> None:
    words = [sys.executable, "-c", OPEN_AND_TELL, f"sqlite:///{tmp_path / 'state.db'}"]
    said = [subprocess.run(words, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert said == ["False\n", "False\n"]
