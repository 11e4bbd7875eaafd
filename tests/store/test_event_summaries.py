"""Summaries of events on both databases: they add up, by tenant and over all, and become days."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.core.event_summary import ALL_TENANTS, API, EventKey, EventStatistic, EventSummary, EventWindow
from exporter.core.hours import DAY, HourRange
from exporter.core.store import Filter, Subject
from exporter.core.summary import HOUR, bucket_of
from exporter.store.database import Database
from exporter.store.subjects import event_summaries as subject
from exporter.store.subjects.event_summaries import EventSummaryBatch

HOUR_0 = 20_790 * DAY + 7 * HOUR
FIRST_DAY = HourRange(HOUR_0, HOUR_0 + DAY)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    is_file = request.param == "sqlite"
    return f"sqlite:///{tmp_path}/state.db" if is_file else str(request.getfixturevalue("database"))


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    made = Database(url)
    made.open()
    yield made
    made.close()


def key(
    hour: int = 0, tenant: str = "acme", route: str = "/", outcome: str = "", topic: str = API
) -> EventKey:
    return topic, tenant, HOUR_0 + hour * HOUR, "", route, "GET", outcome


def batch(*keys: EventKey, number: int = 1, seconds: float = 0.1, amount: float = 0.5) -> EventSummaryBatch:
    made = EventSummary(number, amount, {bucket_of(seconds): number})
    return EventSummaryBatch(dict.fromkeys(keys, made))


def ask(
    store: Database,
    *by: str,
    tenant: str | None = None,
    tenants: set[str] | None = None,
    hours: HourRange = FIRST_DAY,
) -> dict[Subject, EventStatistic]:
    window = EventWindow(API, hours, by, "", tenant, tenants)
    return store.read(lambda connection: subject.statistics(connection, window))


def test_what_is_written_adds_up_however_often_and_by_whom(store: Database, url: str) -> None:
    other = Database(url)  # of another replica, or of the process after a restart
    other.open()
    store.write([batch(key(), key(outcome="server"))])
    other.write([batch(key(), seconds=10.0)])
    store.write([batch(key(1))])
    other.close()
    (found,) = ask(store, "name", tenant="acme").values()
    assert (found.number, found.failed, found.reasons) == (4, 1, {"server": 1})
    assert found.amount == pytest.approx(2.0)
    assert found.latency(0.5) == pytest.approx(0.1, rel=0.101)
    assert found.latency(0.99) == pytest.approx(10.0, rel=0.101)


def test_the_sum_over_tenants_is_kept_beside_each_of_them(store: Database) -> None:
    store.write([batch(key(), key(tenant="globex"), key(tenant=""), key(tenant="globex", route="/a"))])
    assert {name: one.number for (name,), one in ask(store, "name").items()} == {"/": 3, "/a": 1}
    assert {name: one.number for (name,), one in ask(store, "name", tenant="globex").items()} == {
        "/": 1,
        "/a": 1,
    }
    assert [one.number for one in ask(store, tenants={"acme", "globex"}).values()] == [3]


def test_a_caller_that_is_bound_never_gets_the_sum_over_all(store: Database) -> None:
    store.write([batch(key(), key(tenant="globex"))])
    assert ask(store, tenants=set()) == {}
    assert ask(store, tenant=ALL_TENANTS) == {}
    assert ask(store, tenant=ALL_TENANTS, tenants={"acme"}) == {}
    assert ask(store, tenants={ALL_TENANTS}) == {}
    assert ask(store, tenant="globex", tenants={"acme"}) == {}


def test_what_is_beyond_the_limit_of_subjects_counts_in_the_sum_alone(store: Database) -> None:
    store.write([batch(key(), key(tenant=ALL_TENANTS))])
    assert [one.number for one in ask(store).values()] == [2]
    assert [one.number for one in ask(store, tenants={"acme"}).values()] == [1]


def test_old_hours_become_days_and_nothing_is_lost(store: Database) -> None:
    midnight = HOUR_0 // DAY * DAY
    for hour in range(30):
        store.write([batch(key(hour), key(hour, outcome="client"), number=3_000_000_000)])
    whole = HourRange(midnight, midnight + 3 * DAY)
    before = ask(store, "name", "day", hours=whole)
    assert {int(day): one.number for (_, day), one in before.items()} == {
        midnight: 17 * 6_000_000_000,
        midnight + DAY: 13 * 6_000_000_000,
    }
    with store.writing() as connection:
        while subject.fold(connection, HOUR_0 + 40 * DAY):
            pass
    assert ask(store, "name", "day", hours=whole) == before
    assert {int(hour) for (hour,) in ask(store, "hour", hours=whole)} == {midnight, midnight + DAY}


def test_a_late_event_joins_the_day_that_its_hour_became(store: Database) -> None:
    def fold() -> None:
        with store.writing() as connection:
            while subject.fold(connection, HOUR_0 + 10 * DAY):
                pass

    store.write([batch(key())])
    fold()
    store.write([batch(key(2))])
    fold()
    midnight = HOUR_0 // DAY * DAY
    (found,) = ask(store, "hour", hours=HourRange(midnight, midnight + DAY)).items()
    assert (found[0], found[1].number) == ((str(midnight),), 2)


def test_hours_that_are_young_stay_hours(store: Database) -> None:
    store.write([batch(key(), key(1))])
    with store.writing() as connection:
        assert subject.fold(connection, HOUR_0 + 2 * DAY) == 0
    assert len(ask(store, "hour")) == 2


def test_what_is_too_old_is_deleted_a_day_late_at_most(store: Database) -> None:
    store.write([batch(key(), key(24 * 40))])
    now = HOUR_0 + 100 * DAY
    while store.retain({"statistics": 90 * DAY}, now):
        pass
    window = HourRange(0, HOUR_0 + 200 * DAY)
    assert [one.number for one in ask(store, hours=window).values()] == [1]


def test_whether_there_is_anything_of_a_tenant(store: Database) -> None:
    store.write([batch(key())])

    def has(topics: tuple[str, ...], **chosen: Any) -> bool:
        return store.read(lambda connection: subject.has(connection, Filter(**chosen), topics))

    assert has((API,), tenant="acme") and has((API,))
    assert not has((API,), tenant="globex")
    assert not has((API,), tenant=ALL_TENANTS)
    assert not has((API,), integration="payments")
    assert not has(("payment",), tenant="acme")


def test_the_first_hour_of_a_window_is_found(store: Database) -> None:
    store.write([batch(key(3), key(5))])
    window = EventWindow(API, HourRange(HOUR_0, HOUR_0 + DAY))
    assert store.read(lambda connection: subject.first_hour(connection, window)) == HOUR_0 + 3 * HOUR
    none = EventWindow("payment", HourRange(HOUR_0, HOUR_0 + DAY))
    assert store.read(lambda connection: subject.first_hour(connection, none)) is None


def test_batches_that_wait_are_joined_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = EventSummaryBatch()
    waiting.merge(batch(key()))
    waiting.merge(batch(key()))
    waiting.merge(batch(key(1)))
    assert (waiting.size, waiting.summaries[key()].number) == (2, 2)
    monkeypatch.setattr(subject, "MOST", 1)
    assert waiting.cut(1) == 1 and list(waiting.summaries) == [key(1)]
