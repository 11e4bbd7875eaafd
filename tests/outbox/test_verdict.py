"""What becomes of a delivery, and of its endpoint, after an attempt."""

import random
from itertools import pairwise
from typing import Any

import pytest

from exporter.core import breaker
from exporter.core.breaker import LONGEST_PAUSE, TRIES, AttemptReport, pause
from exporter.core.delivery import (
    AttemptError,
    DeliveryState,
    EndpointLimits,
    EndpointState,
    GiveUp,
    Receipt,
    RetryLater,
    RetryPolicy,
)
from exporter.outbox.verdict import LONGEST_WAIT, Trial, judge, wait
from tests.outbox.parcels import NOW, parcel

DICE = random.Random(1)
WAITING, DELIVERED, DEAD = DeliveryState
LATER = RetryLater("connect", "refused")


def after(
    answer: Receipt | AttemptError, attempts: int = 0, limits: EndpointLimits | None = None, **changes: Any
) -> tuple[DeliveryState, float, str]:
    tried = parcel("one", attempts=attempts, **changes)
    found, _ = judge(Trial(tried, limits or EndpointLimits(), NOW, 2.0), answer, DICE)
    assert found.attempts == attempts + 1
    return found.state, round(found.due - NOW), found.reason


def test_a_receipt_ends_it() -> None:
    assert after(Receipt(200)) == (DELIVERED, 0, "")
    assert after(Receipt(200), reason="timeout", detail="slow") == (DELIVERED, 0, "")


def test_what_failed_waits_longer_each_time() -> None:
    waits = [wait(attempts, random.Random(attempts)) for attempts in range(1, 13)]
    assert 4.0 <= waits[0] <= 6.0
    assert all(later > earlier * 1.5 for earlier, later in pairwise(waits[:8]))
    assert max(waits) <= LONGEST_WAIT * 1.2
    assert 12 * 3600 < sum(waits[:11]) < 3 * 86_400, "twelve attempts end within the usual greatest age"


def test_waits_differ_so_that_what_failed_together_does_not_come_together() -> None:
    dice = random.Random(2)
    assert len({round(wait(5, dice)) for _ in range(50)}) > 20


@pytest.mark.parametrize(
    ("answer", "attempts", "changes", "state"),
    [
        (LATER, 0, {}, WAITING),
        (LATER, 10, {"expires": NOW + 1e6}, WAITING),
        (LATER, 11, {"expires": NOW + 1e6}, DEAD),
        (LATER, 14, {"expires": NOW + 1e6, "attempts_before": 12}, WAITING),
        (LATER, 23, {"expires": NOW + 1e6, "attempts_before": 12}, DEAD),
        (LATER, 0, {"expires": NOW + 3.0}, DEAD),
        (GiveUp("not_found", "HTTP 410"), 0, {}, DEAD),
    ],
)
def test_it_is_dead_when_attempts_or_time_are_used_up_or_nothing_helps(
    answer: AttemptError, attempts: int, changes: dict[str, Any], state: DeliveryState
) -> None:
    assert after(answer, attempts, **changes)[0] is state


def test_an_endpoint_may_have_its_own_number_of_attempts() -> None:
    limits = EndpointLimits(retry=RetryPolicy(attempts=2))
    assert after(LATER, 0, limits)[0] is WAITING
    assert after(LATER, 1, limits)[0] is DEAD


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    assert after(RetryLater("rate_limited", after=300.0)) == (WAITING, 302, "rate_limited")
    assert after(RetryLater("rate_limited", after=-5.0))[1] < 9
    assert after(RetryLater("rate_limited", after=1e9), expires=NOW + 1e6)[1] == 86_402


def test_in_an_order_the_head_keeps_its_place_and_its_endpoint_waits() -> None:
    limits = EndpointLimits(ordered=True)
    found, report = judge(Trial(parcel("one"), limits, NOW, 2.0), LATER, DICE)
    assert found.due == NOW
    assert NOW + 5.0 <= report.hold_until <= NOW + 9.0
    _, report = judge(Trial(parcel("one"), limits, NOW, 2.0), GiveUp("auth"), DICE)
    assert report.hold_until == 0.0, "the next one is not held up by one that is dead"


def report(at: float, *, works: bool = False, in_turn: bool = False, hold: float = 0.0) -> AttemptReport:
    return AttemptReport(at, works, in_turn, hold)


def test_a_breaker_opens_after_failures_in_a_row_and_closes_with_the_first_answer() -> None:
    state = EndpointState()
    for number in range(TRIES - 1):
        state = breaker.after(state, report(NOW + number))
    assert state == EndpointState(failures=TRIES - 1)
    assert breaker.after(state, report(NOW, works=True)) == EndpointState()
    state = breaker.after(state, report(NOW))
    assert state == EndpointState(failures=TRIES, open_until=NOW + pause(TRIES))
    assert breaker.after(state, report(NOW + 60, works=True, in_turn=True)) == EndpointState()


def test_a_trial_that_fails_opens_it_for_longer_and_what_was_under_way_does_not() -> None:
    open_once = EndpointState(failures=TRIES, open_until=NOW + pause(TRIES))
    assert breaker.after(open_once, report(NOW + 1)) == open_once
    again = breaker.after(open_once, report(NOW + 20, in_turn=True))
    assert again == EndpointState(failures=TRIES + 1, open_until=NOW + 20 + 2 * pause(TRIES))
    assert pause(10_000) == LONGEST_PAUSE


def test_an_endpoint_is_left_alone_as_long_as_it_asks() -> None:
    state = breaker.after(EndpointState(), report(NOW, hold=NOW + 50))
    assert (state.next_free, state.failures) == (NOW + 50, 1)
    assert breaker.after(state, report(NOW + 1, works=True)).next_free == NOW + 50
