"""What was put off because the machine lacked a resource: counted, and logged once for each episode."""

import structlog

from exporter.core.clock import Clock, Handle
from exporter.core.errors import Shortage
from exporter.engine.selfmetrics import SelfMetrics

QUIET = 60.0
"""Seconds without a shortage after which an episode is over."""


class Shortages:
    """Counts each run and each refresh that was put off; belongs to one loop."""

    def __init__(self, clock: Clock, metrics: SelfMetrics) -> None:
        """Start without an episode."""
        self._clock = clock
        self._metrics = metrics
        self._log = structlog.get_logger("exporter.engine")
        self._count = 0
        self._last = 0.0
        self._watch: Handle | None = None

    def note(self, shortage: Shortage) -> None:
        """Count one that was put off; the first one of an episode is a line on the log."""
        self._metrics.shortages.labels(shortage.resource).inc()
        self._count += 1
        self._last = self._clock.monotonic()
        if self._watch is None:
            self._log.error(
                "the exporter lacks what it needs to probe: runs are put off, no target counts as failed",
                resource=shortage.resource,
                error=shortage.why,
            )
            self._watch = self._clock.later(QUIET, self._end_episode)

    def _end_episode(self) -> None:
        """End the episode if nothing was put off for a while."""
        left = self._last + QUIET - self._clock.monotonic()
        if left > 0:
            self._watch = self._clock.later(left, self._end_episode)
            return
        self._log.info("the exporter has what it needs to probe again", put_off=self._count)
        self._watch, self._count = None, 0
