"""How long a target waits: until its next run after a restart, and after its vendor asked for a pause."""

from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.engine.board import TargetState
from exporter.engine.scheduler import next_slot
from exporter.net.pause import LONGEST

LONGEST_BACKOFF = 3600.0
"""Seconds of a doubled wait at most."""


def initial_delay(state: TargetState, now: float) -> float | None:
    """Return the seconds to the next run of a restored state; None when it is new or overdue."""
    if state.last_run is None:
        return None
    due = max(next_slot(state.target, state.last_run, 0), state.until or 0.0)
    # A clock that jumped back must not put a target to sleep for longer than any vendor may ask.
    return due - now if now < due <= now + max(state.target.interval * 2, LONGEST) else None


def backoff_until(state: TargetState, result: Result, began: float) -> float | None:
    """Return the end of a back-off in Unix seconds: what the vendor asked for, or doubled waits."""
    waits = [result.retry_after] if result.retry_after else []
    if result.reason is Reason.RATE_LIMITED:
        # The exponent has a bound of its own: after some days of failures no float would hold the product.
        waits.append(min(state.target.interval * 2 ** min(state.failures, 10), LONGEST_BACKOFF))
    return began + max(waits) if waits else None
