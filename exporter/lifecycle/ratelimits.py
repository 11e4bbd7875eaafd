"""Rate limits, built of parts that webhooks have too: counters, the audit and the queue to the disk."""

from dataclasses import dataclass
from functools import partial

from exporter.core.clock import Clock
from exporter.core.shutdown import ShutdownLimit
from exporter.core.supervisor import Supervisor
from exporter.engine.selfmetrics import SelfMetrics
from exporter.lifecycle.webhooks import WebhookParts
from exporter.ratelimits.blocks import BlockBook
from exporter.ratelimits.limiter import RateLimiter
from exporter.ratelimits.service import RateLimits
from exporter.ratelimits.stored_blocks import StoredBlocks
from exporter.ratelimits.summaries import RateLimitSummaries
from exporter.store.writer import Writer

TASK = "rate limits"


@dataclass(frozen=True)
class RateLimitParts:
    """Rate limits, and what keeps and shows them."""

    limits: RateLimits
    supervisor: Supervisor
    metrics: SelfMetrics

    async def start(self) -> None:
        """Bring back who is blocked, keep it up to date, and export how the storage does."""
        limits = self.limits
        await limits.refresh()
        self.supervisor.keep(TASK, limits.run)
        export_limit_metrics(self.metrics, limits)

    async def stop(self, deadline: ShutdownLimit) -> None:
        """Hand over what was counted and blocked."""
        await self.limits.stop(deadline)


def export_limit_metrics(metrics: SelfMetrics, limits: RateLimits) -> None:
    """Export how the storage does, and how much is kept in it."""
    metrics.watch(
        "ratelimit_storage_healthy",
        "Whether the storage of rate limits answered when it was last asked (1) or not (0).",
        lambda: float(limits.guard.healthy),
    )
    metrics.watch(
        "ratelimit_storage_failures",
        "Calls to the storage of rate limits that failed.",
        lambda: limits.guard.failed,
    )
    metrics.watch("ratelimit_blocks", "Identifiers that are blocked.", lambda: len(limits.book))
    metrics.watch(
        "ratelimit_identifiers",
        "Identifiers whose requests this process counts in memory.",
        lambda: limits.identifiers,
    )


def build_ratelimits(
    webhooks: WebhookParts, writer: Writer, clock: Clock, supervisor: Supervisor, metrics: SelfMetrics
) -> RateLimitParts:
    """Return what limits, without policies; `webhooks` shows what it counts, and commits what it stores."""
    stored = StoredBlocks(writer, webhooks.outbox.commits)
    book = BlockBook(stored, clock.now)
    feed = webhooks.outbox.commits.database.feed
    book.on_foreign = partial(feed.note, "ratelimit_block", None)
    summaries = RateLimitSummaries(webhooks.counters.add, writer.submit, clock.now)
    limiter = RateLimiter(book, summaries, webhooks.audit.add, clock.now)
    return RateLimitParts(RateLimits(limiter, book, summaries, stored, clock.now), supervisor, metrics)
