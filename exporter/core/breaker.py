"""When an endpoint that fails is left alone, and when it is tried again."""

from dataclasses import dataclass, replace

from exporter.core.delivery import EndpointMode, EndpointState

TRIES = 5
"""Failures in a row after which the breaker opens; from then on one attempt at a time is a trial."""

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
"""Seconds for which the breaker stays open: doubled with each trial that fails."""


@dataclass(frozen=True)
class AttemptReport:
    """How one attempt left its endpoint at `at` (Unix seconds).

    `failed`: it could not be delivered. `answered`: the endpoint works, whatever it said. `in_turn`: it was
    let through one by one, as a trial is. `hold_until` is
    when it may be attempted next, where it asked for that, or where its order does. `disable_after` is that
    of its limits.
    """

    at: float
    failed: bool
    answered: bool
    in_turn: bool = False
    hold_until: float = 0.0
    disable_after: float = 0.0


def after(state: EndpointState, report: AttemptReport) -> EndpointState:
    """Return how the endpoint does after `report`."""
    if not report.failed:
        return replace(state, failures=0, failing_since=None, open_until=0.0)
    since = state.failing_since if state.failing_since is not None else report.at
    # What was under way when the breaker opened says nothing new.
    counts = state.failures < TRIES or report.in_turn
    failures = 0 if report.answered else state.failures + counts
    disabled = 0 < report.disable_after <= report.at - since
    return replace(
        state,
        failures=failures,
        failing_since=since,
        open_until=_open_until(state, report, failures),
        next_free=max(state.next_free, report.hold_until),
        mode=EndpointMode.DISABLED if disabled and state.mode is EndpointMode.ACTIVE else state.mode,
    )


def _open_until(state: EndpointState, report: AttemptReport, failures: int) -> float:
    if failures < TRIES:
        return 0.0
    return report.at + pause(failures) if failures > state.failures else state.open_until


def pause(failures: int) -> float:
    """Return for how many seconds the breaker opens after so many failures in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(30, failures - TRIES))
