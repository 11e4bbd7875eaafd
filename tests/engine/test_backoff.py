"""Waits of a target: back-offs double up to an hour, and a restart does not forget them."""

import pytest

from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.engine.backoff import backoff_until, initial_delay
from exporter.engine.board import TargetState
from exporter.engine.scheduler import next_slot
from tests.engine.making import made_target

AT = 1_800_000_000.0


def limited(retry_after: float | None = None) -> Result:
    return Result(AT, 0.1, Reason.RATE_LIMITED, "slow down", retry_after=retry_after)


def test_waits_double_with_each_refusal_up_to_an_hour() -> None:
    state = TargetState(made_target(interval=60))
    waits = []
    for _ in range(8):
        state.absorb(limited())
        waits.append((backoff_until(state, limited(), AT) or 0) - AT)
    assert waits == [120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_after_very_many_refusals_the_wait_is_still_a_number() -> None:
    state = TargetState(made_target(interval=0.001), failures=100_000)
    assert backoff_until(state, limited(), AT) == AT + 0.001 * 2**10


@pytest.mark.parametrize(("asked", "wait"), [(5.0, 120.0), (500.0, 500.0), (80_000.0, 80_000.0)])
def test_what_the_vendor_asks_for_counts_where_it_is_longer(asked: float, wait: float) -> None:
    state = TargetState(made_target(interval=60), failures=1)
    assert backoff_until(state, limited(asked), AT) == AT + wait


def test_other_failures_wait_only_where_the_vendor_asks_for_it() -> None:
    state = TargetState(made_target(interval=60), failures=5)
    assert backoff_until(state, Result(AT, 0.1, Reason.AUTH, "no"), AT) is None
    assert backoff_until(state, Result(AT, 0.1), AT) is None
    assert backoff_until(state, Result(AT, 0.1, Reason.VENDOR_ERROR, "busy", retry_after=30), AT) == AT + 30
    assert backoff_until(state, Result(AT, 0.1, Reason.VENDOR_ERROR, "busy", retry_after=0), AT) is None


def test_a_restored_target_is_due_at_its_slot_or_at_the_end_of_its_back_off() -> None:
    target = made_target(interval=60)
    slot = next_slot(target, AT, 0)
    assert initial_delay(TargetState(target), AT) is None
    assert initial_delay(TargetState(target, last_run=AT), AT + 1) == pytest.approx(slot - AT - 1)
    assert initial_delay(TargetState(target, last_run=AT, until=AT + 500), AT + 1) == pytest.approx(499)
    assert initial_delay(TargetState(target, last_run=AT, until=AT + 2), AT + 1) == pytest.approx(
        slot - AT - 1
    )


def test_a_restored_target_that_is_overdue_or_sleeps_impossibly_long_is_new() -> None:
    target = made_target(interval=60)
    slot = next_slot(target, AT, 0)
    assert initial_delay(TargetState(target, last_run=AT), slot) is None
    assert initial_delay(TargetState(target, last_run=AT), slot - 0.5) == pytest.approx(0.5)
    day = 86_400.0
    assert initial_delay(TargetState(target, last_run=AT, until=AT + day), AT) == day
    assert initial_delay(TargetState(target, last_run=AT, until=AT + day + 1), AT) is None
    slow = made_target(interval=10 * day)  # a slot is less than two intervals away
    assert initial_delay(TargetState(slow, last_run=AT), AT) is not None
    assert initial_delay(TargetState(slow, last_run=AT), AT - 20 * day) is None
