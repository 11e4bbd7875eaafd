"""What is written to the store is noticed, whoever writes it and however."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, delete, select, text, update

from exporter.core.changes import Change
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.maintenance import MaintenanceStore
from exporter.store.subjects import deliveries, failures, maintenance, targets
from exporter.store.subjects.maintenance import WindowRow
from tests.store.records import KEY, failure, snapshot

URLS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path')}/state.db",
    "postgresql": lambda request: str(request.getfixturevalue("database")),
}
OTHER = ("mail", "globex")


@pytest.fixture(params=URLS)
def store(request: pytest.FixtureRequest) -> Iterator[Database]:
    made = Database(URLS[request.param](request))
    made.open()
    yield made
    made.close()


def heard(store: Database, write: Callable[[Connection], object]) -> set[Change]:
    """Return what was said of the tables that `write` wrote to."""
    found: set[Change] = set()
    store.feed.listener = found.add
    with store.writing() as connection:
        write(connection)
    store.feed.listener = None
    return found


def delivery(number: int, tenant: str) -> dict[str, object]:
    usual: dict[type, object] = {str: "", bytes: b"", int: 0, float: 0.0}
    columns = (one for one in deliveries.TABLE.columns if one.name != "id")
    row = {one.name: None if one.nullable else usual[one.type.python_type] for one in columns}
    return {**row, "delivery": f"d{number}", "tenant": tenant}


def test_each_row_that_is_inserted_says_whose_it_is(store: Database) -> None:
    batch = CheckBatch(
        snapshots={KEY: snapshot()}, failures=[failure(1.0), failure(2.0, OTHER), failure(3.0)]
    )
    found = heard(store, batch.write)
    assert {Change("failure", *KEY), Change("failure", *OTHER), Change("target_state", *KEY)} <= found
    assert {one.subject for one in found} == {"failure", "target_state"}


def test_a_statement_that_changes_nothing_is_no_news(store: Database) -> None:
    change = update(deliveries.TABLE).where(deliveries.TABLE.c.delivery == "d0").values(state="dead")
    assert heard(store, lambda connection: connection.execute(change)) == set()
    heard(store, lambda connection: deliveries.insert_all(connection, [delivery(0, "acme")]))
    returning = change.returning(deliveries.TABLE.c.id)
    assert heard(store, lambda connection: connection.execute(change)) == {Change("delivery")}
    assert heard(store, lambda connection: connection.execute(returning).all()) == {Change("delivery")}


@pytest.mark.parametrize("count", [1, 3])
def test_rows_that_go_to_the_driver_as_text_say_so_too(store: Database, count: int) -> None:
    rows = [delivery(number, ("acme", "globex")[number % 2]) for number in range(count)]
    found = heard(store, lambda connection: deliveries.insert_all(connection, rows))
    tenants = ("acme", "globex")[:count]
    assert found == {Change("delivery", None, tenant) for tenant in tenants}


def test_a_change_of_rows_that_are_there_is_of_nobody_in_particular(store: Database) -> None:
    heard(store, CheckBatch(failures=[failure(0.5)]).write)
    heard(store, lambda connection: deliveries.insert_all(connection, [delivery(0, "acme")]))
    change = update(failures.TABLE).values(detail="x").where(failures.TABLE.c.at < 1.0)
    assert heard(store, lambda connection: connection.execute(change)) == {Change("failure")}
    assert heard(store, lambda connection: connection.execute(text("UPDATE delivery SET type = 'x'"))) == {
        Change("delivery")
    }


def test_what_retention_deletes_is_no_news_and_what_people_delete_is(store: Database) -> None:
    assert heard(store, lambda connection: connection.execute(delete(failures.TABLE))) == set()
    row = WindowRow("night", "{}", "ada", 1.0)
    windows = MaintenanceStore(store)
    found: set[Change] = set()
    store.feed.listener = found.add
    assert windows.create(row)
    assert found == {Change("maintenance_window")}
    found.clear()
    assert windows.remove("night")
    assert Change("maintenance_window") in found


def test_reading_changes_nothing(store: Database) -> None:
    found: set[Change] = set()
    store.feed.listener = found.add
    store.read(lambda connection: connection.execute(select(failures.TABLE)).all())
    assert found == set()


def test_a_database_that_is_opened_again_is_still_watched(store: Database) -> None:
    store.open()
    assert heard(store, CheckBatch(failures=[failure(1.0, OTHER)]).write) == {Change("failure", *OTHER)}


def test_tables_whose_names_begin_alike_are_not_confused(store: Database) -> None:
    assert heard(store, lambda connection: targets.write(connection, [snapshot()])) == {
        Change("target_state", *KEY)
    }
    silences = maintenance.SILENCES.name
    assert silences != maintenance.TABLE.name and silences.startswith("maintenance")
