"""Counts events into summaries of their hours, and hands these over to the store once a minute."""

import asyncio
from collections.abc import Callable

from exporter.core.event import Tally
from exporter.core.event_settings import SERIES_LIMIT
from exporter.core.event_summary import ALL_TENANTS, EventKey, EventSummaries, EventSummary
from exporter.core.hours import day_of
from exporter.core.summary import HOUR, bucket_of
from exporter.core.webhook_metrics import SERIES_DROPPED
from exporter.ingest.counters import EventCounters
from exporter.store.batch import Batch
from exporter.store.subjects.event_summaries import EventSummaryBatch

HAND_OVER = 60.0
"""Seconds for which events are counted in memory: what a kill can cost."""

MOST = 20_000
"""Summaries in memory; what has more of them hands over sooner."""

DROPPED = "event_summary"
"""What the series that counts dropped series calls subjects that got no row of their own."""

EventSubject = tuple[str, str, str, str]
"""Tenant, integration, name and variant of a subject."""


class EventTallies:
    """Summaries of events; `submit` takes batches for the store and never blocks. It belongs to the loop.

    A topic has `limit` subjects a day, as a metric has series. What is beyond counts for all tenants alone,
    whose rows are bounded by the values that labels may have.
    """

    def __init__(self, counters: EventCounters, submit: Callable[[Batch], None]) -> None:
        """Start with nothing; `counters` shows what is beyond the limit."""
        self.limit = SERIES_LIMIT
        self._counters = counters
        self._submit = submit
        self._current: EventSummaries = {}
        self._known: dict[str, set[EventSubject]] = {}
        self._today = 0
        # From the start, so that the first rise is one for Prometheus.
        counters.add(SERIES_DROPPED, (DROPPED,), 0.0)

    def record(self, tally: Tally, at: float, integration: str, tenant: str) -> None:
        """Count an event of `at` (Unix seconds)."""
        topic, name, variant, outcome, number, seconds, amount = tally
        key = (topic, tenant, int(at // HOUR) * HOUR, integration, name, variant, outcome)
        summary = self._current.get(key)
        if summary is None:
            summary = self._begin(key)
        summary.number += number
        summary.amount += amount
        if seconds is not None:
            bucket, latencies = bucket_of(seconds), summary.latencies
            latencies[bucket] = latencies.get(bucket, 0) + 1

    def hand_over(self) -> None:
        """Give all that was counted to the store."""
        current, self._current = self._current, {}
        if current:
            self._submit(EventSummaryBatch(current))

    async def run(self) -> None:
        """Hand over for ever."""
        while True:
            await asyncio.sleep(HAND_OVER)
            self.hand_over()

    def _begin(self, key: EventKey) -> EventSummary:
        if len(self._current) >= MOST:
            self.hand_over()
        topic, tenant, hour, integration, name, variant, outcome = key
        if not self._admit(topic, (tenant, integration, name, variant), day_of(hour)):
            self._counters.add(SERIES_DROPPED, (DROPPED,))
            key = (topic, ALL_TENANTS, hour, integration, name, variant, outcome)
        return self._current.setdefault(key, EventSummary())

    def _admit(self, topic: str, place: EventSubject, day: int) -> bool:
        """Return whether there is room for a subject; those of the day before leave theirs."""
        if day > self._today:
            self._known.clear()
            self._today = day
        known = self._known.setdefault(topic, set())
        if place in known:
            return True
        if len(known) >= self.limit:
            return False
        known.add(place)
        return True
