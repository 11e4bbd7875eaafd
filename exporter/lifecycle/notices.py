"""The history of alerts, built of parts that webhooks have too: counters and the queue to the disk."""

from collections.abc import Awaitable, Sequence

from exporter.core.clock import Clock
from exporter.core.notice import Notice
from exporter.lifecycle.webhooks import WebhookParts
from exporter.notices.intake import NoticeIntake
from exporter.store.subjects.notices import add_new


def build_notices(webhooks: WebhookParts, clock: Clock) -> NoticeIntake:
    """Return what takes notices; `webhooks` shows what it counts, and commits what it stores."""
    commits, counters = webhooks.outbox.commits, webhooks.counters

    def store(notices: Sequence[Notice]) -> Awaitable[list[bool]]:
        return commits.write(add_new, notices)

    return NoticeIntake(store, counters.add, counters.set, clock.now)
