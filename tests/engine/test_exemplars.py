"""Exemplars: the way from a rise of a counter to the run that made it, in OpenMetrics only."""

import asyncio
import gzip
from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.samples import Exemplar as ClientExemplar

from exporter.core import common_metrics
from exporter.core.metric import Kind, Metric
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.engine.counters import Counters
from exporter.exposition import Exemplar, Exemplars, Exposition, Labels, Series
from exporter.exposition.shards import SLOTS
from tests.exposition.bodies import BLOCKS, WAITED, Samples, client, tenant, texts, values

parsed: Any = openmetrics_parser.text_string_to_metric_families  # has no types

own_labels = st.dictionaries(st.sampled_from(["reason", "a"]), texts, max_size=2).map(
    lambda found: tuple(sorted(found.items()))
)
exemplars = st.builds(
    Exemplar,
    st.dictionaries(st.sampled_from(["trace_id", "span_id"]), texts, max_size=2).map(
        lambda found: tuple(found.items())
    ),
    values,
    st.floats(0, 4e9),
)
counted = st.dictionaries(
    st.tuples(st.sampled_from([common_metrics.PROBES, BLOCKS, WAITED]), own_labels),
    st.tuples(values, st.none() | exemplars),
    max_size=5,
)
Counted = dict[tuple[Metric, Labels], tuple[float, Exemplar | None]]


class Marked(Samples):
    """The samples of prometheus_client with its own exemplars."""

    def __init__(self, found: dict[int, Counted]) -> None:
        super().__init__([])
        for number, counts in found.items():
            for (metric, own), (value, exemplar) in counts.items():
                theirs = exemplar and ClientExemplar(dict(exemplar.labels), exemplar.value, exemplar.at)
                labels = dict((*own, *tenant(number)))
                self._family(metric).add_sample(metric.name, labels, value, exemplar=theirs)


def put(exposition: Exposition, number: int, counts: Counted) -> None:
    series: list[Series] = [(metric, own, value) for (metric, own), (value, _) in counts.items()]
    given = {key: exemplar for key, (_, exemplar) in counts.items() if exemplar}
    exposition.put(number, tenant(number), series, given)


@settings(max_examples=200, deadline=None)
@given(found=st.lists(counted, max_size=5))
def test_exemplars_are_byte_for_byte_those_of_prometheus_client(found: list[Counted]) -> None:
    exposition = Exposition()
    for number, counts in enumerate(found):
        put(exposition, number, counts)
    expected = dict(enumerate(found))
    body = exposition.render(True, False)
    assert body == client(Marked(expected), openmetrics=True)
    assert exposition.render(False, False) == client(Marked(expected), openmetrics=False)
    assert gzip.decompress(exposition.render(True, True)) == body
    assert asyncio.run(exposition.render_async(True, False)) == body


steps = st.lists(st.tuples(st.integers(0, 4), st.none() | counted, st.booleans()), max_size=20)


@settings(max_examples=200, deadline=None)
@given(history=steps)
def test_an_exemplar_that_was_replaced_leaves_no_trace(
    history: list[tuple[int, Counted | None, bool]],
) -> None:
    exposition, last = Exposition(), dict[int, Counted]()
    for number, counts, look in history:
        if counts is None:
            exposition.drop(number)
            last.pop(number, None)
        else:
            put(exposition, number, counts)
            last[number] = counts
        if look:
            exposition.render(True, True)
    for openmetrics in (True, False):  # the order of keys may differ: places are used again
        fresh = client(Marked(last), openmetrics).split(b"\n")
        assert sorted(exposition.render(openmetrics, False).split(b"\n")) == sorted(fresh)


def test_a_shard_without_exemplars_is_the_same_piece_in_both_formats() -> None:
    exposition = Exposition()
    for number in range(2 * SLOTS):
        counts: Counted = {(BLOCKS, ()): (1.0, None)}
        put(exposition, number, counts)
    put(exposition, 2 * SLOTS, {(BLOCKS, ()): (1.0, Exemplar((("trace_id", "a"),), 1.0, 5.0))})
    exposition.render(True, False)
    family = exposition._families[BLOCKS.name]
    text, marked = list(family.segments()), list(family.segments(exemplars=True))
    assert [one is other for one, other in zip(text, marked, strict=True)] == [True, True, False]


def test_what_is_no_counter_and_what_is_too_long_has_no_exemplar() -> None:
    exposition = Exposition()
    short = Exemplar((("trace_id", "a"),), 1.0, 5.0)
    with pytest.raises(ValueError, match="is no counter"):
        exposition.put("x", (), [], {(common_metrics.SUCCESS, ()): short})
    with pytest.raises(ValueError, match="too long"):
        exposition.put("x", (), [], {(BLOCKS, ()): short._replace(labels=(("trace_id", "a" * 121),))})


def test_keys_of_the_same_labels_keep_their_exemplars_while_they_share_no_family() -> None:
    """A tenant's target, and what apps report of the tenant: one has the labels of the other."""
    exposition, mark = Exposition(), Exemplar((("trace_id", "a"),), 1.0, 5.0)
    other = Metric("integration_made_orders_total", "Orders.", Kind.COUNTER)
    for key, metric in (("first", common_metrics.SUCCESS), ("second", BLOCKS), ("third", other)):
        exemplars: dict[tuple[Metric, Labels], Exemplar] = {}
        if metric is not common_metrics.SUCCESS:
            exemplars[metric, ()] = mark
        exposition.put(key, tenant(0), [(metric, (), 1.0)], exemplars)
    assert exposition.render(True, False).count(b"trace_id") == 2
    exposition.put("fourth", tenant(0), [(other, (), 2.0)])
    body = exposition.render(True, False)
    assert body.count(b"trace_id") == 1 and exposition.duplicates == 1
    assert body.count(b"integration_made_orders_total{") == 1


@pytest.mark.parametrize("gone", ["first", "second", None])
def test_a_key_that_takes_the_labels_of_others_is_compared_with_those_that_are_left(gone: str | None) -> None:
    exposition = Exposition()
    for number, key in enumerate(("first", "second")):
        exposition.put(key, tenant(0), [((BLOCKS, common_metrics.SUCCESS)[number], (), 1.0)])
    exposition.put("third", tenant(1), [(BLOCKS, (), 2.0), (common_metrics.SUCCESS, (), 1.0)])
    if gone:
        exposition.drop(gone)
    exposition.put("third", tenant(0), [(BLOCKS, (), 2.0), (common_metrics.SUCCESS, (), 1.0)])
    body = exposition.render(False, False)
    lines = [line for line in body.splitlines() if not line.startswith(b"#")]
    assert len(lines) == len({line.rpartition(b" ")[0] for line in lines}) == 2
    assert exposition.duplicates == (1 if gone else 2)


@pytest.mark.parametrize("double", [False, True])
def test_where_the_format_forbids_exemplars_there_are_none(double: bool) -> None:
    """A counter that lost its type to a gauge of its name, and a family that is weeded line by line."""
    exposition = Exposition()
    put(exposition, 0, {(BLOCKS, ()): (1.0, Exemplar((("trace_id", "a"),), 1.0, 5.0))})
    assert b"trace_id" in exposition.render(True, False)
    key: Hashable = "other"
    if double:
        exposition.put(key, tenant(0), [(BLOCKS, (), 2.0)])
    else:
        exposition.put(key, tenant(1), [(Metric("integration_made_blocks", "Blocks now."), (), 2.0)])
    body = exposition.render(True, False)
    assert b"trace_id" not in body
    assert list(parsed(body.decode()))


def test_the_newest_failure_of_each_reason_is_reported_by_its_trace_id() -> None:
    counters = Counters(critical=False)
    for at, reason, trace in ((1.0, Reason.AUTH, "a"), (2.0, Reason.DNS, "b"), (3.0, Reason.AUTH, "c")):
        counters.count(Result(at, 0.5, reason, trace_id=trace))
    counters.count(Result(4.0, 0.5, trace_id="good"))
    counters.count(Result(5.0, 0.5, Reason.TIMEOUT))
    message: Exemplars = counters.exemplars()
    assert {own[0][1]: (found.labels, found.value, found.at) for (_, own), found in message.items()} == {
        "auth": ((("trace_id", "c"),), 1.0, 3.5),
        "dns": ((("trace_id", "b"),), 1.0, 2.5),
    }
