"""What the board knows of a target after each run, and what a restart gives back."""

import pytest

from exporter.core.metric import Sample
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.engine.board import Board, TargetState, restore_state
from tests.engine.making import BLOCKED_UNTIL, QUEUE, MadeOptions, made_target

GOOD = Result(100.0, 0.1, samples=(QUEUE(3),), http_status=200, phases={"connect": 0.1})


def failed(at: float, reason: Reason = Reason.AUTH, **more: object) -> Result:
    return Result(at, 0.1, reason, "no", **more)  # type: ignore[arg-type]  # as the test names them


def details(state: TargetState) -> tuple[tuple[str, str], ...]:
    return state.vendor_details


def facts(state: TargetState) -> tuple[Sample, ...]:
    return state.facts


def status(state: TargetState) -> str:
    return state.status


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (GOOD, "connected"),
        (failed(1.0), "error"),
        (failed(1.0, Reason.NOT_CONFIGURED), "not_configured"),
    ],
)
def test_the_status_is_one_of_four_words(result: Result, word: str) -> None:
    state = TargetState(made_target())
    assert status(state) == "unknown"
    state.absorb(result)
    assert status(state) == word


def test_since_moves_with_the_status_alone_and_survives_a_restart() -> None:
    state = TargetState(made_target())
    assert state.since is None
    sinces: list[float | None] = []
    for result in (GOOD, failed(160.0), failed(220.0), failed(280.0, Reason.VENDOR_ERROR), GOOD):
        state.absorb(result)
        sinces.append(state.since)
    assert sinces == [100.0, 160.0, 160.0, 160.0, 100.0]
    state.absorb(failed(340.0))
    back = restore_state(state.target, state.snapshot(), ())
    assert (back.status, back.since, back.last_run, back.last_success) == ("error", 340.0, 340.0, 100.0)
    back.absorb(failed(400.0, Reason.DNS))
    assert (back.since, back.failures) == (340.0, 2)
    fresh = TargetState(made_target())
    assert restore_state(fresh.target, fresh.snapshot(), ()).since is None


def test_failures_count_up_and_a_success_ends_them() -> None:
    state = TargetState(made_target())
    counts = []
    for result in (failed(1.0), failed(2.0), GOOD, failed(3.0), failed(4.0, Reason.NOT_CONFIGURED)):
        state.absorb(result)
        counts.append(state.failures)
    assert counts == [1, 2, 0, 1, 0]
    assert (state.last_run, state.last_success) == (4.0, 100.0)


def test_a_run_like_the_one_before_changes_no_series() -> None:
    state = TargetState(made_target())
    assert state.absorb(GOOD)
    assert not state.absorb(
        Result(200.0, 9.0, samples=GOOD.samples, http_status=200, phases={"connect": 0.9})
    )


@pytest.mark.parametrize(
    "other",
    [
        Result(200.0, 0.1, samples=(QUEUE(4),), http_status=200, phases={"connect": 0.1}),
        Result(200.0, 0.1, samples=(QUEUE(3),), http_status=201, phases={"connect": 0.1}),
        Result(200.0, 0.1, samples=(QUEUE(3),), http_status=200, phases={"tls": 0.1}),
        Result(200.0, 0.1, samples=(QUEUE(3),), http_status=200, phases={}),
        Result(
            200.0,
            0.1,
            samples=(QUEUE(3),),
            facts=(BLOCKED_UNTIL(5),),
            http_status=200,
            phases={"connect": 0.1},
        ),
        failed(200.0),
    ],
)
def test_a_run_with_anything_else_changes_series(other: Result) -> None:
    state = TargetState(made_target())
    state.absorb(GOOD)
    assert state.absorb(other)


def test_a_failure_like_the_one_before_still_counts_and_its_reason_is_a_change() -> None:
    state = TargetState(made_target())
    state.absorb(failed(1.0))
    assert state.absorb(failed(2.0))  # consecutive failures are a series
    not_configured = failed(3.0, Reason.NOT_CONFIGURED)
    assert state.absorb(not_configured)
    assert not state.absorb(not_configured)


def test_details_of_the_vendor_stay_over_a_failure_and_go_with_a_success_without_any() -> None:
    state = TargetState(made_target())
    shown = (("plan", "gold"),)
    state.absorb(Result(1.0, 0.1, vendor_details=shown))
    state.absorb(failed(2.0))
    assert details(state) == shown
    state.absorb(failed(3.0, vendor_details=(("plan", "free"),)))
    assert details(state) == (("plan", "free"),)
    state.absorb(GOOD)
    assert details(state) == ()


def test_dated_facts_stay_over_a_failure_which_may_add_some_and_a_success_replaces_them() -> None:
    state = TargetState(made_target())
    state.absorb(Result(1.0, 0.1, facts=(BLOCKED_UNTIL(5),)))
    state.absorb(failed(2.0))
    assert facts(state) == (BLOCKED_UNTIL(5),)
    state.absorb(failed(3.0, facts=(BLOCKED_UNTIL(6), QUEUE(1))))
    assert facts(state) == (BLOCKED_UNTIL(6), QUEUE(1))
    state.absorb(GOOD)
    assert facts(state) == ()


def test_a_restart_gives_back_the_end_of_a_back_off_and_all_of_other_options_but_what_they_led_to() -> None:
    state = TargetState(made_target(), failures=3, until=500.0, answers={"k": (1.0, 2)}, detail="slow")
    state.facts = (BLOCKED_UNTIL(5),)
    kept = state.snapshot()
    assert kept.facts == ((BLOCKED_UNTIL.name, (), 5.0),)
    same = restore_state(made_target(), kept, [BLOCKED_UNTIL(5)])
    assert (same.failures, same.until, same.detail) == (3, 500.0, "slow")
    assert (same.facts, same.answers) == ((BLOCKED_UNTIL(5),), {"k": (1.0, 2)})
    other = restore_state(made_target(options=MadeOptions(step="x")), kept, [BLOCKED_UNTIL(5)])
    assert (other.failures, other.until, other.detail) == (3, 500.0, "slow")
    assert (other.facts, other.answers) == ((), {})


def test_a_board_keeps_the_order_it_was_given_and_knows_no_others() -> None:
    board = Board()
    states = {name: TargetState(made_target(name)) for name in ("b", "a")}
    board.replace({state.target.key: state for state in states.values()})
    assert board.states() == list(board) == list(states.values())
    assert list(board.keys()) == [("b", ""), ("a", "")]
    assert len(board) == 2
    assert board.get(("a", "")) is states["a"]
    assert board.get(("c", "")) is None
