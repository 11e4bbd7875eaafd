"""The body equals what prometheus_client writes for the same samples."""

import asyncio
import gzip
import io
import shutil
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as text_families

from exporter.core import common_metrics
from exporter.core.metric import HistogramValue, Metric
from exporter.exposition import Exposition
from exporter.exposition.shards import SLOTS
from tests.exposition.bodies import (
    BLOCKS,
    Put,
    Samples,
    client,
    commons,
    filled,
    healthy,
    narrow,
    puts,
    series,
    tenant,
    values,
)

parsed_openmetrics: Any = openmetrics_parser.text_string_to_metric_families  # has no types


@pytest.mark.parametrize("openmetrics", [False, True])
@settings(max_examples=200, deadline=None)
@given(found=puts)
def test_the_body_is_byte_for_byte_that_of_prometheus_client(found: list[Put], openmetrics: bool) -> None:
    assert filled(found).render(openmetrics, False) == client(Samples(found), openmetrics)


@settings(max_examples=60, deadline=None)
@given(found=puts)
def test_every_way_to_render_gives_the_same_bytes(found: list[Put]) -> None:
    exposition = filled(found)
    plain = exposition.render(True, False)
    assert gzip.decompress(exposition.render(True, True)) == plain
    assert asyncio.run(exposition.render_async(True, False)) == plain
    assert gzip.decompress(asyncio.run(exposition.render_async(True, True))) == plain


def another(value: float | HistogramValue, fresh: float) -> float | HistogramValue:
    """The next value of a series: `fresh`, or a histogram that counted one more."""
    if isinstance(value, HistogramValue):
        return HistogramValue((*value.counts[:-1], value.counts[-1] + 1), value.sum + abs(fresh))
    return fresh


@settings(max_examples=200, deadline=None)
@given(found=puts, fresh=st.lists(values, min_size=48, max_size=48), looks=st.booleans())
def test_values_that_move_leave_the_body_that_a_put_of_them_leaves(
    found: list[Put], fresh: list[float], looks: bool
) -> None:
    exposition, numbers = filled(found), iter(fresh)
    if looks:
        exposition.render(False, True)
    renewed = [
        (common, [(metric, own, another(value, next(numbers))) for metric, own, value in was])
        for common, was in found
    ]
    for number, (common, samples) in enumerate(renewed):
        by_name: dict[str, list[float]] = {}
        for metric, _, value in samples:
            lines = value.line_values if isinstance(value, HistogramValue) else (value,)
            by_name.setdefault(metric.name, []).extend(lines)
        if not exposition.move(("target", number), list(by_name.items())):
            exposition.put(("target", number), common, samples)
    assert exposition.render(True, False) == filled(renewed).render(True, False)
    assert gzip.decompress(exposition.render(False, True)) == filled(renewed).render(False, False)


def test_values_that_do_not_fit_the_lines_are_refused() -> None:
    exposition = filled([(tenant(1), healthy(1))])
    phases, key = common_metrics.PHASE_DURATION.name, ("target", 0)
    assert exposition.move(key, [(common_metrics.LAST_RUN.name, (5.0,)), (phases, (1.0, 2.0))])
    assert not exposition.move(key, [(phases, (1.0,))])
    assert not exposition.move(key, [(phases, (1.0, 2.0, 3.0))])
    assert not exposition.move(key, [(common_metrics.NEXT_RUN.name, (1.0,))])
    assert not exposition.move(("target", "stranger"), [(common_metrics.LAST_RUN.name, (1.0,))])


steps = st.lists(st.tuples(st.integers(0, 4), st.none() | st.tuples(commons | narrow, series)), max_size=20)


@settings(max_examples=200, deadline=None)
@given(history=steps, looks=st.lists(st.booleans(), min_size=20, max_size=20))
def test_what_was_put_before_leaves_no_trace(
    history: list[tuple[int, Put | None]], looks: list[bool]
) -> None:
    exposition, last = Exposition(), dict[Hashable, Put]()
    for (key, put), look in zip(history, looks, strict=False):
        if put is None:
            exposition.drop(key)
            last.pop(key, None)
        else:
            exposition.put(key, *put)
            last[key] = put
        if look:
            exposition.render(False, True)
    seen = exposition.render(False, False)
    fresh = client(Samples(last.values()), openmetrics=False)
    assert series_of(seen) == series_of(fresh)
    assert seen.count(b"# TYPE") == fresh.count(b"# TYPE")
    assert gzip.decompress(exposition.render(False, True)) == seen


def series_of(body: bytes) -> list[bytes]:
    """The series without their values: of two doubles either may stand once keys have moved."""
    return sorted(line.rpartition(b" ")[0] for line in body.split(b"\n") if not line.startswith(b"#"))


def test_many_shards_make_one_family_with_one_head() -> None:
    many = [(tenant(number), healthy(number)) for number in range(3 * SLOTS + 7)]
    exposition = filled(many)
    for openmetrics in (False, True):
        assert exposition.render(openmetrics, False) == client(Samples(many), openmetrics)
    assert exposition.render(False, False).count(b"# HELP integration_probe_success ") == 1
    assert exposition.counts()["integration_probe_phase_duration_seconds"] == 2 * len(many)


def test_two_puts_for_one_key_leave_the_second() -> None:
    exposition = filled([(tenant(0), healthy(0))])
    exposition.put(("target", 0), tenant(0), [(common_metrics.SUCCESS, (), 0.0)])
    assert exposition.render(False, False) == client(
        Samples([(tenant(0), [(common_metrics.SUCCESS, (), 0.0)])]), openmetrics=False
    )


def test_a_family_that_loses_its_last_series_vanishes() -> None:
    exposition = filled([(tenant(0), healthy(0)), (tenant(1), [(common_metrics.SUCCESS, (), 1.0)])])
    exposition.drop(("target", 0))
    exposition.drop(("target", "stranger"))
    body = exposition.render(True, False).decode()
    assert "last_run" not in body
    assert exposition.counts() == {"integration_probe_success": 1}
    exposition.drop(("target", 1))
    assert exposition.render(True, False) == b"# EOF\n"
    assert exposition.render(False, False) == b""
    assert gzip.decompress(exposition.render(False, True)) == b""


def test_the_place_of_a_dropped_key_is_used_again() -> None:
    exposition = filled([(tenant(number), healthy(number)) for number in range(SLOTS)])
    for number in range(5 * SLOTS):
        exposition.drop(("target", number))
        exposition.put(("target", number + SLOTS), tenant(number + SLOTS), healthy(number))
    assert exposition.counts()["integration_probe_success"] == SLOTS
    assert len(exposition._groups) == 1


def test_a_series_of_two_keys_is_written_once_and_counted() -> None:
    exposition = filled(
        [(tenant(0), [(common_metrics.SUCCESS, (), 1.0)]), (tenant(1), [(common_metrics.SUCCESS, (), 1.0)])]
    )
    twin = (("tenant", "t0"), ("integration", "payments"), ("provider", "stripe"))
    exposition.put("twin", twin, [(common_metrics.SUCCESS, (), 0.0), (common_metrics.CONFIGURED, (), 1.0)])
    body = exposition.render(False, False).decode()
    assert body.count('integration_probe_success{integration="payments",provider="stripe",tenant="t0"}') == 1
    assert 'tenant="t0"} 0.0' not in body
    assert "integration_configured{" in body
    assert exposition.duplicates == 1
    assert exposition.counts()["integration_probe_success"] == 2
    exposition.drop(("target", 0))
    assert 'tenant="t0"} 0.0' in exposition.render(False, False).decode()


def test_a_series_of_two_keys_of_unlike_shape_is_written_once() -> None:
    exposition = filled([(tenant(0), [(common_metrics.SUCCESS, (), 1.0)])])
    exposition.put("whole", (), [(common_metrics.SUCCESS, tenant(0), 0.0)])
    assert exposition.render(False, False).endswith(b'tenant="t0"} 1.0\n')
    assert exposition.counts() == {"integration_probe_success": 1}
    assert exposition.duplicates == 1


def test_a_series_that_one_key_gives_twice_is_written_once_and_counted() -> None:
    exposition = filled([(tenant(0), [(common_metrics.SUCCESS, (), 1.0), (common_metrics.SUCCESS, (), 0.0)])])
    assert exposition.render(False, False).endswith(b'tenant="t0"} 1.0\n')
    assert exposition.duplicates == 1


def test_a_sample_cannot_pose_as_another_target() -> None:
    exposition = filled([(tenant(0), [(common_metrics.INFO, (("tenant", "t1"), ("plan", "gold")), 1.0)])])
    assert b'plan="gold",provider="stripe",tenant="t0"} 1.0' in exposition.render(False, False)


def test_a_gauge_and_a_counter_of_one_stem_make_two_families_in_openmetrics() -> None:
    gauge = Metric("integration_made_blocks", "Blocks now.")
    exposition = filled([(tenant(0), [(gauge, (), 2.0), (BLOCKS, (), 5.0)])])
    families = list(parsed_openmetrics(exposition.render(True, False).decode()))
    assert [(family.name, family.type) for family in families] == [
        ("integration_made_blocks", "gauge"),
        ("integration_made_blocks_total", "unknown"),
    ]


def test_half_a_character_costs_itself_and_nothing_else() -> None:
    exposition = filled([(tenant(0), [(common_metrics.INFO, (("plan", "\ud800"),), 1.0)])])
    assert b'plan="?"' in exposition.render(False, False)


def test_the_body_is_one_gzip_member_that_a_streaming_reader_reads_whole() -> None:
    exposition = filled([(tenant(number), healthy(number)) for number in range(1000)])
    packed = exposition.render(False, True)
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert reader.decompress(packed) == exposition.render(False, False)
    assert reader.eof
    assert reader.unused_data == b""
    assert gzip.GzipFile(fileobj=io.BytesIO(packed)).read() == exposition.render(False, False)


def test_a_machine_without_isal_sends_the_same_body() -> None:
    script = """
import gzip, sys
sys.modules["isal"] = None
from tests.exposition.test_exposition import filled, healthy, tenant
exposition = filled([(tenant(number), healthy(number)) for number in range(1000)])
assert gzip.decompress(exposition.render(True, True)) == exposition.render(True, False)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_only_shards_that_changed_are_compressed_again() -> None:
    exposition = filled([(tenant(number), healthy(number)) for number in range(2 * SLOTS)])
    exposition.render(False, True)
    shards = {(name, number): shard for number, g in exposition._groups.items() for name, shard in g.items()}
    before = {place: shard.compressed for place, shard in shards.items()}
    exposition.put(("target", 3), tenant(3), healthy(3, at=9.0))
    exposition.render(False, True)
    changed = {place for place, shard in shards.items() if shard.compressed is not before[place]}
    assert changed == {(common_metrics.LAST_RUN.name, 0), (common_metrics.PHASE_DURATION.name, 0)}


@pytest.mark.parametrize("packed", [False, True])
async def test_a_render_in_slices_lets_others_run_and_shows_one_moment(packed: bool) -> None:
    size = 80_000  # fewer are done within one slice
    exposition = filled([(tenant(number), healthy(number, 0.0)) for number in range(size)])
    turns: list[float] = []

    async def others() -> None:
        while True:
            turns.append(time.perf_counter())
            for number in (0, size - 1):
                exposition.put(("target", number), tenant(number), healthy(number, float(len(turns))))
            exposition.render(openmetrics=False, gzip=False)
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    found = await exposition.render_async(True, packed)
    task.cancel()
    assert len(turns) > 1
    body = (gzip.decompress(found) if packed else found).decode()
    lines = [line for line in body.splitlines() if '"connect"' in line]
    assert len(lines) == size
    assert lines[0].rpartition(" ")[2] == lines[-1].rpartition(" ")[2]


async def test_two_scrapes_at_one_time_get_whole_bodies() -> None:
    exposition = filled([(tenant(number), healthy(number)) for number in range(5_000)])
    bodies = await asyncio.gather(*(exposition.render_async(False, packed) for packed in (True, True, False)))
    assert gzip.decompress(bodies[0]) == gzip.decompress(bodies[1]) == bodies[2]


def registry_of_the_process() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("integration_exporter_made", "Counted.", ("level",), registry=registry).labels("info").inc(3)
    Gauge("integration_probe_success", "Not ours to give.", registry=registry)
    Histogram("integration_exporter_lag_seconds", "Lag.", registry=registry).observe(0.2)
    return registry


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("openmetrics", [False, True])
async def test_the_process_adds_its_own_families_to_a_legal_body(openmetrics: bool, packed: bool) -> None:
    exposition = filled([(tenant(0), [*healthy(0), (common_metrics.PROBES, (), 1.0)])])
    registry = registry_of_the_process()
    body = exposition.render(openmetrics, packed, registry)
    assert body == await exposition.render_async(openmetrics, packed, registry)
    text = (gzip.decompress(body) if packed else body).decode()
    parse: Any = parsed_openmetrics if openmetrics else text_families
    names = [family.name for family in parse(text)]
    assert len(names) == len(set(names))
    assert {"integration_exporter_made", "integration_exporter_lag_seconds", "integration_probes"} <= set(
        names
    )
    assert text.count("# EOF") == (1 if openmetrics else 0)
    assert "Not ours to give" not in text


def test_promtool_finds_nothing_to_complain_of() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    exposition = filled(
        [(tenant(n), [*healthy(n), (common_metrics.INFO, (("plan", 'g"\n\\'),), 1.0)]) for n in range(9)]
    )
    exposition.put(
        "integration", tenant(0)[:2], [(common_metrics.PROBES, (), 4.0), (common_metrics.CRITICAL, (), 1.0)]
    )
    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposition.render(False, False), capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_lines_do_not_pile_up_while_nobody_scrapes() -> None:
    """What waits to be joined would take as much memory as the body once more."""
    exposition = Exposition()
    tracemalloc.start()
    for run in range(3):
        for number in range(SLOTS * 4):
            exposition.put(("target", number), tenant(number), healthy(number, run))
    before, _ = tracemalloc.get_traced_memory()
    exposition.render(False, False)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert before < 1.2 * after
