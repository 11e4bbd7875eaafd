"""What the audit remembers of people: found by name, seen at places, reviewed, and erased for good."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, select, text

from exporter.core.audit import AuditEntry, Novelty, SignIn
from exporter.core.store import Filter
from exporter.core.stored_event import StoredEvent
from exporter.store.database import Database
from exporter.store.ledger import AuditBatch, AuditLedger, SignInBatch
from exporter.store.migrate import MIGRATIONS, migrate, steps, upgrade
from exporter.store.places import DAY
from exporter.store.subjects import audit, events
from exporter.store.subjects.audit_people import PLACE
from exporter.store.subjects.audit_people import TABLE as PERSON
from tests.store.audit_book import NOW, append, entry, everything, problems, rows

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


class Notebook:
    """A judge that notes what it is given, and flags whom it knows to be in a new country."""

    def __init__(self) -> None:
        self.novelties: list[Novelty] = []

    def judge(self, entry: AuditEntry, novelty: Novelty) -> AuditEntry:
        self.novelties.append(novelty)
        return replace(entry, risk=10)

    def judge_country(self, sign_in: SignIn) -> AuditEntry:
        return AuditEntry(sign_in.at, sign_in.actor, "sign_in.new_country", risk=65, flag="new_country")


def erase(store: Database, ledger: AuditLedger, actor: str, tenant: str | None = None) -> int:
    said = AuditEntry(NOW + 100, "token:ops", "audit.erased")
    with store.writing() as connection:
        return ledger.erase(connection, [(actor, tenant, said)])[0]


def review(store: Database, ledger: AuditLedger, number: int, note: str = "it was me") -> str:
    said = AuditEntry(NOW + 50, "token:ops", "audit.reviewed", details={"note": note})
    with store.writing() as connection:
        return ledger.review(connection, [(number, said)])[0]


def by(store: Database, **fields: str) -> list[int | None]:
    return [one.id for one in everything(store, Filter(fields=tuple(fields.items())))]


def seen(store: Database, ledger: AuditLedger, address: str, country: str = "", **more: Any) -> Novelty:
    notebook = Notebook()
    ledger._judge = notebook
    append(store, ledger, [entry(address=address, country=country, **more)])
    return notebook.novelties[-1]


def test_an_entry_is_found_by_everything_that_is_sealed_in_it(store: Database) -> None:
    ledger = AuditLedger()
    append(store, ledger, [entry(1), entry(2, actor="ben", address="2001:db8::7"), entry(3, resource="x")])
    append(store, ledger, [entry(4, outcome="refused", flag="score", risk=70)])
    assert by(store, actor="ann") == [4, 3, 1]
    assert by(store, actor="nobody") == []
    assert by(store, address="2001:db8::7") == [2]
    assert by(store, resource="order:1") == [1]
    assert by(store, resource="order:1", address="192.0.2.8") == []
    assert by(store, outcome="refused") == by(store, flag="score") == [4]
    assert by(store, action_class="change") == [4, 3, 2, 1]


def test_nothing_personal_stands_openly_in_the_row(store: Database) -> None:
    planted = entry(1, actor="ann@example.com", address="203.0.113.77", resource="user:ann", country="DE")
    append(store, AuditLedger(), [replace(planted, user_agent="Ann's browser", details={"mail": "a@b.c"})])
    (row,) = rows(store)
    sealed = row["sealed"]
    shown = str({name: value for name, value in row.items() if value is not sealed})
    assert "DE" not in shown  # in what is sealed two letters come by chance
    for secret in ("ann@example.com", "Ann", "203.0.113.77", "a@b.c"):
        assert secret not in shown and secret.encode() not in sealed


def test_an_erased_person_can_be_read_by_nobody_and_the_chain_is_whole(store: Database) -> None:
    ledger, other = AuditLedger(), AuditLedger()
    append(store, ledger, [entry(1), entry(2, actor="ben"), entry(3)])
    append(store, other, [entry(4)])
    assert erase(store, ledger, "ann") == 1
    found = everything(store)
    assert [one.actor for one in found] == ["token:ops", "erased:1", "erased:1", "ben", "erased:1"]
    gone = found[1]
    assert (gone.resource, gone.address, gone.country, gone.user_agent, dict(gone.details)) == ("",) * 4 + (
        {},
    )
    assert (gone.action, gone.outcome, gone.at) == ("order.changed", "success", NOW + 4)
    assert found[0].resource == "person:1"
    assert by(store, actor="ann") == []
    assert problems(store) == []
    # Another replica had the key in its memory: what comes now is another person, and can be read.
    append(store, other, [entry(5)])
    assert by(store, actor="ann") == [6]
    assert erase(store, ledger, "ann") == 1
    assert problems(store) == []


def test_one_who_erases_herself_is_erased(store: Database) -> None:
    ledger = AuditLedger()
    append(store, ledger, [entry(1, actor="token:ops")])
    assert erase(store, ledger, "token:ops") == 1
    assert [one.actor for one in everything(store)] == ["erased:1", "erased:1"]
    assert problems(store) == []


def test_an_erasure_is_of_a_tenant_or_of_all(store: Database) -> None:
    ledger = AuditLedger()
    append(
        store, ledger, [entry(number, tenant=tenant) for number, tenant in enumerate(("", "acme", "beta"))]
    )
    assert erase(store, ledger, "ann", "acme") == 1
    assert by(store, actor="ann") == [3, 1]
    assert erase(store, ledger, "ann") == 2
    assert erase(store, ledger, "ann") == 0, "nobody is there any more, and that is an entry too"
    assert len(rows(store)) == 7
    assert problems(store) == []


def test_sign_ins_and_places_of_an_erased_person_go(store: Database) -> None:
    ledger = AuditLedger(Notebook())
    sign_ins = [SignIn(NOW, "acme", actor, "192.0.2.1", "DE", failed=False) for actor in ("ann", "Ann")]
    stored = [
        StoredEvent(NOW, "auth", "", "", "acme", "audit", {"outcome": "success", "actor": actor})
        for actor in ("ann", "Ann", "ann%", 'a"nn')
    ]
    store.write([SignInBatch(sign_ins, ledger), events.EventBatch(stored)])
    append(store, ledger, [entry(1, tenant="acme", country="DE")])
    assert erase(store, ledger, "ann") == 1
    left = store.read(lambda connection: events.query(connection, "auth")).rows
    assert sorted(one.fields["actor"] for one in left) == ["Ann", 'a"nn', "ann%"]
    with store.reading() as connection:
        # Those of "Ann", at her address and in her country.
        assert len(connection.execute(select(PLACE.c.id)).all()) == 2


def test_the_bytes_of_an_erased_key_are_no_longer_in_the_table(store: Database) -> None:
    ledger = AuditLedger()
    append(store, ledger, [entry(1)])
    erase(store, ledger, "ann")
    with store.reading() as connection:
        assert [row.actor for row in connection.execute(select(PERSON.c.actor))] == ["token:ops"]


def test_a_place_is_new_once_and_never_the_first_one(store: Database) -> None:
    ledger = AuditLedger()
    assert seen(store, ledger, "192.0.2.1", "DE") == Novelty()
    assert seen(store, ledger, "192.0.2.1", "DE") == Novelty()
    assert seen(store, ledger, "192.0.2.2", "DE") == Novelty(address=True)
    assert seen(store, ledger, "192.0.2.2", "PT") == Novelty(country=True)
    assert seen(store, ledger, "192.0.2.2", "pt") == Novelty(), "apps write countries in either case"
    assert seen(store, ledger, "198.51.100.1", "DE", actor="ben") == Novelty()
    assert seen(store, ledger, "198.51.100.1", "US", tenant="beta") == Novelty(), "another tenant's ann"


def test_a_restart_and_another_replica_know_the_places(store: Database) -> None:
    assert seen(store, AuditLedger(), "192.0.2.1") == Novelty()
    assert seen(store, AuditLedger(), "192.0.2.1") == Novelty()
    assert seen(store, AuditLedger(), "192.0.2.2") == Novelty(address=True)


def test_what_failed_teaches_no_place(store: Database) -> None:
    ledger = AuditLedger()
    seen(store, ledger, "192.0.2.1")
    assert seen(store, ledger, "192.0.2.9", outcome="refused") == Novelty()
    assert seen(store, ledger, "192.0.2.9") == Novelty(address=True)


def test_places_in_one_batch_are_judged_one_after_the_other(store: Database) -> None:
    notebook = Notebook()
    entries = [entry(number, address=f"192.0.2.{number}") for number in (1, 2, 2, 1)]
    append(store, AuditLedger(notebook), entries)
    assert [one.address for one in notebook.novelties] == [False, True, False, False]


def test_a_place_in_use_outlives_retention_and_others_are_forgotten(store: Database) -> None:
    ledger = AuditLedger()
    for day in range(5):
        seen(store, ledger, "192.0.2.1", number=int(day * DAY))
    seen(store, ledger, "192.0.2.2", number=0)
    while store.retain({"audit": 2 * DAY}, NOW + 5 * DAY):
        pass
    with store.reading() as connection:
        assert len(connection.execute(select(PLACE.c.id)).all()) == 1
    assert seen(store, AuditLedger(), "192.0.2.1", number=int(5 * DAY)) == Novelty()


def test_a_sign_in_from_a_new_country_becomes_an_entry(store: Database) -> None:
    ledger = AuditLedger(Notebook())
    for country in ("DE", "DE", "PT"):
        store.write([SignInBatch([SignIn(NOW, "", "ann", "", country, failed=False)], ledger)])
    assert [(one.actor, one.flag, one.risk) for one in everything(store)] == [("ann", "new_country", 65)]


def test_a_review_is_an_entry_and_there_is_one(store: Database) -> None:
    ledger = AuditLedger()
    append(store, ledger, [entry(1, tenant="acme", risk=90, flag="score"), entry(2, risk=10)])
    assert store.read(audit.unreviewed) == {"acme": (1, 90)}
    assert by(store, review="open") == [1]
    assert review(store, ledger, 1) == ""
    assert [review(store, ledger, number) for number in (1, 2, 77)] == ["reviewed", "not flagged", "missing"]
    assert store.read(audit.unreviewed) == {}
    (found,) = everything(store, Filter(fields=(("review", "done"),)))
    assert found.review is not None
    assert (found.review.reviewer, found.review.note) == ("token:ops", "it was me")
    assert everything(store)[0].tenant == "acme", "a review is of the tenant of its entry"
    assert problems(store) == []


def test_a_flagged_entry_outlives_retention_until_it_is_reviewed(store: Database) -> None:
    ledger = AuditLedger()
    append(store, ledger, [entry(1), entry(2, risk=90, flag="score"), entry(3)])

    def retain() -> list[int]:
        while store.retain({"audit": DAY}, NOW + 10 * DAY):
            pass
        return [row["id"] for row in rows(store)]

    assert retain() == [2]
    assert problems(store) == []
    assert review(store, ledger, 2) == ""
    assert retain() == []
    assert problems(store) == []


def test_a_review_never_goes_before_what_it_reviews(store: Database) -> None:
    ledger = AuditLedger()
    # The clock of an app may be some minutes ahead.
    append(store, ledger, [entry(300, risk=90, flag="score")])
    review(store, ledger, 1)
    assert rows(store)[1]["at"] == NOW + 300


def test_an_erasure_outlives_retention_for_it_says_why_a_key_is_missing(store: Database) -> None:
    ledger = AuditLedger()
    append(store, ledger, [entry(1, risk=90, flag="score"), entry(2)])
    erase(store, ledger, "ann")
    while store.retain({"audit": DAY}, NOW + 10 * DAY):
        pass
    assert [row["action"] for row in rows(store)] == ["order.changed", "audit.erased"]
    assert problems(store) == []


def _before_the_chain() -> str:
    names = sorted(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    place = next(number for number, name in enumerate(names) if name.endswith("_audit_chain.py"))
    return steps()[place - 1]


OLD = (
    "INSERT INTO audit (id, at, integration, tenant, actor, action, resource, outcome, address, country, "
    "user_agent, count, details, once, replica) VALUES (:id, :at, '', 'acme', :actor, 'user.delete', "
    ":resource, 'success', '192.0.2.1', 'DE', 'curl', 1, :details, :once, 'old')"
)


def _old_rows(connection: Connection) -> None:
    upgrade(connection, to=_before_the_chain())
    for number in (3, 4, 9):
        row = {"id": number, "at": NOW + number, "actor": f"ann {number % 2}", "resource": f"user:{number}"}
        broken = {"details": '{"a": [1]}' if number != 4 else "{broken", "once": f"audit:{number}"}
        connection.execute(text(OLD), row | broken)


def test_entries_of_an_older_store_are_in_the_chain(url: str) -> None:
    database = Database(url)
    engine = create_engine(database.url)
    with engine.begin() as connection:
        _old_rows(connection)
        migrate(connection)
    engine.dispose()
    database.open()
    found = everything(database)
    assert [(one.id, one.actor, one.resource) for one in found] == [
        (3, "ann 1", "user:9"),
        (2, "ann 0", "user:4"),
        (1, "ann 1", "user:3"),
    ]
    newest = found[0]
    assert (newest.at, newest.tenant, newest.replica) == (NOW + 9, "acme", "old")
    assert newest.address == "192.0.2.1"
    assert [dict(one.details) for one in found] == [{"a": [1]}, {}, {"a": [1]}]
    assert problems(database) == []
    ledger = AuditLedger()
    assert append(database, ledger, [("audit:3", entry(1)), (None, entry(2, actor="ann 1"))]) == [None, 4]
    assert by(database, actor="ann 1") == [3, 1, 4], "she is found in every tenant"
    assert erase(database, ledger, "ann 1", "acme") == 1
    assert problems(database) == []
    database.close()


def test_a_copy_of_the_file_is_a_chain_too(tmp_path: Path) -> None:
    store = Database(f"sqlite:///{tmp_path}/state.db")
    store.open()
    store.write([AuditBatch([entry(1), entry(2)])])
    store.close()
    shutil.copy(tmp_path / "state.db", tmp_path / "copy.db")
    copy = Database(f"sqlite:///{tmp_path}/copy.db")
    copy.open()
    assert problems(copy) == []
    copy.close()
