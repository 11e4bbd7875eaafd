"""Counts every decision: into the series, and into a summary of its hour that goes to the store later."""

from collections.abc import Callable

from exporter.core.metric import Metric
from exporter.core.ratelimit import RateLimitDecision, RateLimitKey, RateLimitSummary
from exporter.core.summary import HOUR
from exporter.events._rate_limit_series import BLOCKS, REQUESTS
from exporter.ratelimits.limiter import RateLimitQuestion
from exporter.store.batch import Batch
from exporter.store.subjects.ratelimit_summaries import RateLimitSummaryBatch

MOST = 5_000
"""Summaries of one hand-over: of an app there may be any number of tenants; what is beyond is not kept."""

CountSeries = Callable[[Metric, tuple[str, ...], float], None]


class RateLimitSummaries:
    """Counts decisions; `count` adds to series, `submit` takes batches for the store and never blocks."""

    def __init__(self, count: CountSeries, submit: Callable[[Batch], None], now: Callable[[], float]) -> None:
        """Start with nothing."""
        self._count = count
        self._submit = submit
        self._now = now
        self._current: dict[RateLimitKey, RateLimitSummary] = {}

    def record(self, question: RateLimitQuestion, decision: RateLimitDecision) -> None:
        """Count a decision."""
        policy, labels = question.policy, (question.tenant, question.policy.name, question.endpoint)
        self._count(REQUESTS, labels, 1.0)
        # Also 0: a series that begins with its first block would hide it.
        self._count(BLOCKS, labels, float(not decision.allowed))
        hour = int(self._now() // HOUR) * HOUR
        key = (hour, question.scope, policy.name, question.endpoint, policy.by, question.tenant)
        summary = self._current.get(key)
        if summary is None:
            if len(self._current) >= MOST:
                return
            summary = self._current[key] = RateLimitSummary()
        summary.record(decision)

    def hand_over(self) -> None:
        """Give all that was counted to the store."""
        current, self._current = self._current, {}
        if current:
            self._submit(RateLimitSummaryBatch(current))
