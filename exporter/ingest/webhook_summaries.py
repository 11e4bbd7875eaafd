"""Counts every attempt into a summary of its hour, and hands summaries over a few seconds later."""

import asyncio
from collections.abc import Callable

from exporter.core.delivery import Attempt, Delivery, DeliveryState
from exporter.core.forwarding import FORWARD
from exporter.core.hours import hour_of
from exporter.core.webhook_metrics import INBOUND, OUTBOUND
from exporter.core.webhook_summary import WebhookKey, WebhookSummary
from exporter.store.batch import Batch
from exporter.store.subjects.webhook_summaries import WebhookSummaryBatch

HAND_OVER = 10.0
"""Seconds for which attempts are counted in memory: what a kill can cost."""


class WebhookSummaries:
    """Summaries of webhooks on both ways; `submit` takes batches for the store and never blocks."""

    def __init__(self, submit: Callable[[Batch], None]) -> None:
        """Start with nothing."""
        self._submit = submit
        self._current: dict[WebhookKey, WebhookSummary] = {}

    def record(self, delivery: Delivery, attempt: Attempt) -> None:
        """Count an attempt; `delivery` is as it is after it."""
        direction = INBOUND if delivery.kind == FORWARD else OUTBOUND
        key = (hour_of(attempt.at), direction, delivery.endpoint, delivery.tenant)
        dead = delivery.state is DeliveryState.DEAD
        self._of(key).record(attempt.duration_seconds, attempt.reason, dead=dead)

    def hand_over(self) -> None:
        """Give all that was counted to the store."""
        current, self._current = self._current, {}
        if current:
            self._submit(WebhookSummaryBatch(current))

    async def run(self) -> None:
        """Hand over for ever."""
        while True:
            await asyncio.sleep(HAND_OVER)
            self.hand_over()

    def _of(self, key: WebhookKey) -> WebhookSummary:
        return self._current.setdefault(key, WebhookSummary())
