"""Judges requests by the policies in force: blocks first, then windows, then what holds while these fail."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from exporter.core.audit import AuditEntry
from exporter.core.ratelimit import (
    APP,
    AUTOMATIC,
    EVERY_POLICY,
    RateLimitBlock,
    RateLimitDecision,
    RateLimitPolicy,
    RateLimitSettings,
    digest,
)
from exporter.ratelimits.blocks import BlockBook
from exporter.ratelimits.guard import LimitStorageError, StorageGuard

# For their types alone: the library behind them is loaded when there are policies.
if TYPE_CHECKING:
    from exporter.ratelimits.windows import WindowCount, Windows

T = TypeVar("T")

TRY_AGAIN = 5.0
"""Seconds after which it is worth asking again while the storage fails and nothing is allowed."""


@dataclass(frozen=True, slots=True)
class RateLimitQuestion:
    """Whether `identifier` may ask for `endpoint` by `policy` now; `cost` 0 takes nothing.

    `endpoint` is as it may be a label. `tenant` is whose app asks, "" for the exporter's own routes. `scope`
    is OWN or APP.
    """

    policy: RateLimitPolicy
    identifier: str
    endpoint: str
    cost: int = 1
    tenant: str = ""
    scope: str = APP


class DecisionLog(Protocol):
    """Takes what was decided."""

    def record(self, question: RateLimitQuestion, decision: RateLimitDecision) -> None:
        """Count a decision."""


@dataclass(frozen=True)
class LimitStorage:
    """Where windows are counted; `shared` ones are asked over the network, so many at one time."""

    windows: "Windows"
    guard: StorageGuard
    shared: bool = False

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make()` does; LimitStorageError where a storage on the network fails."""
        # Memory neither fails nor waits: a timeout for each check would be half of its cost.
        return await (self.guard.call(make) if self.shared else make())


class RateLimiter:
    """Judges by `settings`; `book` has the blocks, `log` gets each decision, `audit` each block that begins.

    `now` is in Unix seconds. Nothing here raises because a storage fails: `when_storage_fails` says what that
    means.
    """

    def __init__(
        self,
        book: BlockBook,
        log: DecisionLog,
        audit: Callable[[AuditEntry], object],
        now: Callable[[], float],
    ) -> None:
        """Start without policies."""
        self.settings = RateLimitSettings()
        self.book = book
        self._log = log
        self._audit = audit
        self._now = now
        self._storage: LimitStorage | None = None

    @property
    def active(self) -> bool:
        """Whether there is any policy."""
        return self._storage is not None and bool(self.settings.policies)

    def use(self, settings: RateLimitSettings, storage: LimitStorage | None) -> None:
        """Judge by `settings` from now on, and count in `storage`; None where there is nothing to count."""
        self.settings, self._storage = settings, storage

    def policies(self) -> Iterable[RateLimitPolicy]:
        """Return every policy."""
        return self.settings.policies.values()

    async def judge(self, question: RateLimitQuestion) -> RateLimitDecision:
        """Return whether it is allowed, and count that; a question of cost 0 is not counted."""
        decision = self._blocked(question) or await self._by_count(question)
        if question.cost:
            self._log.record(question, decision)
        return decision

    async def judge_all(self, questions: Sequence[RateLimitQuestion]) -> list[RateLimitDecision]:
        """Return a decision for each of `questions`, in their order."""
        if self._storage is None or not self._storage.shared:
            return [await self.judge(one) for one in questions]
        return list(await asyncio.gather(*map(self.judge, questions)))

    async def unblock(self, block: RateLimitBlock) -> None:
        """End a block, and forget what its identifier has taken: else it would be blocked again at once."""
        await self.book.remove(block)
        for policy in self.policies():
            if block.policy in (policy.name, EVERY_POLICY):
                await self._clear(policy, block)

    async def _clear(self, policy: RateLimitPolicy, block: RateLimitBlock) -> None:
        storage, key = self._storage, digest(block.tenant, policy.name, block.identifier)
        if storage is None:
            return
        try:
            await storage.call(lambda: storage.windows.clear(policy, key))
        except LimitStorageError:
            return  # the window moves on by itself

    def _blocked(self, question: RateLimitQuestion) -> RateLimitDecision | None:
        policy = question.policy
        block = self.book.find(question.tenant, policy.name, question.identifier)
        if block is None:
            return None
        left = None if block.until is None else block.until - self._now()
        return RateLimitDecision(policy, False, 0, left or 0.0, left, "blocked")

    async def _by_count(self, question: RateLimitQuestion) -> RateLimitDecision:
        try:
            allowed, count = await self._take(question)
        except LimitStorageError:
            return self._without_storage(question.policy)
        if allowed:
            return RateLimitDecision(question.policy, True, count.remaining, count.reset)
        if question.cost and question.policy.block_for and (block := self._block(question)) is not None:
            left = (block.until or 0.0) - block.at
            return RateLimitDecision(question.policy, False, 0, left, left, "blocked")
        wait = count.wait(max(1, question.cost))
        return RateLimitDecision(question.policy, False, count.remaining, count.reset, wait, "limit")

    async def _take(self, question: RateLimitQuestion) -> "tuple[bool, WindowCount]":
        storage, policy = self._storage, question.policy
        if storage is None:
            raise LimitStorageError("there is no storage of rate limits yet")
        key = digest(question.tenant, policy.name, question.identifier)
        if not question.cost:
            count = await storage.call(lambda: storage.windows.look(policy, key))
            return count.remaining > 0, count
        return await storage.call(lambda: storage.windows.hit(policy, key, question.cost))

    def _without_storage(self, policy: RateLimitPolicy) -> RateLimitDecision:
        if self.settings.when_storage_fails == "allow":
            return RateLimitDecision(policy, True, policy.amount, 0.0, 0.0, "storage")
        return RateLimitDecision(policy, False, 0, TRY_AGAIN, TRY_AGAIN, "storage")

    def _block(self, question: RateLimitQuestion) -> RateLimitBlock | None:
        """Begin a block, and return it; None where there are as many as there may be."""
        policy, now = question.policy, self._now()
        reason = f"more than {policy.amount} in {policy.seconds} s"
        block = RateLimitBlock(
            *(policy.name, question.identifier, question.tenant, now, now + policy.block_for, AUTOMATIC),
            reason,
        )
        if not self.book.add_automatic(block):
            return None
        # Without the identifier: a person may be behind it, and the list of blocks has it while it matters.
        self._audit(
            AuditEntry(
                now,
                AUTOMATIC,
                "ratelimit.blocked",
                f"ratelimit:{policy.name}",
                tenant=question.tenant,
                details={"by": policy.by, "endpoint": question.endpoint, "reason": reason},
            )
        )
        return block
