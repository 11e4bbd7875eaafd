"""Claims what is due from the store: when there is room, when something came, and once a second.

Nearly always nothing waits: then one cheap look answers for all kinds.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from exporter.core.clock import Clock
from exporter.core.delivery import Delivery, EndpointKey, EndpointLimits
from exporter.core.errors import StoreError
from exporter.outbox.carrier import Carrier, most_seconds
from exporter.outbox.lanes import LaneQueue
from exporter.store import claims
from exporter.store.claims import Claim, Turn
from exporter.store.group_commit import GroupCommit
from exporter.store.subjects import endpoints

POLL = 1.0
"""Seconds after which we look for what became due, or what another replica accepted or lost."""

AFTER_FAILURE = 2.0
"""Seconds for which a store that fails is left alone."""


class Claimer:
    """Fills the lanes of `carrier` with deliveries of `kinds`."""

    def __init__(self, commits: GroupCommit, carrier: Carrier, clock: Clock, kinds: Collection[str]) -> None:
        """Claim nothing yet."""
        self._commits, self._carrier, self._clock = commits, carrier, clock
        self._after = dict.fromkeys(kinds, "")

    async def run(self, poll: float = POLL) -> None:
        """Claim for ever; a failure of the store costs a pause."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(poll):
                    await self._carrier.needed.wait()
            self._carrier.needed.clear()
            try:
                await self.claim_all()
            except StoreError:
                await asyncio.sleep(AFTER_FAILURE)

    async def claim_all(self) -> None:
        """Claim once what is due of each kind of which anything waits."""
        if not self._carrier.lease.valid:
            return
        wanted, self._carrier.wanted = self._carrier.wanted, set()
        # The look joins the transaction of the first claim.
        waiting, _ = await asyncio.gather(self._look(), self._claim_of(wanted))
        self._note_nothing(self._after.keys() - waiting - wanted - self._carrier.wanted)
        await self._claim_of(waiting - wanted)

    async def _look(self) -> set[str]:
        return await self._commits.write(_look_each, None)

    async def _claim_of(self, kinds: Collection[str]) -> None:
        for kind in self._after:
            if kind in kinds and self._carrier.lease.valid:
                # At one time, and so in one transaction.
                await asyncio.gather(self._claim(kind), self._take_turns(kind), self._note_behind(kind))

    async def _claim(self, kind: str) -> None:
        carrier, lanes = self._carrier, self._carrier.lanes
        busy, after = self._busy(kind), self._after[kind]
        each = lanes.each
        wanted = Claim(kind, carrier.lease.name, self._clock.now(), lanes.room, busy, after, each)
        if not wanted.room:
            return
        found = await self._commits.write(_claim_each, wanted)
        full = len(found) >= wanted.room
        # One that filled all the room goes on with the endpoints that it did not come to.
        self._after[kind] = max(one.endpoint for one in found) if full else ""
        counts = Counter(one.endpoint for one in found)
        for queue in lanes:
            name = queue.lane[1]
            if queue.lane[0] == kind and name not in busy and name > after and not full:
                queue.behind = counts[name] >= each
        for delivery in found:
            if counts[delivery.endpoint] >= each:
                lanes.queue((kind, delivery.endpoint)).behind = True
            await self._accept(delivery)

    async def _note_behind(self, kind: str) -> None:
        """Note busy endpoints of which the store has something that is due: it goes before what is new.

        What is accepted goes straight into memory while there is room, and might keep an endpoint busy for
        ever: retries, and what a replica carried that is gone, would wait behind what came later.
        """
        lanes = self._carrier.lanes
        busy = {
            queue.lane[1]
            for queue in lanes
            if queue.lane[0] == kind and not queue.behind and self._has_enough(queue)
        }
        if busy:
            for name in await self._commits.write(_behind, (kind, busy, self._clock.now())):
                lanes.queue((kind, name)).behind = True

    def _note_nothing(self, kinds: Collection[str]) -> None:
        """Note that the store has nothing of `kinds` that could be claimed."""
        for kind in kinds:
            self._after[kind] = ""
        for queue in self._carrier.lanes:
            if queue.lane[0] in kinds:
                queue.behind = False

    async def _accept(self, delivery: Delivery) -> None:
        lane = delivery.kind, delivery.endpoint
        limits = self._carrier.limits(lane)
        if limits is not None and (limits.ordered or limits.rate):
            # It takes turns, and its row did not say so yet.
            await self._mark(lane)
            await self._commits.write(claims.free_each, (self._carrier.lease.name, (delivery.id,)))
            return
        self._carrier.carry(delivery)

    async def _mark(self, lane: EndpointKey) -> None:
        if lane not in self._carrier.lanes.metered:
            await self._commits.write(_mark_each, lane)
            self._carrier.lanes.metered.add(lane)

    def _busy(self, kind: str) -> frozenset[str]:
        """Return the endpoints of which nothing more can be taken now."""
        return frozenset(
            queue.lane[1]
            for queue in self._carrier.lanes
            if queue.lane[0] == kind and (self._carrier.limits(queue.lane) is None or self._has_enough(queue))
        )

    def _has_enough(self, queue: LaneQueue) -> bool:
        """Return whether so much of an endpoint waits in memory that no more is claimed."""
        return 2 * len(queue.waiting) > self._carrier.lanes.each

    async def _take_turns(self, kind: str) -> None:
        for name in await self._commits.write(_turns, (kind, self._clock.now())):
            lane, limits = (kind, name), self._carrier.limits((kind, name))
            if limits is not None:
                for delivery in await self._commits.write(_take_each, self._turn(lane, limits)):
                    self._carrier.attempt_now(delivery, limits)

    def _turn(self, lane: EndpointKey, limits: EndpointLimits) -> Turn:
        return Turn(
            lane=lane,
            owner=self._carrier.lease.name,
            now=self._clock.now(),
            room=max(0, limits.concurrency - self._carrier.lanes.queue(lane).carried),
            spacing=limits.per / limits.rate if limits.rate else 0.0,
            burst=max(1, limits.rate),
            ordered=limits.ordered,
            trial=most_seconds(limits) + 10.0,
        )


def _look_each(connection: Connection, looks: Sequence[None]) -> list[set[str]]:
    return [claims.waiting_kinds(connection)] * len(looks)


def _claim_each(connection: Connection, wanted: Sequence[Claim]) -> list[list[Delivery]]:
    return [claims.claim(connection, one) for one in wanted]


def _take_each(connection: Connection, turns: Sequence[Turn]) -> list[list[Delivery]]:
    return [claims.take_turn(connection, one) for one in turns]


def _turns(connection: Connection, asked: Sequence[tuple[str, float]]) -> list[list[str]]:
    return [claims.lanes_in_turn(connection, kind, now) for kind, now in asked]


def _behind(connection: Connection, asked: Sequence[tuple[str, set[str], float]]) -> list[set[str]]:
    return [claims.lanes_behind(connection, kind, names, now) for kind, names, now in asked]


def _mark_each(connection: Connection, lanes: Sequence[EndpointKey]) -> list[None]:
    endpoints.mark_metered(connection, set(lanes))
    return [None] * len(lanes)
