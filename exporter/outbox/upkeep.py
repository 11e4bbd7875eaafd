"""What must be done now and then: renew the lease, take over from dead replicas, let old deliveries die."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from exporter.core.clock import Clock
from exporter.core.delivery import Backlog, EndpointKey
from exporter.core.errors import StoreError
from exporter.outbox.carrier import Carrier
from exporter.store import backlog, claims
from exporter.store.group_commit import GroupCommit
from exporter.store.subjects import endpoints
from exporter.store.threads import in_thread

ROUNDS = 6
"""Rounds in the time of a lease, each of which renews it: one every 5 seconds."""

COUNT_EVERY = 3
"""Rounds from one count of the backlogs to the next: 15 seconds."""

T = TypeVar("T")


class Upkeep:
    """Keeps the lease of `carrier`, and the tables of deliveries, in order."""

    def __init__(self, commits: GroupCommit, carrier: Carrier, clock: Clock) -> None:
        """Do nothing yet."""
        self._commits, self._carrier, self._clock = commits, carrier, clock
        self.backlogs: dict[EndpointKey, Backlog] = {}
        self._missing: set[str] = set()
        self._rounds = 0
        self._healthy = True
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Do a round six times in a lease, for ever."""
        while True:
            try:
                await self.round()
                self._healthy = True
            except StoreError as error:
                if self._healthy:  # once for each outage
                    self._log.warning("deliveries wait for the store", error=str(error))
                self._healthy = False
            await asyncio.sleep(self._carrier.lease.seconds / ROUNDS)

    async def round(self) -> None:
        """Do everything once."""
        if not await self._carrier.lease.renew():
            self._log.warning("another replica took over: this one was away for longer than its lease")
            self._carrier.lose()
        if await self._carrier.lease.take_over():
            self._carrier.needed.set()
        before = self._carrier.lanes.learned
        # At one time, and so in one transaction.
        expired, owned, states = await asyncio.gather(
            self._write(self._expire), self._write(self._owned), self._write(endpoints.states)
        )
        self._carrier.lanes.learn_all(states, before)
        while expired:
            expired = await self._write(self._expire)
        await self._free_missing(owned)
        self._carrier.needed.set()
        if self._rounds % COUNT_EVERY == 0:
            self.backlogs = await in_thread(lambda: self._commits.database.read(backlog.backlogs))
        self._rounds += 1

    async def refresh(self) -> None:
        """Learn how endpoints do, and count backlogs, now."""
        before = self._carrier.lanes.learned
        self._carrier.lanes.learn_all(await self._write(endpoints.states), before)
        self.backlogs = await in_thread(lambda: self._commits.database.read(backlog.backlogs))
        self._carrier.needed.set()

    def _expire(self, connection: Connection) -> int:
        return claims.expire(connection, self._clock.now())

    def _owned(self, connection: Connection) -> set[str]:
        return claims.owned_ids(connection, self._carrier.lease.name)

    async def _free_missing(self, owned: set[str]) -> None:
        """Free what is ours in the store, but not in memory: a write may succeed that we gave up."""
        name, lanes = self._carrier.lease.name, self._carrier.lanes
        missing = owned - lanes.ids
        # Twice in a row, since what was stored just now is not in memory yet.
        if lost := missing & self._missing - lanes.ids:
            await self._commits.write(claims.free_each, (name, lost))
        self._missing = missing

    async def _write(self, call: Callable[[Connection], T]) -> T:
        def step(connection: Connection, _calls: Sequence[None]) -> list[T]:
            return [call(connection)]

        return await self._commits.write(step, None)
