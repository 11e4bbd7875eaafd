"""Many rows of one statement, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from exporter.core.stored_event import StoredEvent
from exporter.store import upserts
from exporter.store.database import Database
from exporter.store.subjects import events


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/state.db" if is_file else request.getfixturevalue("database")
    made = Database(url)
    made.open()
    yield made
    made.close()


def event(number: int, at: float = 1.0) -> StoredEvent:
    return StoredEvent(at, "payment", f"e{number}", "", "acme", "requests", {"amount": number})


def test_more_events_than_a_statement_takes_are_stored_once_each(store: Database) -> None:
    many = [event(number) for number in range(upserts.PORTION + 2)]
    with store.joining() as connection:
        assert all(events.add_new(connection, many))
    with store.joining() as connection:
        assert events.add_new(connection, [*many[-3:], event(-1)]) == [False, False, False, True]
        assert len(connection.execute(select(events.TABLE.c.once)).all()) == len(many) + 1


def test_a_column_may_have_whole_numbers_fractions_and_nothing(store: Database) -> None:
    rows = [
        {**events.event_row(event(number, at)), "once": once}
        for number, (at, once) in enumerate([(1, None), (2.5, "payment:b"), (3, None)])
    ]
    with store.joining() as connection:
        upserts.insert_all(connection, events.TABLE, rows)
        found = select(events.TABLE.c.at, events.TABLE.c.once).order_by(events.TABLE.c.id)
        assert connection.execute(found).all() == [(1.0, None), (2.5, "payment:b"), (3.0, None)]
