"""What waits is found by one look for all kinds, whoever wrote it and whenever it is due."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import pytest
from sqlalchemy import Connection

from exporter.core.delivery import AttemptError, Delivery, DeliveryState, EndpointLimits, Receipt, RetryLater
from exporter.outbox.carrier import Carrier
from exporter.outbox.claimer import Claimer
from exporter.outbox.lanes import Lanes
from exporter.outbox.lease import Lease
from exporter.outbox.outbox import Outbox
from exporter.store.claims import EACH, waiting_kinds
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from tests.clock import HandClock
from tests.outbox.parcels import KIND, NOW, Receiver, parcel, put, rows
from tests.waiting import until


def long_lease(commits: GroupCommit) -> Lease:
    """A lease of an hour: its upkeep comes too seldom to find what the look is to find."""
    return Lease(commits, 3600.0)


@asynccontextmanager
async def running(store: Database, receiver: Receiver, clock: HandClock) -> AsyncIterator[Outbox]:
    made = Outbox(store, [receiver], clock=clock, lease=long_lease)
    await made.start()
    try:
        yield made
    finally:
        assert await made.stop(30.0)


@asynccontextmanager
async def claiming(store: Database, receiver: Receiver) -> AsyncIterator[tuple[Claimer, Carrier]]:
    """A claimer that looks when a test asks it to, for the receiver of two kinds and for one without."""
    commits = GroupCommit(store)
    carrier = Carrier(
        commits, {KIND: receiver, "sms": receiver}, Lanes(), long_lease(commits), HandClock(NOW)
    )
    await carrier.lease.renew()
    try:
        yield Claimer(commits, carrier, HandClock(NOW), ("alert", KIND, "sms")), carrier
    finally:
        await carrier.stop(30.0)
        await carrier.lease.end()
        await commits.close(30.0)


class SlowReceiver(Receiver):
    """It answers as many as a test lets it."""

    def __init__(self, limits: EndpointLimits) -> None:
        super().__init__(limits)
        self.let = asyncio.Semaphore(0)

    async def run(self, delivery: Delivery) -> Receipt:
        await self.let.acquire()
        return await super().run(delivery)


def has_got(receiver: Receiver, count: int) -> bool:
    return len(receiver.order) == count


async def test_while_nothing_waits_one_transaction_a_look_answers_for_all_kinds(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[None] = []

    @contextmanager
    def joining() -> Iterator[Connection]:
        begun.append(None)
        with real() as connection:
            yield connection

    put(store, [parcel("carried")], owner="host:1:other")
    put(store, [parcel("arrived", state=DeliveryState.DELIVERED)])
    async with claiming(store, Receiver()) as (claimer, _):
        real = store.joining
        monkeypatch.setattr(store, "joining", joining)
        for _ in range(3):
            await claimer.claim_all()
        assert len(begun) == 3


def test_the_look_finds_each_kind_of_which_anything_waits(store: Database) -> None:
    assert store.read(waiting_kinds) == set()
    put(store, [parcel(f"{kind} {n}", kind=kind) for kind in ("alert", "sms", "zeta") for n in range(3)])
    put(store, [parcel("carried", kind="carried")], owner="host:1:other")
    put(store, [parcel("arrived", kind="arrived", state=DeliveryState.DELIVERED)])
    put(store, [parcel("late", kind="late", due=NOW + 500.0)])
    assert store.read(waiting_kinds) == {"alert", "late", "sms", "zeta"}


async def test_a_look_that_finds_nothing_lets_new_deliveries_be_carried_at_once_again(
    store: Database,
) -> None:
    """Another replica has taken what was behind meanwhile."""
    async with claiming(store, Receiver()) as (claimer, carrier):
        queue = carrier.lanes.queue((KIND, "crm"))
        queue.behind = True
        assert not carrier.reserve(parcel("one"))
        await claimer.claim_all()
        assert carrier.reserve(parcel("one"))


async def test_what_was_freed_goes_before_what_an_endpoint_that_is_always_busy_accepts_later(
    store: Database,
) -> None:
    """A replica that accepts as fast as its endpoint takes never has so little in memory that it claims."""
    receiver, accepted = SlowReceiver(EndpointLimits(concurrency=2)), 0
    async with claiming(store, receiver) as (claimer, carrier):
        queue = carrier.lanes.queue((KIND, "crm"))

        def accept() -> None:
            """Accept while few wait in memory: straight into it, or into the store where others are first."""
            nonlocal accepted
            while len(queue.waiting) < EACH // 2 + 8:
                accepted += 1
                new = parcel(f"{accepted:04}", due=NOW - 100.0 + accepted / 1000)
                place = carrier.reserve(new)
                put(store, [new], owner=carrier.lease.name if place else "")
                if not place:
                    carrier.note_waiting(new)
                    return
                carrier.release(new)
                carrier.carry(new)

        accept()
        put(store, [parcel("freed", due=NOW - 500.0)])
        for done in range(8, 2 * EACH + 1, 8):
            for _ in range(8):
                receiver.let.release()
            await until(partial(has_got, receiver, done))
            accept()
            await claimer.claim_all()
        assert "freed" in receiver.order
        for _ in range(EACH):
            receiver.let.release()


async def test_what_is_known_to_wait_is_claimed_with_the_look_and_the_other_kinds_after_it(
    store: Database,
) -> None:
    receiver = Receiver()
    put(store, [parcel("known"), parcel("other", kind="sms")])
    async with claiming(store, receiver) as (claimer, carrier):
        carrier.note_waiting(parcel("known"))
        assert carrier.wanted == {KIND}
        await claimer.claim_all()
        assert carrier.wanted == set()
        await until(lambda: receiver.got == {"known": 1, "other": 1})


async def test_a_replica_without_a_lease_does_not_look(store: Database) -> None:
    async with claiming(store, Receiver()) as (claimer, carrier):
        await carrier.lease.end()
        put(store, [parcel("one")])
        carrier.note_waiting(parcel("one"))
        await claimer.claim_all()
        assert carrier.wanted == {KIND}, "it is claimed once there is a lease"
        assert rows(store, "owner") == [""]


async def test_what_another_process_wrote_is_taken_by_the_next_look(store: Database) -> None:
    receiver = Receiver()
    async with running(store, receiver, HandClock(NOW)) as outbox:
        await outbox.submit([parcel("ours")])
        await until(lambda: receiver.got == {"ours": 1})
        put(store, [parcel("of another")])
        await until(lambda: receiver.got == {"ours": 1, "of another": 1})


async def test_a_retry_that_is_due_later_is_made_at_its_time_and_not_before(store: Database) -> None:
    receiver, clock = Receiver(), HandClock(NOW)
    seen: list[str] = []

    def answer(delivery: Delivery) -> AttemptError | None:
        seen.append(delivery.id)
        return RetryLater("timeout", "too slow", 504) if seen.count(delivery.id) == 1 else None

    receiver.answers["crm"] = answer
    async with running(store, receiver, clock) as outbox:
        await outbox.submit([parcel("one")])
        await until(lambda: rows(store, "attempts", "delivery WHERE owner = ''") == [1])
        await outbox._claimer.claim_all()
        assert seen == ["one"]
        await clock.advance(100.0)
        await until(lambda: seen == ["one", "one"])
        await until(lambda: rows(store, "state") == ["delivered"])
