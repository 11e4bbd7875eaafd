"""What is done with the audit: attacks are watched for, entries reviewed, people erased, figures shown."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from exporter.core.audit import AuditEntry, SignIn
from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.metric import Metric
from exporter.events._audit_series import CHAIN_LENGTH, FLAGS, HIGHEST_RISK, UNREVIEWED
from exporter.ingest.audit import AuditLog
from exporter.ingest.counters import EventCounters
from exporter.ingest.risk import RiskJudge
from exporter.store.group_commit import GroupCommit
from exporter.store.ledger import SignInBatch
from exporter.store.subjects import audit, audit_head
from exporter.store.subjects.audit_head import ChainHead

EVERY = 15.0
"""Seconds between two looks at what waits for a review: another replica may have flagged or reviewed."""

ANCHOR_EVERY = 3600.0
"""Seconds between two lines on the log with the head of the chain, where it moved."""

MOST_SIGN_INS = 50_000
RECENT = 3600.0
"""Seconds in which a sign-in that is like one before teaches nothing, and how many are remembered."""


@dataclass(frozen=True)
class _Figures:
    """By tenant how many entries wait for a review and their highest score, and the head of the chain."""

    unreviewed: dict[str, tuple[int, int]]
    head: ChainHead | None


FiguresReader = Callable[[Callable[[Connection], _Figures]], Awaitable[_Figures]]
"""Asks the store, off the loop; StoreError when it fails."""


class AuditTrail:
    """The audit as the server and the way in of events use it. It belongs to the loop.

    `log` takes entries, `judge` knows the rules, `commits` writes what must be stored before the answer,
    `read` asks the store, `counters` shows the figures.
    """

    def __init__(
        self,
        log: AuditLog,
        judge: RiskJudge,
        commits: GroupCommit,
        read: FiguresReader,
        counters: EventCounters,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Show that nothing waits, so that the first flag is seen as a rise."""
        self.log = log
        self._judge = judge
        self._commits = commits
        self._read = read
        self._counters = counters
        self._now = now
        self._recent: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._anchored = (float("-inf"), b"")
        for metric in (UNREVIEWED, HIGHEST_RISK):
            counters.set(metric, ("",), 0)

    def apply(self, configuration: Configuration) -> None:
        """Judge by `configuration` from now on."""
        self._judge.apply(configuration.events.audit)

    def watch(self, sign_in: SignIn) -> None:
        """Look at a sign-in that an app reports: it may complete an attack, or be from a new place."""
        if not self.log.enabled:
            return
        attack = self._judge.watch(sign_in)
        if attack is not None:
            self.log.add(attack)
        placed = sign_in.actor and (sign_in.address or sign_in.country)
        if placed and not sign_in.failed and self._is_news(sign_in):
            self.log.submit(SignInBatch([sign_in], self.log.ledger))

    def add_repeatable(self, entry: AuditEntry) -> None:
        """Keep what others can cause as often as they like: of those alike one entry a minute."""
        self.log.add_repeatable(entry)

    async def review(self, number: int, entry: AuditEntry) -> str:
        """Add a review of the flagged entry `number`; return what is wrong with that, or "".

        Raises StoreError where it was not stored.
        """
        problem = await self._commits.write(self.log.ledger.review, (number, entry))
        await self.refresh()
        return problem

    async def erase(self, actor: str, tenant: str | None, entry: AuditEntry) -> int:
        """Destroy the keys of an actor, in one tenant or all; return of how many people there were any.

        Raises StoreError where that was not stored.
        """
        return await self._commits.write(self.log.ledger.erase, (actor, tenant, entry))

    async def run(self, every: float = EVERY) -> None:
        """Bring the figures up to date every `every` seconds."""
        while True:
            await self.refresh()
            await asyncio.sleep(every)

    async def refresh(self) -> None:
        """Show what waits for a review; a store that fails leaves the figures as they are."""
        with suppress(StoreError):
            self._show(await self._read(_figures))

    def show(self) -> Iterator[None]:
        """Count what was flagged since the last scrape."""
        for (tenant, flag), number in self._judge.take_flags().items():
            self._counters.add(FLAGS, (tenant, flag), number)
        yield

    def _is_news(self, sign_in: SignIn) -> bool:
        key = (sign_in.tenant, sign_in.actor, sign_in.address, sign_in.country)
        seen = self._recent.get(key)
        if seen is not None and sign_in.at - seen < RECENT:
            return False
        self._recent[key] = sign_in.at
        self._recent.move_to_end(key)
        if len(self._recent) > MOST_SIGN_INS:
            self._recent.popitem(last=False)
        return True

    def _show(self, figures: _Figures) -> None:
        places: tuple[tuple[Metric, int], ...] = ((UNREVIEWED, 0), (HIGHEST_RISK, 1))
        for metric, place in places:
            # A tenant with nothing to review has no series, so that their number stays small.
            self._counters.keep(metric, lambda labels: labels[0] in figures.unreviewed or not labels[0])
            for tenant, found in ({"": (0, 0)} | figures.unreviewed).items():
                self._counters.set(metric, (tenant,), found[place])
        if figures.head is not None:
            self._counters.set(CHAIN_LENGTH, (), figures.head.entries)
            self._anchor(figures.head)

    def _anchor(self, head: ChainHead) -> None:
        """Put the head of the chain on the log: who keeps that elsewhere can prove that it was redone."""
        at, hash_ = self._anchored
        if head.hash != hash_ and self._now() - at >= ANCHOR_EVERY:
            self._anchored = (self._now(), head.hash)
            log: Any = structlog.get_logger("exporter.audit")
            log.info("head of the audit", entries=head.entries, hash=head.hash.hex())


def _figures(connection: Connection) -> _Figures:
    return _Figures(audit.unreviewed(connection), audit_head.read(connection))
