"""Exemplars of events: from a bucket of a histogram to the newest event in it, in OpenMetrics only."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics_parser

from exporter.core.metric import Kind, Metric, Scope
from exporter.events._references import reference_of
from exporter.exposition import Exemplar, Exposition
from exporter.ingest.counters import EventCounters
from tests.ingest.reporting import NOW, Desk, desk, event

parsed: Any = openmetrics_parser.text_string_to_metric_families  # has no types

LABELS = ("le", "shop", "route", "endpoint", "source")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TOOK = Metric(
    "integration_took_seconds",
    "How long.",
    Kind.HISTOGRAM,
    "seconds",
    ("shop",),
    Scope.EXPORTER,
    buckets=(0.1, 1.0),
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


def render(counters: EventCounters, exposition: Exposition, *, openmetrics: bool = True) -> str:
    for _ in counters.show():
        pass
    return exposition.render(openmetrics, False).decode()


def exemplars(text: str) -> dict[tuple[str, ...], tuple[dict[str, str], float, float]]:
    """Return what a reader of OpenMetrics finds, by bound and shop or route."""
    found = {}
    for family in parsed(text):
        for sample in family.samples:
            if sample.exemplar is not None:
                place = tuple(sample.labels[name] for name in LABELS if name in sample.labels)
                mark = sample.exemplar
                found[place] = (dict(mark.labels), mark.value, float(mark.timestamp))
    return found


async def test_a_request_with_a_trace_id_is_the_exemplar_of_its_bucket(house: Desk) -> None:
    await house.send(event("api_request", trace_id=TRACE, duration=0.7, user="ann@example.com"))
    text = render(house.counters, house.exposition)
    assert exemplars(text) == {("1.0", "/orders/{id}"): ({"trace_id": TRACE}, 0.7, NOW)}
    assert "ann" not in text
    assert TRACE not in house.body()


async def test_the_newest_of_a_bucket_wins_and_a_late_one_does_not(house: Desk) -> None:
    def at(seconds: float) -> str:
        return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()

    for age, sign in ((-60, "a"), (-30, "b"), (-3000, "c")):
        await house.send(event("api_request", trace_id=sign * 32, at=at(age)))
        render(house.counters, house.exposition)
    await house.send(event("api_request"))  # without a trace id it leaves the one there is
    ((labels, _, when),) = exemplars(render(house.counters, house.exposition)).values()
    assert (labels, when) == ({"trace_id": "b" * 32}, NOW - 30)


async def test_calls_of_ai_services_and_webhooks_lead_to_the_ids_of_vendors(house: Desk) -> None:
    await house.send(
        event("ai_usage", duration=2.0, request_id="req_011CSHoEeqs5C35K2UUqR7Fy"),
        event("webhook", duration=0.2, event_id="evt_1NG8Du2eZvKYlo2CUI79vXWy"),
    )
    found = [labels for labels, _, _ in exemplars(render(house.counters, house.exposition)).values()]
    assert sorted(found, key=str) == [
        {"event_id": "evt_1NG8Du2eZvKYlo2CUI79vXWy"},
        {"request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"},
    ]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("7f3e8a52-1c9e-4a0d-8a7b-3f0e9d2c1b5a", True),
        ("req_011CSHoEeqs5C35K2UUqR7Fy", True),
        ("chatcmpl-9QxK2f7sJ4bT8vN3mZ6w", True),
        ("4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("", False),
        (None, False),
        ("ann@example.com", False),
        ("ann.miller", False),
        ("AnnMillerBerlin", False),
        ("4242424242424242", False),
        ("+491701234567", False),
        ("192.0.2.7", False),
        ("sk_live_0123456789abcdefghij", False),
        ("sk-0123456789abcdefghij", False),
        ("whsec_0123456789abcdefghij", False),
        ("order 7041 of Ann Miller", False),
        ("a1" * 60, False),
    ],
)
def test_only_what_looks_like_an_id_becomes_an_exemplar(text: str | None, fits: bool) -> None:
    assert reference_of("request_id", text) == (("request_id", text) if fits else None)


async def test_what_is_longer_than_openmetrics_allows_is_left_out(house: Desk) -> None:
    """A kind to come may bring another id: it must not cost the scrape."""
    from exporter.ingest.events import _exemplar

    assert _exemplar(("trace_id", "a" * 120), 1.0, NOW) is not None
    assert _exemplar(("trace_id", "a" * 121), 1.0, NOW) is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["north", "south", "east"]),
        st.sampled_from([0.05, 0.5, 5.0]),
        st.none() | st.text("0123456789abcdef", min_size=1, max_size=6),
        st.booleans(),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(history=steps)
def test_however_it_is_rendered_each_bucket_shows_its_newest(
    history: list[tuple[str, float, str | None, bool]],
) -> None:
    exposition = Exposition()
    counters = EventCounters(exposition)
    expected: dict[tuple[str, ...], tuple[dict[str, str], float, float]] = {}
    counts = dict[str, int]()
    for number, (shop, value, trace, look) in enumerate(history):
        mark = Exemplar((("trace_id", trace),), value, float(number)) if trace else None
        counters.observe(TOOK, (shop,), value, mark)
        counts[shop] = counts.get(shop, 0) + 1
        if trace:
            bound = {0.05: "0.1", 0.5: "1.0", 5.0: "+Inf"}[value]
            expected[bound, shop] = ({"trace_id": trace}, value, float(number))
        if look:
            assert exemplars(render(counters, exposition)) == expected
    text = render(counters, exposition)
    assert exemplars(text) == expected
    assert ({f'{shop}"}} {float(count)}' for shop, count in counts.items()} <= set(_counts(text))) is True
    plain = render(counters, exposition, openmetrics=False)
    assert "#" not in "".join(line for line in plain.splitlines() if not line.startswith("#"))


def _counts(text: str) -> list[str]:
    """Return the end of each line of a count: the shop and the number."""
    begin = 'integration_took_seconds_count{shop="'
    return [line.removeprefix(begin) for line in text.splitlines() if line.startswith(begin)]


def test_series_that_go_take_their_exemplars_along() -> None:
    exposition = Exposition()
    counters = EventCounters(exposition)
    for shop in ("north", "south"):
        counters.observe(TOOK, (shop,), 0.5, Exemplar((("trace_id", shop),), 0.5, 1.0))
    render(counters, exposition)
    counters.keep(TOOK, lambda labels: labels[0] == "south")
    assert set(exemplars(render(counters, exposition))) == {("1.0", "south")}
    counters.observe(TOOK, ("south",), 0.05)
    assert set(exemplars(render(counters, exposition))) == {("1.0", "south")}


def test_thousands_of_series_of_one_family_are_written_once_each() -> None:
    """What one owner has is put together piece by piece: its text is not searched for each series."""
    exposition = Exposition()
    counters = EventCounters(exposition)
    for number in range(5000):
        counters.observe(TOOK, (f"s{number}",), 0.5)
    text: Any = render(counters, exposition)
    assert text.count("integration_took_seconds_count") == 5000
