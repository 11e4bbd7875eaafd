"""What events come to in their hours: each is counted once, by its subject, within bounds."""

import ast
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exporter.events
from exporter.core import event_summary
from exporter.core.event import Tally
from exporter.core.event_settings import EventSettings
from exporter.core.event_summary import (
    AI,
    ALL_TENANTS,
    API,
    COUNTRY,
    PAYMENT,
    SIGN_IN,
    TIMED,
    TRAFFIC,
    WIDGET,
    EventStatistic,
    EventSummaries,
    EventWindow,
)
from exporter.core.hours import DAY, HourRange, hour_of
from exporter.core.store import Subject
from exporter.core.summary import HOUR
from exporter.core.webhook_metrics import SERIES_DROPPED
from exporter.exposition import Exposition
from exporter.ingest import event_tallies
from exporter.ingest.counters import EventCounters
from exporter.ingest.event_tallies import DROPPED, EventTallies
from exporter.store.batch import Batch
from exporter.store.subjects.event_summaries import EventSummaryBatch, statistics
from tests.ingest.reporting import NOW, SETTINGS, Desk, configuration, desk, event


class Stand:
    """Tallies without a store: what was handed over, and the series of what was dropped."""

    def __init__(self, limit: int = 1000) -> None:
        self.counters = EventCounters(Exposition())
        self.batches: list[EventSummaries] = []
        self.tallies = EventTallies(self.counters, self._take)
        self.tallies.limit = limit

    def _take(self, batch: Batch) -> None:
        assert isinstance(batch, EventSummaryBatch)
        self.batches.append(batch.summaries)

    def record(self, route: str = "/", tenant: str = "acme", at: float = NOW, **more: Any) -> None:
        self.tallies.record(Tally(API, route, "GET", **more), at, "", tenant)

    def take(self) -> EventSummaries:
        self.tallies.hand_over()
        whole = EventSummaryBatch()
        for one in self.batches:
            whole.merge(EventSummaryBatch(one))
        self.batches.clear()
        return whole.summaries

    @property
    def dropped(self) -> Any:
        return self.counters.value(SERIES_DROPPED, (DROPPED,))


@settings(deadline=None)
@given(
    durations=st.lists(st.floats(0.001, 99.9), min_size=1, max_size=500),
    share=st.sampled_from([0.5, 0.95, 0.99]),
    parts=st.integers(1, 4),
)
def test_percentiles_are_within_ten_percent_of_the_true_ones_however_they_are_joined(
    durations: list[float], share: float, parts: int
) -> None:
    stand, found = Stand(), EventStatistic()
    for number, seconds in enumerate(durations):
        stand.record(at=NOW + (number % parts) * HOUR, seconds=seconds)
    for summary in stand.take().values():
        found.add("", summary.number, summary.amount, summary.latencies)
    true = sorted(durations)[math.ceil(share * len(durations)) - 1]
    assert found.latency(share) == pytest.approx(true, rel=0.101)
    assert found.number == len(durations)


def test_each_event_is_counted_in_the_hour_that_it_is_of() -> None:
    stand, midnight = Stand(), NOW // DAY * DAY
    for at in (midnight - 0.5, midnight, midnight + HOUR, midnight - 3 * DAY):
        stand.record(at=at)
    assert {key[2] for key in stand.take()} == {
        midnight - HOUR,
        midnight,
        midnight + HOUR,
        midnight - 3 * DAY,
    }


def test_what_is_handed_over_is_not_counted_again() -> None:
    stand = Stand()
    stand.record(number=3, amount=0.5)
    (summary,) = stand.take().values()
    assert (summary.number, summary.amount) == (3, 0.5)
    stand.tallies.hand_over()
    assert stand.batches == []
    stand.record()
    (summary,) = stand.take().values()
    assert summary.number == 1


def test_tenants_beyond_the_limit_count_for_all_of_them_together() -> None:
    stand = Stand(limit=2)
    for tenant in ("a", "b", "c", "d", "c", "a"):
        stand.record(tenant=tenant, seconds=0.1)
    found = {key[1]: one.number for key, one in stand.take().items()}
    assert found == {"a": 2, "b": 1, ALL_TENANTS: 3}
    assert stand.dropped == 3
    stand.record(tenant="b")
    assert stand.dropped == 3


def test_a_million_tenants_are_few_rows() -> None:
    stand = Stand(limit=100)
    for number in range(20_000):
        stand.record(tenant=f"t{number}")
    found = stand.take()
    assert len(found) == 101
    assert sum(one.number for one in found.values()) == 20_000


def test_the_next_day_has_room_again_but_a_late_event_makes_none() -> None:
    stand = Stand(limit=1)
    stand.record(tenant="a")
    stand.record(tenant="b", at=NOW - 2 * DAY)
    stand.record(tenant="b", at=NOW + DAY)
    assert {(key[1], key[2]) for key in stand.take()} == {
        ("a", hour_of(NOW)),
        (ALL_TENANTS, hour_of(NOW - 2 * DAY)),
        ("b", hour_of(NOW + DAY)),
    }


def test_what_is_too_much_for_the_memory_is_handed_over_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_tallies, "MOST", 10)
    stand = Stand()
    for hour in range(25):
        stand.record(at=NOW - hour * HOUR)
    assert [len(one) for one in stand.batches] == [10, 10]
    assert len(stand.take()) == 25


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


def counted(
    house: Desk, topic: str, *by: str, tenants: set[str] | None = None
) -> dict[Subject, EventStatistic]:
    """Return what the store has of a topic in all hours."""
    house.intake.tallies.hand_over()
    window = EventWindow(topic, HourRange(0, int(NOW) + DAY), by, tenants=tenants)
    return house.database.read(lambda connection: statistics(connection, window))


async def test_requests_are_counted_by_route_method_and_fault(house: Desk) -> None:
    request = {"route": "/orders/7041", "method": "get", "duration": 0.2}
    await house.send(
        *(event("api_request", **request | {"status": status}) for status in (200, 200, 404, 503, 0)),
        event("api_request", integration="payments", tenant="acme"),
    )
    found = counted(house, API, "integration", "name", "variant")
    own = found["", "/orders/{id}", "GET"]
    assert (own.number, own.reasons) == (5, {"client": 1, "server": 1, "timeout": 1})
    assert own.latency(0.5) == pytest.approx(0.2, rel=0.101)
    assert found["payments", "/orders/{id}", "GET"].number == 1
    assert [one.number for one in counted(house, API, tenants={"acme"}).values()] == [1]


async def test_calls_to_ai_services_are_counted_with_their_cost(house: Desk) -> None:
    await house.send(
        event("ai_usage", cost=0.25, duration=3.0),
        event("ai_usage", status="timeout"),
        event("ai_usage", status="nonsense", cost=0.05),
    )
    (found,) = counted(house, AI, "name").values()
    assert (found.number, found.reasons) == (3, {"timeout": 1, "error": 1})
    assert found.amount == pytest.approx(0.3)


async def test_payments_are_counted_by_currency_and_family_and_only_paid_money_counts(house: Desk) -> None:
    await house.send(
        event("payment", amount=10.0, currency="eur"),
        event("payment", outcome="declined", decline_code="insufficient_funds", amount=9.0, currency="EUR"),
        event("payment", outcome="declined", amount=9.0),
        event("payment", outcome="disputed", amount=10.0, currency="EUR"),
    )
    found = counted(house, PAYMENT, "name", "variant")
    assert {subject: (one.amount, dict(one.outcomes)) for subject, one in found.items()} == {
        ("EUR", ""): (10.0, {"": 1, "disputed": 1}),
        ("EUR", "funds"): (0.0, {"declined": 1}),
        ("", "other"): (0.0, {"declined": 1}),
    }


async def test_widgets_views_and_sign_ins_are_counted(house: Desk) -> None:
    await house.send(
        event("widget", release="1.2", duration=0.5),
        event("widget", release="1.2", outcome="script_error", duration=9.0),
        event("traffic", client="bot", country="de", views=40),
        event("traffic"),
        event("auth", method="password", country="FR", outcome="failure"),
        event("auth"),
    )
    (widget,) = counted(house, WIDGET, "name", "variant").values()
    assert (widget.subject, widget.reasons) == (("donate", "1.2"), {"script_error": 1})
    assert widget.latency(1.0) == pytest.approx(0.5, rel=0.101)  # failures say nothing of how long loads take
    assert {one.subject: one.number for one in counted(house, TRAFFIC, "name", "variant").values()} == {
        ("/", "bot"): 40,
        ("/", "human"): 1,
    }
    assert {one.subject: one.number for one in counted(house, COUNTRY, "name", "variant").values()} == {
        ("DE", "bot"): 40
    }
    assert {one.subject: one.failed for one in counted(house, SIGN_IN, "name", "variant").values()} == {
        ("", ""): 0,
        ("password", "FR"): 1,
    }


async def test_what_is_refused_repeated_or_not_stored_counts_for_nothing(house: Desk) -> None:
    house.broken = True
    with pytest.raises(Exception, match="planted"):
        await house.send(event("payment", id="one"), event("traffic"))
    assert counted(house, PAYMENT) == counted(house, TRAFFIC) == {}
    house.broken = False
    await house.send(event("payment", id="one"), event("payment", id="one"), event("payment", outcome="lost"))
    await house.send(event("payment", id="one"))
    assert [one.number for one in counted(house, PAYMENT).values()] == [1]


async def test_an_event_of_last_week_counts_there(house: Desk) -> None:
    at = NOW - 6 * DAY
    await house.send(event("traffic", at=datetime.fromtimestamp(at, UTC).isoformat()))
    ((hour,),) = counted(house, TRAFFIC, "hour")
    assert int(hour) == hour_of(at)


async def test_after_a_restart_counts_go_on_where_they_were(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        async with desk(tmp_path) as made:
            await made.send(event("api_request"))
            assert [one.number for one in counted(made, API).values()] == [number]


async def test_the_limit_of_series_is_that_of_subjects_and_nothing_personal_is_a_subject(house: Desk) -> None:
    house.intake.apply(configuration(EventSettings(series_limit=3, metrics=SETTINGS.metrics)))
    assert house.intake.tallies.limit == 3
    planted = ("ann@example.com", "4242424242424242", "sk_live_0123456789abcdef")
    for text in planted:
        await house.send(
            event("api_request", route=f"/{text}", method=text[:20], user=text, address=text),
            event("ai_usage", endpoint=text, status=text, request_id=text, error=text),
            event("payment", provider=text, decline_code=text, payment_id=text),
            event("widget", widget=text, release=text, route=text, error=text),
            event("traffic", route=f"/{text}"),
            event("auth", method=text, actor=text, address=text, reason=text),
        )
    for topic in (API, AI, PAYMENT, WIDGET, TRAFFIC, COUNTRY, SIGN_IN):
        words = " ".join(" ".join(subject) for subject in counted(house, topic, "name", "variant"))
        assert not any(text in words for text in planted)


def test_topics_whose_events_took_a_time_are_those_whose_latencies_are_read() -> None:
    timed, others = set[str](), set[str]()
    for path in sorted(Path(exporter.events.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Tally":
                topic = node.args[0]
                assert isinstance(topic, ast.Name)
                has_time = len(node.args) > Tally._fields.index("seconds") or any(
                    one.arg == "seconds" for one in node.keywords
                )
                (timed if has_time else others).add(getattr(event_summary, topic.id))
    assert timed == TIMED and others and not others & TIMED
