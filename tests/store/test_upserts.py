"""Many rows of one statement, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from exporter.core.delivery import Delivery
from exporter.core.stored_event import StoredEvent
from exporter.store import upserts
from exporter.store.database import Database
from exporter.store.driver_sql import DriverStatement, is_one_of, text_list
from exporter.store.subjects import deliveries, endpoints, events
from tests.leftovers import leftovers


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


ODD = ["plain", 'a "quote"', "back\\slash", "tab\tline\n", "{}[],'%(x)s", "\N{SNOWMAN}\U0001f600", "a" * 5000]


def test_texts_and_bytes_are_stored_as_they_are(store: Database) -> None:
    body = bytes(range(256)) * 10
    many = [
        Delivery(f"d{number}", "forward", "shop", body, 1.0, 2.0, message_id=text)
        for number, text in enumerate(ODD)
    ]
    with store.joining() as connection:
        added = deliveries.insert_all(connection, [deliveries.delivery_row(one, "me") for one in many])
        assert added == {one.id for one in many}
        found = select(deliveries.TABLE.c.message_id, deliveries.TABLE.c.body).order_by(deliveries.TABLE.c.id)
        # In one order of the ids: those of PostgreSQL were sorted by them, as these are.
        assert [(text, bytes(data)) for text, data in connection.execute(found)] == [
            (text, body) for text in ODD
        ]


def test_one_statement_finds_any_number_of_texts(store: Database) -> None:
    ids = DriverStatement(
        lambda dialect: select(events.TABLE.c.event_id).where(
            is_one_of(dialect, events.TABLE.c.event_id, "names")
        )
    )
    with store.joining() as connection:
        events.add(connection, [StoredEvent(1.0, "payment", text, "", "", "requests", {}) for text in ODD])
        for wanted in ([], ODD[:1], ODD, [*ODD[2:], *(f"missing-{number}" for number in range(2000))]):
            found = {row[0] for row in ids.run(connection, [{"names": text_list(wanted)}])}
            assert found == {text for text in wanted if not text.startswith("missing")}


def test_a_statement_that_was_made_leaves_nothing_to_the_collector_of_cycles(store: Database) -> None:
    rows = [
        {
            "kind": "forward",
            "name": "crm",
            "metered": False,
            "failures": 1,
            "open_until": 0.0,
            "next_free": 0.0,
        }
    ]
    with store.writing() as connection:
        upserts.replace(connection, endpoints.TABLE, rows)
    with leftovers("sqlalchemy") as left, store.writing() as connection:
        for _ in range(3):
            upserts.replace(connection, endpoints.TABLE, rows)
    assert "Alias" not in left and "Column" not in left
