"""What checks come to: every run is counted once, in its hour, and handed over in good time."""

import math
import statistics
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.probe import Result, Target
from exporter.core.reason import Reason
from exporter.core.summary import BUCKETS, FOLD, HOUR, Summaries, Summary, bucket_of, quantile, typical
from exporter.engine.board import TargetState
from exporter.engine.hourly_summaries import HAND_OVER, HourlySummaries
from tests.engine.making import made_target

START = 1_795_000_000.0 // HOUR * HOUR


def record(
    hourly: HourlySummaries,
    state: TargetState,
    at: float,
    reason: Reason | None = None,
    seconds: float = 0.1,
) -> None:
    """Count a run as the engine does, which has planned the next one."""
    result = Result(at, seconds, reason)
    hourly.record(state, result)
    state.absorb(result)
    state.next_run = at + state.target.interval


def counts(summary: Summary) -> list[int]:
    counts = summary.latency_counts()
    return [counts.get(number, 0) for number in range(BUCKETS)]


def total(found: Summaries) -> tuple[int, int]:
    return sum(one.runs for one in found.values()), sum(one.failed for one in found.values())


@given(
    durations=st.lists(st.floats(0.001, 99.9), min_size=1, max_size=2 * FOLD),
    share=st.sampled_from([0.5, 0.95]),
)
def test_a_quantile_is_within_ten_percent_of_the_true_one(durations: list[float], share: float) -> None:
    summary = Summary(0, "stripe")
    for seconds in durations:
        summary.add_success(seconds)
    true = sorted(durations)[math.ceil(share * len(durations)) - 1]
    assert quantile(counts(summary), share) == pytest.approx(true, rel=0.101)


def test_every_latency_has_a_bucket_and_none_has_no_quantile() -> None:
    assert [bucket_of(seconds) for seconds in (0.0, 0.0009, 0.001, 99.9, 100.1, 1e9)] == [0, 0, 1, 60, 61, 61]
    assert [typical(number) for number in (0, 61)] == [0.001, 100.0]
    assert quantile([0] * BUCKETS, 0.5) is None


@given(parts=st.lists(st.lists(st.floats(0, 200), max_size=FOLD + 50), min_size=1, max_size=4))
def test_joined_summaries_are_what_one_would_have_counted(parts: list[list[float]]) -> None:
    joined, whole = Summary(0, "stripe"), Summary(0, "stripe")
    for part in parts:
        other = Summary(0, "stripe")
        for seconds in part:
            other.add_success(seconds)
            whole.add_success(seconds)
        other.add_failure("dns")
        whole.add_failure("dns")
        other.add_watch(10.0, failing=True)
        joined.add(other)
    assert (joined.runs, joined.failed, joined.reasons) == (whole.runs, whole.failed, whole.reasons)
    assert counts(joined) == counts(whole)
    assert (joined.seconds, joined.failing_seconds) == (10.0 * len(parts), 10.0 * len(parts))


def test_the_time_up_to_a_run_belongs_to_what_the_run_before_had_found() -> None:
    hourly, state = HourlySummaries(), TargetState(made_target())
    for minute, reason in enumerate((None, Reason.DNS, Reason.DNS, None, None)):
        record(hourly, state, START + 60 * minute, reason)
    (found,) = hourly.take(START + 300, everything=True).values()
    assert (found.seconds, found.failing_seconds) == (240.0, 120.0)
    assert (found.runs, found.failed, found.reasons) == (5, 2, {"dns": 2})
    assert sum(counts(found)) == 3


def test_time_in_which_nobody_looked_is_not_watched() -> None:
    hourly, state = HourlySummaries(), TargetState(made_target(), status="error", last_run=START - 5000.0)
    record(hourly, state, START)  # the first run of this process
    record(hourly, state, START + 3000)  # the machine had slept
    record(hourly, state, START + 2000)  # the clock was set back
    found = hourly.take(START, everything=True)
    assert sum(one.seconds for one in found.values()) == 2 * 60.0


def test_half_a_second_between_two_checks_is_watched_too() -> None:
    hourly, state = HourlySummaries(), TargetState(made_target())
    for at in (0, 0.5, 1):
        record(hourly, state, START + at)
    (found,) = hourly.take(START, everything=True).values()
    assert found.seconds == 1.0


def test_what_is_not_configured_counts_for_nothing() -> None:
    hourly, state = HourlySummaries(), TargetState(made_target())
    record(hourly, state, START, Reason.NOT_CONFIGURED)
    assert hourly.take(START, everything=True) == {}


def test_summaries_are_handed_over_one_by_one_when_each_is_due() -> None:
    hourly = HourlySummaries()
    states = [TargetState(made_target(tenant=f"t{number}")) for number in range(100)]
    for number, state in enumerate(states):
        record(hourly, state, START + number)
    taken = [len(hourly.take(START + HAND_OVER + second)) for second in range(100)]
    assert taken == [1] * 100
    assert hourly.take(START + 10_000, everything=True) == {}


def test_each_hour_gets_the_runs_that_began_in_it() -> None:
    hourly, state = HourlySummaries(), TargetState(made_target())
    for at in (-120, -60, 0, 60):
        record(hourly, state, START + at)
    found = hourly.take(START + 60)
    assert {hour - START: one.runs for (_, hour), one in found.items()} == {-HOUR: 2}
    found = hourly.take(START + 60, everything=True)
    assert {hour - START: one.runs for (_, hour), one in found.items()} == {0: 2}


def test_a_clock_that_is_set_back_over_the_hour_costs_no_run() -> None:
    hourly, state = HourlySummaries(), TargetState(made_target())
    for at in (-30, 30, -20, 40):
        record(hourly, state, START + at, Reason.TLS if at < 0 else None)
    assert total(hourly.take(START, everything=True)) == (4, 2)


def test_a_healthy_target_takes_less_than_half_a_kibibyte() -> None:
    targets: list[Target] = [made_target(tenant=f"t{number}") for number in range(2000)]
    states = [TargetState(target) for target in targets]
    hourly = HourlySummaries()
    tracemalloc.start()
    try:
        for minute in range(5):
            for state in states:
                hourly.record(state, Result(START + 60 * minute, 0.05))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / len(states) < 512
    assert statistics.fmean(one.runs for one in hourly.take(START, everything=True).values()) == 5
