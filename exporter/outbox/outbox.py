"""Takes deliveries in, durably, and brings each to its endpoint at least once."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from exporter.core.clock import Clock, SystemClock
from exporter.core.delivery import Action, Backlog, Delivery, DeliveryState, EndpointKey
from exporter.core.errors import StoreError
from exporter.core.supervisor import Supervisor
from exporter.core.text_message import SMS
from exporter.outbox.carrier import AttemptListener, Carrier
from exporter.outbox.claimer import Claimer
from exporter.outbox.lanes import Lanes
from exporter.outbox.lease import Lease
from exporter.outbox.upkeep import Upkeep
from exporter.store.accept import Acceptance, accept
from exporter.store.claims import PORTION, abandon
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from exporter.store.retries import RetryChoice, RetryPortion, numbers_of, retry
from exporter.store.rows import clean
from exporter.store.threads import in_thread

TASKS = ("outbox claims", "outbox upkeep")

_STEP = 1e-6
"""Seconds between two deliveries that are accepted at one time: their order is that of `due`."""


class Outbox:
    """Deliveries of every kind for which there is one of `actions`, in `database`.

    `submit` may be called before `start`: what is accepted then is carried later. All methods belong to one
    event loop; StoreError alone says that the database fails.
    """

    def __init__(
        self,
        database: Database,
        actions: Iterable[Action],
        *,
        clock: Clock | None = None,
        supervisor: Supervisor | None = None,
        lease: Callable[[GroupCommit], Lease] = Lease,
    ) -> None:
        """Prepare it; nothing is read or written yet."""
        self._clock = clock or SystemClock()
        self._supervisor = supervisor or Supervisor()
        self.commits = GroupCommit(database, self._supervisor)
        self._kinds = by_kind = {action.kind: action for action in actions}
        self._carrier = Carrier(self.commits, by_kind, Lanes(), lease(self.commits), self._clock)
        self._claimer = Claimer(self.commits, self._carrier, self._clock, by_kind)
        self._upkeep = Upkeep(self.commits, self._carrier, self._clock)
        self._last_due = 0.0

    @property
    def listeners(self) -> list[AttemptListener]:
        """What is called on the loop after each attempt, with the delivery as it is then."""
        return self._carrier.listeners

    async def start(self) -> None:
        """Begin to carry what waits; a store that fails now is tried again."""
        with suppress(StoreError):
            await self._upkeep.round()
        claims, upkeep = TASKS
        self._supervisor.keep(claims, self._claimer.run)
        self._supervisor.keep(upkeep, self._upkeep.run)

    async def stop(self, limit: float) -> bool:
        """Let attempts end within `limit` seconds, and let others have the rest; return whether all ended."""
        for name in TASKS:
            await self._supervisor.stop(name)
        ended = await self._carrier.stop(limit)
        # A claim that was cut may still be written: what it takes must be free as well.
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self.commits.drain()
        with suppress(StoreError):
            await self._carrier.lease.end()
        return await self.commits.close(limit) and ended

    def wake(self) -> None:
        """Look at once for what can be attempted: limits have changed."""
        self._carrier.needed.set()

    async def submit(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Store `deliveries`, all or none; return for each whether it is new, not a duplicate by its id.

        They are durable when this returns. StoreError when they cannot be stored, and then a caller does not
        acknowledge them: sent again they are known by their ids, should they be there after all.
        """
        admitted = list(self._admit(deliveries))
        places = [self._carrier.reserve(delivery) for delivery in admitted]
        owner, metered = self._carrier.lease.name, self._unmarked(admitted)
        pairs = tuple((one, owner if place else "") for one, place in zip(admitted, places, strict=True))
        try:
            new = await self.commits.write(accept, Acceptance(pairs, metered))
        finally:
            # Where that failed it may be stored all the same: upkeep frees what is ours and not in memory.
            for delivery, place in zip(admitted, places, strict=True):
                if place:
                    self._carrier.release(delivery)
        self._carrier.lanes.metered |= metered
        for delivery, place, is_new in zip(admitted, places, new, strict=True):
            if is_new and place:
                self._carrier.carry(delivery)
            elif is_new and delivery.state is DeliveryState.WAITING:
                self._carrier.note_waiting(delivery)
        return new

    async def retry(
        self, choice: RetryChoice, actor: str, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> int:
        """Have the chosen deliveries attempted again at once; return how many. Raises StoreError.

        It goes in portions, after each of which `progress` is called with how many are done, and of how many.
        """
        kinds = frozenset(self._kinds)
        if not choice.ids and ("kind", SMS) not in choice.chosen.fields:
            # A page of last week is no news: text messages go out again only where they are meant.
            kinds -= {SMS}
        choice = replace(choice, kinds=kinds)
        numbers = await in_thread(
            lambda: self.commits.database.read(lambda connection: numbers_of(connection, choice))
        )
        done = 0
        for start in range(0, len(numbers), PORTION):
            portion = tuple(numbers[start : start + PORTION])
            done += await self.commits.write(retry, RetryPortion(portion, actor, self._clock.now()))
            progress(min(start + PORTION, len(numbers)), len(numbers))
        await self._upkeep.refresh()
        return done

    async def abandon(self, kind: str, endpoint: str) -> None:
        """Let what waits for an endpoint that is gone be dead, not what is under way. Raises StoreError."""
        while await self.commits.write(abandon, (kind, endpoint)) == PORTION:
            pass

    @property
    def backlogs(self) -> Mapping[EndpointKey, Backlog]:
        """What waits and what is dead by endpoint, as it was at most 15 seconds ago; this never blocks."""
        return self._upkeep.backlogs

    @property
    def carried(self) -> int:
        """How many deliveries this process has in memory."""
        return len(self._carrier.lanes.ids)

    @property
    def fenced(self) -> int:
        """How many outcomes came too late: another replica had the delivery by then."""
        return self._carrier.fenced

    def _admit(self, deliveries: Sequence[Delivery]) -> Iterator[Delivery]:
        for delivery in deliveries:
            due, name = delivery.due, clean(delivery.id)
            if not due:
                due = self._last_due = max(self._clock.now(), self._last_due + _STEP)
            changed = due != delivery.due or name != delivery.id
            yield delivery.with_changes(id=name, due=due) if changed else delivery

    def _unmarked(self, deliveries: Sequence[Delivery]) -> frozenset[EndpointKey]:
        """Return the endpoints that take turns, and of which the store does not know that yet."""
        lanes = {(one.kind, one.endpoint) for one in deliveries} - self._carrier.lanes.metered
        limits = {lane: self._carrier.limits(lane) for lane in lanes}
        return frozenset(lane for lane, one in limits.items() if one and (one.ordered or one.rate))
