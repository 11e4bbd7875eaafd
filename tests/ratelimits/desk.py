"""Rate limits with a real store and hands that the test moves."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from exporter.core.audit import AuditEntry
from exporter.core.configuration import Configuration, StoreSettings
from exporter.core.metric import HistogramValue, Metric
from exporter.core.notifications import Notifications
from exporter.core.ratelimit import (
    OWN,
    RateLimitBlock,
    RateLimitDecision,
    RateLimitPolicy,
    RateLimitSettings,
)
from exporter.core.secret import Secret
from exporter.exposition import Exposition
from exporter.ingest.counters import EventCounters
from exporter.ratelimits.blocks import BlockBook
from exporter.ratelimits.limiter import RateLimiter, RateLimitQuestion
from exporter.ratelimits.service import RateLimits
from exporter.ratelimits.stored_blocks import StoredBlocks
from exporter.ratelimits.summaries import RateLimitSummaries
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from exporter.store.writer import Writer
from tests.waiting import PATIENCE

NOW = 1_795_000_020.0
"""A time at which a minute begins: 1,795,000,020 is a multiple of 60."""

API = RateLimitPolicy("api", "/api/*", "address", 10, 60)
LOGIN = RateLimitPolicy("login", "/login", "address", 3, 60, block_for=600.0)


def configured(
    *policies: RateLimitPolicy, redis: str = "", fails: Any = "allow", off: bool = False, timeout: float = 5.0
) -> Configuration:
    """Return a configuration with rate limits alone."""
    settings = RateLimitSettings(
        Secret(redis) if redis else None, fails, {policy.name: policy for policy in policies}, timeout
    )
    return Configuration(
        None,
        (),
        {},
        (),
        Notifications(),
        StoreSettings(),
        ratelimits=settings,
        switched_off=frozenset({"RATE_LIMITING_ENABLED"} if off else ()),
    )


class LimitDesk:
    """Rate limits and everything that they report to."""

    def __init__(self, database: Database, now: float = NOW) -> None:
        self.now = now
        self.writer = Writer(database, every=0.01)
        self.commits = GroupCommit(database)
        self.counters = EventCounters(Exposition())
        self.audit: list[AuditEntry] = []
        stored = StoredBlocks(self.writer, self.commits)
        self.book = BlockBook(stored, lambda: self.now)
        self.summaries = RateLimitSummaries(self.counters.add, self.writer.submit, lambda: self.now)
        self.limiter = RateLimiter(self.book, self.summaries, self.audit.append, lambda: self.now)
        self.limits = RateLimits(self.limiter, self.book, self.summaries, stored, lambda: self.now)

    async def ask(
        self,
        policy: RateLimitPolicy = API,
        identifier: str = "203.0.113.7",
        cost: int = 1,
        tenant: str = "",
        scope: str = OWN,
    ) -> RateLimitDecision:
        question = RateLimitQuestion(policy, identifier, policy.endpoint, cost, tenant, scope)
        return await self.limiter.judge(question)

    async def allowed(
        self, number: int, policy: RateLimitPolicy = API, identifier: str = "203.0.113.7"
    ) -> int:
        """Return how many of so many requests were allowed."""
        return sum([(await self.ask(policy, identifier)).allowed for _ in range(number)])

    def value(self, metric: Metric, *labels: str) -> float | None:
        found = self.counters.value(metric, labels)
        assert not isinstance(found, HistogramValue)
        return found

    def blocked(self) -> Sequence[tuple[str, str]]:
        return [(block.policy, block.identifier) for block in self.book.blocks()]

    def block(self, identifier: str, policy: str = "api", until: float | None = None) -> RateLimitBlock:
        return RateLimitBlock(policy, identifier, "", self.now, until, "user:ada", "it scrapes")


@asynccontextmanager
async def limit_desk(
    path: Path, *policies: RateLimitPolicy, url: str = "", **more: Any
) -> AsyncIterator[LimitDesk]:
    """Open the store in `path`, limit by `policies`, and close everything at the end of the block."""
    database = Database(url or f"sqlite:///{path}/state.db")
    database.open()
    made = LimitDesk(database)
    await made.writer.open()
    made.limits.apply(configured(*policies, **more))
    await made.limits.refresh()
    try:
        yield made
    finally:
        from exporter.core.shutdown import ShutdownLimit

        await made.limits.stop(ShutdownLimit(PATIENCE))
        await made.commits.close(PATIENCE)
        await made.writer.close(PATIENCE)
