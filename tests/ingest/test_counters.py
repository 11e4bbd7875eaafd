"""What others report is counted by its labels, in a bounded number of series."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.core.metric import Kind, Metric, Scope
from exporter.core.webhook_metrics import SERIES_DROPPED
from exporter.exposition import Exposition
from exporter.ingest.counters import EventCounters

ORDERS = Metric("integration_orders_total", "Orders.", Kind.COUNTER, labels=("shop",), scope=Scope.TENANT)
WAIT = Metric("integration_wait", "How many wait.", labels=("queue",), scope=Scope.EXPORTER)
TOOK = Metric(
    "integration_took_seconds",
    "How long.",
    Kind.HISTOGRAM,
    "seconds",
    ("shop",),
    Scope.EXPORTER,
    buckets=(0.1, 1.0),
)


NOTHING_DROPPED = {f'{SERIES_DROPPED}{{metric="{metric}"}} 0.0' for metric in (ORDERS, WAIT, TOOK)}
"""Is there from the start for each metric, so that a first drop is seen to rise."""


def lines(counters: EventCounters, exposition: Exposition) -> list[str]:
    for _ in counters.show():
        pass
    shown = exposition.render(False, False).decode().splitlines()
    return [line for line in shown if line[0] != "#" and line not in NOTHING_DROPPED]


def test_counts_are_shown_with_their_labels() -> None:
    exposition = Exposition()
    counters = EventCounters(exposition)
    counters.add(ORDERS, ("acme", "north"))
    counters.add(ORDERS, ("acme", "north"), 2)
    counters.add(ORDERS, ("acme", "south"), 0)
    counters.set(WAIT, ("mail",), 7)
    assert lines(counters, exposition) == [
        'integration_orders_total{shop="north",tenant="acme"} 3.0',
        'integration_orders_total{shop="south",tenant="acme"} 0.0',
        'integration_wait{queue="mail"} 7.0',
    ]


def test_a_histogram_counts_each_value_in_its_bucket() -> None:
    exposition = Exposition()
    counters = EventCounters(exposition)
    for value in (0.1, 0.5, 3.0):
        counters.observe(TOOK, ("north",), value)
    assert lines(counters, exposition) == [
        'integration_took_seconds_bucket{le="0.1",shop="north"} 1.0',
        'integration_took_seconds_bucket{le="1.0",shop="north"} 2.0',
        'integration_took_seconds_bucket{le="+Inf",shop="north"} 3.0',
        'integration_took_seconds_count{shop="north"} 3.0',
        'integration_took_seconds_sum{shop="north"} 3.6',
    ]


def test_what_is_beyond_the_limit_is_counted_and_not_kept() -> None:
    exposition = Exposition()
    counters = EventCounters(exposition, limit=2)
    for shop in ("a", "b", "c", "d", "a"):
        counters.add(ORDERS, ("acme", shop))
    shown = lines(counters, exposition)
    assert 'integration_exporter_event_series_dropped_total{metric="integration_orders_total"} 2.0' in shown
    assert 'integration_orders_total{shop="a",tenant="acme"} 2.0' in shown
    assert len(shown) == 3


def test_what_is_forgotten_leaves_room_and_the_exposition() -> None:
    exposition = Exposition()
    counters = EventCounters(exposition, limit=2)
    counters.add(ORDERS, ("acme", "a"))
    counters.add(ORDERS, ("globex", "a"))
    assert len(lines(counters, exposition)) == 2
    counters.keep(ORDERS, lambda labels: labels[0] == "acme")
    assert lines(counters, exposition) == ['integration_orders_total{shop="a",tenant="acme"} 1.0']
    counters.add(ORDERS, ("initech", "a"))
    assert counters.value(SERIES_DROPPED, (ORDERS.name,)) == 0


def test_drops_are_counted_from_zero_on() -> None:
    exposition = Exposition()
    counters = EventCounters(exposition, limit=1)
    counters.add(ORDERS, ("acme", "a"))
    assert counters.value(SERIES_DROPPED, (ORDERS.name,)) == 0
    counters.add(ORDERS, ("acme", "b"))
    assert counters.value(SERIES_DROPPED, (ORDERS.name,)) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("add", "observe", "keep", "show")),
            st.sampled_from(("acme", "globex", "")),
            st.sampled_from(("north", 'so"uth', "w\nest")),
            st.sampled_from((0.0, 1.0, 0.25)),
        ),
        max_size=40,
    )
)
def test_however_often_it_is_shown_the_lines_are_those_of_one_showing(
    steps: list[tuple[str, str, str, float]],
) -> None:
    often, once = Exposition(), Exposition()
    first, second = EventCounters(often), EventCounters(once)
    for kind, tenant, shop, amount in steps:
        for counters in (first, second):
            if kind == "add":
                counters.add(ORDERS, (tenant, shop), amount)
            elif kind == "observe":
                counters.observe(TOOK, (shop,), amount)
            elif kind == "keep":
                counters.keep(ORDERS, lambda labels, gone=tenant: labels[0] != gone)  # type: ignore[misc]
        if kind == "show":
            lines(first, often)
    assert sorted(lines(first, often)) == sorted(lines(second, once))
