"""When an endpoint that fails is left alone, and when it is tried again."""

from dataclasses import replace
from typing import NamedTuple

from exporter.core.delivery import EndpointState

TRIES = 5
"""Failures in a row after which the breaker opens; from then on one attempt at a time is a trial."""

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
"""Seconds for which the breaker stays open: doubled with each trial that fails."""


class AttemptReport(NamedTuple):
    """How one attempt left its endpoint at `at` (Unix seconds).

    `works`: it has answered, be it with a refusal of this one delivery. `in_turn`: it was let through one by
    one, as a trial is. `hold_until` is when it may be attempted next, where it asked for that, or where its
    order does.
    """

    at: float
    works: bool
    in_turn: bool = False
    hold_until: float = 0.0


def after(state: EndpointState, report: AttemptReport) -> EndpointState:
    """Return how the endpoint does after `report`."""
    free = max(state.next_free, report.hold_until)
    if report.works:
        fine = not state.failures and not state.open_until and free == state.next_free
        return state if fine else replace(state, failures=0, open_until=0.0, next_free=free)
    if state.failures >= TRIES and not report.in_turn:
        # What was under way when the breaker opened says nothing new.
        return replace(state, next_free=free)
    failures = state.failures + 1
    until = report.at + pause(failures) if failures >= TRIES else 0.0
    return replace(state, failures=failures, open_until=until, next_free=free)


def position(state: EndpointState, now: float) -> str:
    """Return how the breaker is at `now`: closed, open, or half_open (trials alone)."""
    if state.failures < TRIES:
        return "closed"
    return "open" if state.open_until > now else "half_open"


def pause(failures: int) -> float:
    """Return for how many seconds the breaker opens after so many failures in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(30, failures - TRIES))
