"""The chain of the audit: whatever single row somebody changes, removes or inserts, it is found."""

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from exporter.core.audit import AuditEntry
from exporter.core.audit_rules import SCORE
from exporter.store.chain_check import CHANGED, INSERTED, REMOVED, place_of
from exporter.store.database import Database
from exporter.store.ledger import AuditBatch, AuditLedger
from exporter.store.subjects.audit import TABLE
from exporter.store.subjects.audit_head import REMOVED as SPANS
from exporter.store.subjects.audit_head import TABLE as HEAD
from exporter.store.subjects.audit_people import TABLE as PERSON
from tests.store.audit_book import (
    NOW,
    append,
    change,
    entry,
    everything,
    fill,
    insert,
    problems,
    remove,
    rows,
    verify,
)

URLS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path')}/state.db",
    "postgresql": lambda request: str(request.getfixturevalue("database")),
}


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str:
    return URLS[request.param](request)


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    made = Database(url)
    made.open()
    yield made
    made.close()


def test_an_empty_chain_is_whole(store: Database) -> None:
    assert problems(store) == []
    assert verify(store)[0].entries == 0


@pytest.mark.parametrize("limit", [1, 3, 10, 1000])
def test_a_chain_is_whole_in_portions_of_any_size(store: Database, limit: int) -> None:
    fill(store, 10)
    assert problems(store, limit) == []
    assert sum(portion.checked for portion in verify(store, limit)) == 10


@pytest.mark.parametrize("limit", [1, 2, 1000])
@pytest.mark.parametrize("rehash", [False, True])
@pytest.mark.parametrize("number", [1, 4, 10])
def test_a_changed_row_is_named_also_with_a_hash_that_fits(
    store: Database, number: int, rehash: bool, limit: int
) -> None:
    fill(store, 10)
    change(store, number, rehash=rehash, outcome="failure")
    assert problems(store, limit) == [(number, CHANGED)]


@pytest.mark.parametrize("number", [1, 5, 10])
def test_a_row_that_was_put_on_another_hash_is_named(store: Database, number: int) -> None:
    fill(store, 10)
    change(store, number, rehash=True, before=b"\1" * 32)
    assert problems(store) == [(number, CHANGED)]


@pytest.mark.parametrize("number", [1, 5, 10])
def test_a_removed_row_is_named(store: Database, number: int) -> None:
    fill(store, 10)
    remove(store, number)
    assert problems(store) == [(number, REMOVED)]


def test_removed_rows_are_one_line(store: Database) -> None:
    fill(store, 10)
    for number in (4, 5, 6):
        remove(store, number)
    (found,) = [problem for portion in verify(store) for problem in portion.problems]
    assert (found.number, found.last, found.what) == (4, 6, REMOVED)


@pytest.mark.parametrize("number", [-7, 0, 11, 500])
def test_an_inserted_row_is_named(store: Database, number: int) -> None:
    fill(store, 10)
    insert(store, 3, number)
    assert problems(store) == [(number, INSERTED)]


def test_a_row_in_the_place_of_what_retention_took_is_named(store: Database) -> None:
    fill(store, 10)
    while store.retain({"audit": 0.0}, NOW + 6):
        pass
    assert [row["id"] for row in rows(store)] == [6, 7, 8, 9, 10]
    insert(store, 8, 3)
    assert problems(store) == [(3, INSERTED)]


_COLUMNS = {
    "at": st.floats(0, 1e10),
    "person": st.integers(1, 3),
    "integration": st.text("abc", max_size=3),
    "tenant": st.text("abc", max_size=3),
    "action": st.text("abc", max_size=3),
    "action_class": st.text("abc", max_size=3),
    "outcome": st.text("abc", max_size=3),
    "count": st.integers(0, 5),
    "risk": st.none() | st.integers(0, 100),
    "flag": st.none() | st.text("abc", max_size=3),
    "once": st.none() | st.text("abc", max_size=3),
    "replica": st.text("abc", max_size=3),
    "address_mark": st.integers(-1, 9),
    "resource_mark": st.integers(-1, 9),
    "sealed": st.binary(max_size=40),
    "before": st.binary(min_size=32, max_size=32),
    "hash": st.binary(min_size=32, max_size=32),
}


def test_the_hash_covers_every_column() -> None:
    assert set(_COLUMNS) == {column.name for column in TABLE.columns} - {"id"}


_numbers = itertools.count()


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_single_change_removal_or_insertion_is_found(chain_of_12: Path, data: st.DataObject) -> None:
    store = _copy(chain_of_12)
    kept = [row["id"] for row in rows(store)]
    number = data.draw(st.sampled_from(kept))
    deed = data.draw(st.sampled_from(["change", "rewrite", "remove", "insert"]))
    expected = number
    if deed in ("change", "rewrite"):
        name = data.draw(st.sampled_from(sorted(_COLUMNS)))
        value = data.draw(_COLUMNS[name])
        before = next(row for row in rows(store) if row["id"] == number)
        if before[name] == value or (deed == "rewrite" and name == "hash"):
            return
        change(store, number, rehash=deed == "rewrite", **{name: value})
    elif deed == "remove":
        remove(store, number)
    else:
        expected = data.draw(st.sampled_from([-1, 0, 13, 99, *sorted(set(range(1, 13)) - set(kept))]))
        insert(store, number, expected)
    found = problems(store, data.draw(st.sampled_from([1, 4, 100])))
    assert {one for one, _ in found} == {expected}
    store.close()


@pytest.fixture(scope="module")
def chain_of_12(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a chain of three people's entries, of which retention took some."""
    path = tmp_path_factory.mktemp("chain") / "whole.db"
    store = Database(f"sqlite:///{path}")
    store.open()
    ledger = AuditLedger()
    for number in range(1, 13):
        flagged: dict[str, Any] = {"risk": 90, "flag": SCORE} if number == 3 else {"risk": 10}
        append(store, ledger, [entry(number, actor=f"person {number % 3}", **flagged)])
    assert store.retain({"audit": 0.0}, NOW + 6)
    assert [row["id"] for row in rows(store)] == [3, 6, 7, 8, 9, 10, 11, 12]
    assert problems(store) == []
    store.close()
    return path


def _copy(path: Path) -> Database:
    copy = path.with_name(f"{next(_numbers)}.db")
    shutil.copy(path, copy)
    store = Database(f"sqlite:///{copy}")
    store.open()
    return store


def test_a_head_that_was_put_back_to_hide_the_last_row_is_another_hash_than_the_log_has(
    store: Database,
) -> None:
    fill(store, 5)
    anchor = rows(store)[4]["hash"]
    remove(store, 5)
    with store.writing() as connection:
        connection.execute(update(HEAD).values(entries=4, hash=rows(store)[3]["hash"]))
    assert problems(store) == [], "this needs the anchor"
    assert store.read(lambda connection: place_of(connection, anchor)) is None


def test_an_anchor_is_found_also_where_retention_took_it(store: Database) -> None:
    fill(store, 6)
    anchors = [row["hash"] for row in rows(store)]
    while store.retain({"audit": 0.0}, NOW + 4):
        pass
    assert store.read(lambda connection: place_of(connection, anchors[2])) == 3
    assert store.read(lambda connection: place_of(connection, anchors[4])) == 5


def test_a_key_that_was_exchanged_or_went_without_an_erasure_is_found(store: Database) -> None:
    append(store, AuditLedger(), [entry(1, "ann"), entry(2, "ben"), entry(3, "cat")])
    with store.writing() as connection:
        connection.execute(update(PERSON).where(PERSON.c.actor == "ann").values(key=b"k" * 16))
        connection.execute(delete(PERSON).where(PERSON.c.actor == "ben"))
        connection.execute(update(PERSON).where(PERSON.c.actor == "cat").values(actor="dan"))
    assert sorted(problems(store)) == [(1, CHANGED), (2, CHANGED), (3, CHANGED)]


def test_retention_takes_what_is_old_and_the_chain_stays_whole(store: Database) -> None:
    fill(store, 9)
    while store.retain({"audit": 0.0}, NOW + 4):
        pass
    assert [row["id"] for row in rows(store)] == [4, 5, 6, 7, 8, 9]
    assert problems(store) == []
    assert verify(store)[0].pruned == 3
    fill(store, 2)
    while store.retain({"audit": 0.0}, NOW + 7):
        pass
    assert problems(store, 2) == []
    # The two of the second time have early times.
    assert [row["id"] for row in rows(store)] == [7, 8, 9]


def test_spans_that_touch_become_one(store: Database) -> None:
    fill(store, 9)
    for moment in (3, 5, 8):
        store.retain({"audit": 0.0}, NOW + moment)
    with store.reading() as connection:
        found = [(row.first, row.last) for row in connection.execute(SPANS.select())]
    assert found == [(1, 7)]


def test_a_span_that_was_changed_or_removed_shows(store: Database) -> None:
    fill(store, 9)
    store.retain({"audit": 0.0}, NOW + 5)
    with store.writing() as connection:
        connection.execute(update(SPANS).values(hash=b"\2" * 32))
    assert problems(store) == [(4, CHANGED)]
    with store.writing() as connection:
        connection.execute(delete(SPANS))
    assert problems(store) == [(1, REMOVED)]


def test_two_writers_at_once_make_one_chain(url: str) -> None:
    stores = [Database(url, replica=name) for name in ("one", "two")]
    for store in stores:
        store.open()

    def write(store: Database, name: str) -> None:
        ledger = AuditLedger()
        for number in range(20):
            append(store, ledger, [entry(number, f"{name} {number % 4}"), entry(number, "both")])

    threads = [threading.Thread(target=write, args=(store, str(place))) for place, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = rows(stores[0])
    assert [row["id"] for row in found] == list(range(1, 81))
    assert {row["replica"] for row in found} == {"one", "two"}
    assert problems(stores[1]) == []
    assert {one.actor for one in everything(stores[0])} == {
        "both",
        *(f"{a} {b}" for a in "01" for b in range(4)),
    }
    for store in stores:
        store.close()


def test_an_event_is_there_once_also_twice_in_one_transaction(store: Database) -> None:
    ledger = AuditLedger()
    twice = [("audit:a", entry(1)), ("audit:a", entry(2)), ("audit:b", entry(3))]
    assert append(store, ledger, twice) == [1, None, 2]
    assert append(store, ledger, [("audit:b", entry(4)), ("audit:c", entry(5))]) == [None, 3]
    assert problems(store) == []


def test_a_transaction_that_fails_leaves_no_key_that_only_a_process_has(store: Database) -> None:
    ledger = AuditLedger()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="planted"), store.writing() as connection:
            ledger.append(connection, [(None, entry(1, "ann"))])
            # The same person once more in the transaction: read, and still not in the store.
            ledger.append(connection, [(None, entry(2, "ann"))])
            raise RuntimeError("planted")
    append(store, ledger, [entry(3, "ann")])
    append(store, AuditLedger(), [entry(4, "ann")])
    assert [one.actor for one in everything(store)] == ["ann", "ann"]
    assert problems(store) == []


@pytest.mark.parametrize("text", ["nul \0 half \ud800", "x" * 5000, "\N{SNOWMAN}"])
def test_whatever_a_caller_writes_the_chain_stays_whole(store: Database, text: str) -> None:
    odd = AuditEntry(
        *(NOW, text, text, text, text, text, text, text, text),
        user_agent=text,
        details={"text": text, "deep": [text, {"a": 1e300}]},
    )
    store.write([AuditBatch([odd, odd])])
    assert problems(store) == []
    assert everything(store)[0].details == odd.details


def test_numbers_of_any_kind_keep_their_hash(store: Database) -> None:
    times = [1, 1.5, 1_795_000_000.123456, 0.1 + 0.2]
    append(store, AuditLedger(), [AuditEntry(at, "ann", "a") for at in times])
    assert problems(store) == []
