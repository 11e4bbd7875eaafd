"""Histograms: buckets, count and sum as prometheus_client writes them, with exemplars on buckets."""

import gzip
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.samples import Exemplar as ClientExemplar
from prometheus_client.utils import floatToGoString

from exporter.core.metric import HistogramValue, Kind, Metric
from exporter.exposition import Exemplar, Exposition, Series, bucket_labels
from exporter.exposition.shards import SLOTS
from tests.exposition.bodies import BLOCKS, LATENCY, SIZE, Put, filled, healthy, histogram_values, tenant

parsed: Any = openmetrics_parser.text_string_to_metric_families  # has no types
go_string: Any = floatToGoString
WAIT = Metric(
    "integration_made_wait_seconds", 'A "wait".', Kind.HISTOGRAM, unit="seconds", buckets=(0.1, 1, 2.5)
)
NAMES = ("integration", "provider", "tenant")


def observed(metric: Metric, values: Sequence[float]) -> HistogramValue:
    """What a histogram of `metric` holds after `values`."""
    bounds = (*metric.buckets, float("inf"))
    places = [next(n for n, bound in enumerate(bounds) if value <= bound) for value in values]
    return HistogramValue(tuple(places.count(n) for n in range(len(bounds))), sum(values))


@pytest.mark.parametrize("openmetrics", [False, True])
@pytest.mark.parametrize("metric", [LATENCY, WAIT])
def test_observed_values_are_written_as_the_histogram_of_prometheus_client_writes_them(
    metric: Metric, openmetrics: bool
) -> None:
    registry = CollectorRegistry()
    theirs = Histogram(
        metric.name, metric.help, NAMES, unit=metric.unit, buckets=metric.buckets, registry=registry
    )
    exposition = Exposition()
    for number, values in enumerate(([], [0.0], [0.1, 1.0, 2.0, 1e7], [0.3, 0.30000000000000004, 1e300])):
        child = theirs.labels("payments", "stripe", f"t{number}")
        for value in values:
            child.observe(value)
        exposition.put(number, tenant(number), [(metric, (), observed(metric, values))])
    generate: Any = generate_openmetrics if openmetrics else generate_latest
    # It adds when a child was made, a family of its own that cannot be left out for one registry alone.
    lines = [line for line in generate(registry).splitlines(keepends=True) if b"_created" not in line]
    assert exposition.render(openmetrics, False) == b"".join(lines)


@settings(max_examples=100, deadline=None)
@given(value=histogram_values(WAIT), found=st.lists(st.none() | st.floats(0.0, 9.0), min_size=4, max_size=4))
def test_exemplars_stand_behind_their_buckets_in_openmetrics_alone(
    value: HistogramValue, found: list[float | None]
) -> None:
    marks = {
        bucket_labels(WAIT, (), number): Exemplar((("trace_id", '"\\\n'),), number, 5.5)
        for number in found
        if number is not None
    }
    exposition = Exposition()
    exposition.put(
        0, tenant(0), [(WAIT, (), value)], {(WAIT, own): exemplar for own, exemplar in marks.items()}
    )
    theirs = HistogramMetricFamily(WAIT.name, WAIT.help, labels=NAMES, unit=WAIT.unit)
    buckets: list[Any] = []
    for bound, below in zip((*WAIT.buckets, float("inf")), value.line_values, strict=False):
        le = go_string(bound)
        mark = marks.get((("le", le),))
        theirs_mark = mark and ClientExemplar(dict(mark.labels), mark.value, mark.at)
        buckets.append((le, below, theirs_mark) if mark else (le, below))
    theirs.add_metric([text for _, text in tenant(0)], buckets, value.sum)
    registry: Any = type("Registry", (), {"collect": lambda _self: [theirs]})()
    generate: Any = generate_openmetrics
    assert exposition.render(True, False) == generate(registry)
    assert exposition.render(False, False) == generate_latest(registry)


@pytest.mark.parametrize(
    ("value", "bound"),
    [(0.0, "0.1"), (0.1, "0.1"), (0.11, "1.0"), (2.5, "2.5"), (2.6, "+Inf"), (float("inf"), "+Inf")],
)
def test_an_exemplar_belongs_to_the_bucket_that_its_value_falls_into(value: float, bound: str) -> None:
    assert bucket_labels(WAIT, (("zone", "eu"),), value) == (("zone", "eu"), ("le", bound))


def test_an_exemplar_of_a_whole_histogram_is_refused() -> None:
    exemplar = Exemplar((("trace_id", "a"),), 1.0, 5.0)
    with pytest.raises(ValueError, match="is no counter and no bucket"):
        Exposition().put(0, (), [(WAIT, (), observed(WAIT, []))], {(WAIT, ()): exemplar})


def test_a_histogram_that_moves_is_not_rendered_again() -> None:
    before, after = observed(WAIT, [0.1, 2.0]), observed(WAIT, [0.1, 2.0, 2.1, 3.0])
    exposition = filled([(tenant(n), [(WAIT, (), before), *healthy(n)]) for n in range(2)])
    exposition.render(False, True)
    assert exposition.move(("target", 1), [(WAIT.name, after.line_values)])
    assert not exposition.move(("target", 1), [(WAIT.name, after.line_values[1:])])
    renewed = filled([(tenant(n), [(WAIT, (), (before, after)[n]), *healthy(n)]) for n in range(2)])
    assert exposition.render(True, False) == renewed.render(True, False)
    assert gzip.decompress(exposition.render(False, True)) == renewed.render(False, False)


async def test_many_histograms_make_one_family_that_is_counted_by_its_series() -> None:
    many: list[Put] = [(tenant(n), [(WAIT, (), observed(WAIT, [n]))]) for n in range(SLOTS + 7)]
    exposition = filled(many)
    assert exposition.counts() == {WAIT.name: 6 * len(many)}
    body = exposition.render(True, False)
    (family,) = parsed(body.decode())
    assert (family.name, family.type, family.unit) == (WAIT.name, "histogram", "seconds")
    assert len(family.samples) == 6 * len(many)
    assert await exposition.render_async(True, False) == body
    for n in range(len(many)):
        exposition.drop(("target", n))
    assert exposition.counts() == {}


def test_a_histogram_that_comes_twice_is_written_once_and_its_series_counted() -> None:
    first, second = (WAIT, (), observed(WAIT, [0.1])), (WAIT, (), observed(WAIT, [2.0]))
    exposition = filled([(tenant(0), [first, second])])
    assert exposition.render(True, False) == filled([(tenant(0), [first])]).render(True, False)
    assert exposition.duplicates == 6
    exposition.put("twin", tenant(0), [second])
    assert exposition.render(True, False) == filled([(tenant(0), [first])]).render(True, False)
    assert exposition.duplicates == 12


def test_promtool_accepts_histograms() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    samples: list[Series] = [
        (LATENCY, (), observed(LATENCY, [0.0, 3.0, 1e9])),
        (SIZE, (("zone", 'e"\\\nu'),), observed(SIZE, [1, 2])),
        (BLOCKS, (), 2.0),
    ]
    body = filled([(tenant(n), samples) for n in range(3)]).render(False, False)
    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"buckets": ()}, "histograms, and only histograms, have buckets"),
        ({"kind": Kind.GAUGE}, "histograms, and only histograms, have buckets"),
        ({"buckets": (1, 1)}, "ascend"),
        ({"buckets": (2, 1)}, "ascend"),
        ({"buckets": (1, float("inf"))}, "the bucket up to infinity is implied"),
        ({"buckets": (float("nan"),)}, "finite"),
        ({"buckets": (-1, 1)}, "not negative"),
        ({"dated": True}, "no dated fact"),
        ({"name": "integration_made_total"}, "only counters"),
        ({"name": "integration_made_bucket"}, "end the names of a histogram's series"),
        ({"name": "integration_made_count"}, "end the names of a histogram's series"),
        ({"labels": ("le",)}, "odd label 'le'"),
    ],
)
def test_a_histogram_that_the_formats_cannot_hold_is_refused(changes: dict[str, Any], problem: str) -> None:
    good: dict[str, Any] = {
        "name": "integration_made",
        "help": "Made.",
        "kind": Kind.HISTOGRAM,
        "buckets": (1,),
    }
    Metric(**good)
    with pytest.raises(ValueError, match=problem):
        Metric(**good | changes)


def test_a_sample_of_a_histogram_has_a_count_for_each_bucket() -> None:
    value = observed(SIZE, [0.5, 1.0, 7.0])
    sample = SIZE(value, zone="eu")
    assert (sample.value, sample.labels) == (HistogramValue((2, 1), 8.5), ("eu",))
    assert SIZE.series_names == tuple(f"{SIZE}_{end}" for end in ("bucket", "count", "sum"))
    assert (value.count, value.line_values) == (3, (2, 3, 3, 8.5))
    with pytest.raises(TypeError, match="has no single value"):
        _ = sample.number
    with pytest.raises(ValueError, match="takes 2 counts, not 3"):
        SIZE(HistogramValue((1, 2, 3), 1.0), zone="eu")
    with pytest.raises(ValueError, match="take a HistogramValue"):
        SIZE(1.0, zone="eu")
    with pytest.raises(ValueError, match="take a HistogramValue"):
        BLOCKS(value)
