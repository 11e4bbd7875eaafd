"""Counts every run into a summary of its hour, and hands summaries over a few at a time."""

from exporter.core.hours import hour_of
from exporter.core.probe import Result, TargetKey
from exporter.core.reason import Reason
from exporter.core.summary import HOUR, Summaries, Summary
from exporter.core.usage import usages_of
from exporter.engine.board import ERROR, TargetState

HAND_OVER = 300.0
"""Seconds for which a summary is counted in memory: what a kill can cost."""


class HourlySummaries:
    """A summary for each target that ran lately; each is handed over when it is five minutes old.

    So what is written spreads over the time as the runs do, however many targets there are.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._current: dict[TargetKey, Summary] = {}  # in the order in which they were begun
        self._complete: Summaries = {}

    def record(self, state: TargetState, result: Result) -> None:
        """Count a run of the target; `state` is as it was before the run."""
        if result.reason is Reason.NOT_CONFIGURED:
            return
        summary = self._summary(state, result)
        if (seconds := _watch_time(state, result)) > 0:
            summary.add_watch(seconds, failing=state.status == ERROR)
        if usages := usages_of(result.samples):
            summary.add_usages(usages)
        if result.reason is None:
            summary.add_success(result.duration_seconds)
        else:
            summary.add_failure(result.reason.value)

    def take(self, now: float, *, everything: bool = False) -> Summaries:
        """Return the summaries that are due at `now` (Unix seconds), or all of them, and forget them."""
        due = []
        for key, summary in self._current.items():
            # They are in the order of their beginning, so all behind the first young one are young too.
            if not everything and summary.begun + HAND_OVER > now:
                break
            due.append(key)
        for key in due:
            self._finish(key)
        complete, self._complete = self._complete, {}
        return complete

    def _summary(self, state: TargetState, result: Result) -> Summary:
        key = state.target.key
        summary = self._current.get(key)
        if summary is not None:
            if 0 <= result.at - summary.hour < HOUR:
                return summary
            self._finish(key)
        summary = self._current[key] = Summary(hour_of(result.at), state.target.provider, result.at)
        return summary

    def _finish(self, key: TargetKey) -> None:
        summary = self._current.pop(key)
        known = self._complete.setdefault((key, summary.hour), summary)
        if known is not summary:  # a clock that was set back
            known.add(summary)


def _watch_time(state: TargetState, result: Result) -> float:
    """Return the seconds since the run before, 0 for the first of this process.

    A process that slept, as a laptop does, watched for no longer than it had meant to wait.
    """
    if state.result is None or state.last_run is None:
        return 0.0
    planned = max(0.0, (state.next_run or state.last_run) - state.last_run)
    return min(max(0.0, result.at - state.last_run), planned + state.target.interval)
