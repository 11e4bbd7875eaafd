"""The way in of events, built of parts that webhooks have too: one set of counters, one queue to the disk."""

from collections.abc import Awaitable, Sequence

from exporter import registry
from exporter.core.clock import Clock
from exporter.ingest.events import EventIntake
from exporter.lifecycle.webhooks import WebhookParts
from exporter.store.ledger import DurableEvent
from exporter.store.writer import Writer

STATISTICS_TASK = "event statistics"


def build_events(webhooks: WebhookParts, writer: Writer, clock: Clock) -> EventIntake:
    """Return what takes events; `webhooks` shows what it counts, and commits what it stores."""
    commits, ledger = webhooks.outbox.commits, webhooks.audit.ledger

    def store(events: Sequence[DurableEvent]) -> Awaitable[list[bool]]:
        return commits.write(ledger.store, events)

    intake = EventIntake(
        registry.events(), webhooks.counters, store, writer.submit, clock.now, webhooks.trail.watch
    )
    webhooks.supervisor.keep(STATISTICS_TASK, intake.tallies.run)
    return intake
