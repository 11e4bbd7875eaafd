"""The PostgreSQL of the demo: the exporter writes, Grafana and what watches it read, and nothing is left."""

from pathlib import Path

import psycopg
import pytest

from exporter.demo.database import DemoDatabase, find_programs, own_database
from exporter.generate.provisioning import READER
from exporter.store.database import Database
from tests.servers.ports import free_port


def _connect(database: DemoDatabase) -> "psycopg.Connection[tuple[int, ...]]":
    given = database.grafana()
    host, _, port = given["INTEGRATION_STORE_HOST"].partition(":")
    return psycopg.connect(
        host=host,
        port=int(port),
        dbname=given["INTEGRATION_STORE_DATABASE"],
        user=given["INTEGRATION_STORE_USER"],
        password=given["INTEGRATION_STORE_PASSWORD"],
        sslmode=given["INTEGRATION_STORE_SSLMODE"],
        autocommit=True,
    )


async def test_the_exporter_keeps_its_store_there_and_others_read_what_is_theirs() -> None:
    folder = find_programs()
    assert folder, "install Debian's package postgresql"
    async with own_database(folder, free_port()) as database:
        store = Database(database.store)
        store.open()
        store.close()
        with _connect(database) as grafana:
            assert grafana.execute("SELECT count(*) FROM grafana.errors").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                grafana.execute("SELECT count(*) FROM public.failure")
        with psycopg.connect(database.monitor, autocommit=True) as monitor:
            asked = "SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE '%CREATE%'"
            assert monitor.execute(asked).fetchone() == (True,)
    assert database.grafana()["INTEGRATION_STORE_USER"] == READER
    with pytest.raises(psycopg.OperationalError):
        _connect(database)


def test_the_newest_server_is_taken_and_none_that_is_too_old_or_a_client_alone(tmp_path: Path) -> None:
    def install(version: str, *names: str) -> Path:
        folder = tmp_path / "usr/lib/postgresql" / version / "bin"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()
        return folder

    all_of_it = ("initdb", "pg_ctl", "psql")
    install("13", *all_of_it)
    assert find_programs(tmp_path) is None
    install("9.6", *all_of_it)
    install("18", "psql")
    install("15", *all_of_it)
    newest = install("17", *all_of_it)
    assert find_programs(tmp_path) == newest


def test_a_database_of_yours_gets_no_role_of_ours() -> None:
    assert DemoDatabase("postgresql://db.internal/exporter").grafana() == {}
