"""State changes and the last failures: on the log, in memory and in the store."""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

import structlog

from exporter.core.changes import BOARD, ChangeFeed
from exporter.core.probe import Result, TargetKey
from exporter.core.reason import Reason
from exporter.core.store import Failure, StateChange
from exporter.engine.board import ERROR, UNKNOWN, TargetState, status_of
from exporter.engine.hourly_summaries import HourlySummaries
from exporter.store.check_batch import CheckBatch

MOST = 1000
"""How many state changes and failures stay in memory, over all targets."""


class History:
    """Remembers what changed and what failed; `batch` collects what the store has not been given yet.

    `summaries` count all runs, for the statistics; `feed` says whose state changed or whose run failed.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.changes: deque[StateChange] = deque(maxlen=MOST)
        self.failures: deque[Failure] = deque(maxlen=MOST)
        self.batch = CheckBatch()
        self.summaries = HourlySummaries()
        self.feed = ChangeFeed()
        self.log_runs = False
        """Whether each run is a line on the log; the logger itself would cost every run its arguments."""
        self._log = structlog.get_logger("exporter.history")

    def record(self, state: TargetState, result: Result) -> None:
        """Count a run in its hour, and note it on the log where `log_runs` asks for it."""
        self.summaries.record(state, result)
        if self.log_runs:
            target = state.target
            self._log.debug(
                "probed",
                integration=target.integration,
                provider=target.provider,
                tenant=target.tenant,
                status=status_of(result.reason),
                reason=result.reason.value if result.reason else "",
                detail=result.detail,
                duration_seconds=round(result.duration_seconds, 4),
                trace_id=result.trace_id,
            )

    def add_outcome(self, before: tuple[str, Reason | None], state: TargetState, result: Result) -> None:
        """Note what a run changed and whether it failed; `before` are status and reason until then."""
        failed = state.status == ERROR
        if failed or before != (state.status, state.reason):
            self.feed.note(BOARD, *state.target.key)
        if is_noteworthy(before, state):
            self.add_change(state, before[0], result)
        if failed:
            self.add_failure(state, result)

    def add_change(self, state: TargetState, before: str, result: Result) -> None:
        """Note that a target went from `before` to its present status: one line on the log, once."""
        target = state.target
        change = StateChange(
            result.at,
            target.key,
            target.provider,
            before,
            state.status,
            state.reason,
            state.detail,
            result.trace_id,
        )
        self.changes.append(change)
        self.batch.changes.append(change)
        say = self._log.warning if state.status == ERROR else self._log.info
        say(
            "target state changed",
            integration=target.integration,
            provider=target.provider,
            tenant=target.tenant,
            before=before,
            status=state.status,
            reason=state.reason.value if state.reason else "",
            detail=state.detail,
            trace_id=result.trace_id,
        )

    def add_failure(self, state: TargetState, result: Result) -> None:
        """Keep a failed run with its log."""
        failure = Failure(
            result.at,
            state.target.key,
            state.target.provider,
            result.reason or Reason.BUG,
            result.detail,
            result.duration_seconds,
            result.http_status,
            result.log,
            result.trace_id,
        )
        self.failures.append(failure)
        self.batch.failures.append(failure)

    def restore(self, changes: Iterable[StateChange], failures: Iterable[Failure]) -> None:
        """Fill the memory from the store; both come newest first."""
        self.changes.extend(reversed(list(changes)))
        self.failures.extend(reversed(list(failures)))

    def recent_changes(self, key: TargetKey | None = None, limit: int = 100) -> list[StateChange]:
        """Return the newest state changes first."""
        return _newest(self.changes, key, limit)

    def recent_failures(self, key: TargetKey | None = None, limit: int = 100) -> list[Failure]:
        """Return the newest failures first."""
        return _newest(self.failures, key, limit)

    def take(self, now: float, *, last: bool = False) -> CheckBatch:
        """Return what the store is to be given at `now` (Unix seconds), and forget it; all at the `last`."""
        batch, self.batch = self.batch, CheckBatch()
        batch.summaries = self.summaries.take(now, everything=last)
        return batch


def is_noteworthy(before: tuple[str, Reason | None], state: TargetState) -> bool:
    """Return whether a change is news: a first success is not."""
    return before != (state.status, state.reason) and not (before[0] == UNKNOWN and state.status != ERROR)


T = TypeVar("T", StateChange, Failure)


def _newest(rows: deque[T], key: TargetKey | None, limit: int) -> list[T]:
    matching = (row for row in reversed(rows) if key is None or row.key == key)
    return list(islice(matching, limit))
