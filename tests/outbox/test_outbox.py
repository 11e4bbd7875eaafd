"""What is accepted arrives, by the limits of its endpoint, whatever other endpoints do."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from exporter.core.breaker import TRIES
from exporter.core.delivery import (
    Attempt,
    Delivery,
    DeliveryState,
    EndpointLimits,
    GiveUp,
    Receipt,
    RetryLater,
    RetryPolicy,
)
from exporter.core.errors import StoreError
from exporter.outbox.lease import Lease
from exporter.outbox.outbox import Outbox
from exporter.store import group_commit
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from exporter.store.retries import RetryChoice
from exporter.store.subjects import attempts, replicas
from tests.clock import HandClock
from tests.outbox.parcels import KIND, NOW, Receiver, parcel, put, rows
from tests.waiting import until


@asynccontextmanager
async def running(store: Database, receiver: Receiver, **more: Any) -> AsyncIterator[Outbox]:
    made = Outbox(store, [receiver], clock=more.pop("clock", None) or HandClock(NOW), **more)
    await made.start()
    try:
        yield made
    finally:
        assert await made.stop(30.0)


def states(store: Database) -> dict[str, int]:
    return dict(rows(store, "state, count(*)", "delivery GROUP BY state"))


def has_rows(store: Database, columns: str, table: str, wanted: list[int]) -> bool:
    return rows(store, columns, table) == wanted


async def test_what_is_accepted_arrives_once_and_its_attempt_is_kept(store: Database) -> None:
    receiver, seen = Receiver(), list[tuple[Delivery, Attempt]]()
    async with running(store, receiver) as outbox:
        outbox.listeners.append(lambda delivery, attempt: seen.append((delivery, attempt)))
        new = await outbox.submit([parcel("one", due=0.0), parcel("two", "mail", tenant="acme")])
        assert new == [True, True]
        assert await outbox.submit([parcel("one")]) == [False]
        await until(lambda: states(store) == {"delivered": 2})
    assert receiver.got == {"one": 1, "two": 1}
    (made,) = store.read(lambda connection: attempts.of_delivery(connection, "two"))
    assert (made.number, made.status, made.reason, made.tenant) == (1, 200, "", "acme")
    assert made.url == "https://crm.example/hook"
    assert sorted(delivery.id for delivery, _ in seen) == ["one", "two"]
    assert {delivery.state for delivery, _ in seen} == {DeliveryState.DELIVERED}
    assert rows(store, "name", "replica") == [], "the lease is given back"


async def test_an_outcome_that_nothing_waits_for_costs_no_commit_of_its_own(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LINGER", 3600.0)
    monkeypatch.setattr(group_commit, "GATHER", 3600.0)
    receiver = Receiver()
    async with running(store, receiver) as outbox:
        await outbox.submit([parcel("one"), parcel("two")])
        await until(lambda: len(receiver.got) == 2)
        await outbox.submit([parcel("three")])
        assert set(states(store)) == {"waiting"}
    assert states(store) == {"delivered": 3}, "a stop leaves none of them behind"
    assert receiver.got == {"one": 1, "two": 1, "three": 1}


async def test_a_failure_and_the_head_of_an_order_are_stored_at_once(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LINGER", 3600.0)
    receiver = Receiver()
    receiver.of["ordered"] = EndpointLimits(ordered=True)
    receiver.answers["crm"] = lambda _delivery: RetryLater("timeout", "too slow", 504)
    async with running(store, receiver) as outbox:
        await outbox.submit([parcel("fails"), parcel("first", "ordered"), parcel("then", "ordered")])
        await until(lambda: states(store) == {"delivered": 2, "waiting": 1})
        await until(lambda: rows(store, "reason", "delivery WHERE endpoint = 'crm'") == ["timeout"])


async def test_what_waited_before_the_start_arrives_too(store: Database) -> None:
    receiver = Receiver()
    put(store, [parcel(f"{number}", f"e{number % 7}") for number in range(300)])
    put(store, [parcel("of one that is gone")], owner="host:1:gone")
    async with running(store, receiver):
        await until(lambda: states(store) == {"delivered": 301})
    assert set(receiver.got.values()) == {1}


async def test_no_endpoint_gets_more_at_one_time_than_it_allows(store: Database) -> None:
    receiver = Receiver(EndpointLimits(concurrency=3), seconds=0.005)
    async with running(store, receiver) as outbox:
        await asyncio.gather(*(outbox.submit([parcel(f"{n}", f"e{n % 2}")]) for n in range(80)))
        await until(lambda: states(store) == {"delivered": 80})
    assert receiver.most == {"e0": 3, "e1": 3}


async def test_an_ordered_endpoint_gets_one_after_another_as_accepted(store: Database) -> None:
    receiver, clock = Receiver(EndpointLimits(ordered=True, concurrency=8)), HandClock(NOW)
    names = [f"{random.Random(number).random()}" for number in range(12)]
    async with running(store, receiver, clock=clock) as outbox:
        for name in names[:6]:
            await outbox.submit([parcel(name, due=0.0)])
        await outbox.submit([parcel(name, due=0.0) for name in names[6:]])
        await clock.advance(1.0)  # it is accepted a microsecond apart
        await until(lambda: states(store) == {"delivered": 12})
    assert receiver.order == names
    assert receiver.most == {"crm": 1}


async def test_what_fails_is_tried_again_when_it_is_due_and_is_dead_at_the_end(store: Database) -> None:
    receiver, clock = Receiver(EndpointLimits(retry=RetryPolicy(attempts=3))), HandClock(NOW)
    receiver.answers["crm"] = lambda _delivery: RetryLater("timeout", "too slow", 504)
    receiver.answers["mail"] = lambda _delivery: GiveUp("not_found", "HTTP 410", 410)
    async with running(store, receiver, clock=clock) as outbox:
        await outbox.submit([parcel("one"), parcel("gone", "mail")])
        await until(lambda: rows(store, "delivery, state, attempts")[0] == ("gone", "dead", 1))
        for made in ([1], [2]):
            await until(partial(has_rows, store, "attempts", "delivery WHERE state = 'waiting'", made))
            await clock.advance(100.0)
        await until(lambda: rows(store, "delivery, state, attempts")[1] == ("one", "dead", 3))
        assert rows(store, "reason, detail") == [("not_found", "HTTP 410"), ("timeout", "too slow")]
        del receiver.answers["crm"]
        done: list[tuple[int, int]] = []
        chosen = RetryChoice(ids=("one",))
        assert await outbox.retry(chosen, "ann", lambda *progress: done.append(progress)) == 1
        await until(lambda: rows(store, "delivery, state, attempts")[1] == ("one", "delivered", 4))
    assert done == [(1, 1)]
    found = store.read(lambda connection: attempts.of_delivery(connection, "one"))
    assert [(one.number, one.actor) for one in found] == [(1, ""), (2, ""), (3, ""), (4, "ann")]


async def test_a_mistake_in_an_action_or_one_that_never_ends_costs_its_attempt_alone(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Receiver):
        async def run(self, delivery: Delivery) -> Receipt:
            if delivery.id == "mistake":
                raise KeyError("a secret")
            await asyncio.sleep(1e6 if delivery.id == "endless" else 0)
            return Receipt(200)

    monkeypatch.setattr("exporter.outbox.carrier.most_seconds", lambda _limits: 0.05)
    async with running(store, Broken()) as outbox:
        await outbox.submit([parcel(name) for name in ("mistake", "endless", "fine")])
        await until(lambda: rows(store, "count(*)", "attempt") == [3])
        assert rows(store, "delivery, state, reason, detail") == [
            ("endless", "waiting", "timeout", "it did not end within 0.05 s"),
            ("fine", "delivered", "", ""),
            ("mistake", "waiting", "bug", "KeyError"),
        ]


async def test_an_endpoint_that_fails_is_left_alone_and_then_tried_by_one(store: Database) -> None:
    receiver, clock, tried = Receiver(EndpointLimits(concurrency=2)), HandClock(NOW), list[str]()

    def refuse(delivery: Delivery) -> RetryLater:
        tried.append(delivery.id)
        return RetryLater("connect", "refused")

    receiver.answers["crm"] = refuse
    async with running(store, receiver, clock=clock) as outbox:
        await outbox.submit([parcel(f"{number:03}", expires=NOW + 1e6) for number in range(200)])
        await outbox.submit([parcel("other", "mail")])
        await until(lambda: receiver.got["other"])
        await until(lambda: rows(store, "failures", "endpoint") == [TRIES])
        await until(lambda: rows(store, "count(*)", "delivery WHERE owner <> ''") == [0])
        before = len(tried)
        assert TRIES <= before <= TRIES + 2, "those that were under way, and no more"
        await clock.advance(20.0)
        outbox.wake()
        await until(lambda: rows(store, "failures", "endpoint") == [TRIES + 1])
        assert len(tried) == before + 1
        del receiver.answers["crm"]
        await clock.advance(40.0)
        outbox.wake()
        await until(lambda: states(store).get("delivered", 0) > 150)


async def test_failures_that_are_not_stored_yet_count_though_the_store_says_less(store: Database) -> None:
    """What it says of the first one must not hide the others: a dead endpoint would get more."""
    receiver, tried = Receiver(EndpointLimits(concurrency=2)), list[str]()

    def refuse(delivery: Delivery) -> RetryLater:
        tried.append(delivery.id)
        time.sleep(0.02)  # the loop stands still, and the store answers meanwhile
        return RetryLater("connect", "refused")

    receiver.answers["crm"] = refuse
    async with running(store, receiver) as outbox:
        await outbox.submit([parcel(f"{number:03}") for number in range(40)])
        await until(lambda: rows(store, "failures", "endpoint") == [TRIES])
        await until(lambda: rows(store, "count(*)", "delivery WHERE owner <> ''") == [0])
    assert TRIES <= len(tried) <= TRIES + 2


async def test_an_endpoint_that_hangs_or_is_paused_keeps_none_from_the_others(store: Database) -> None:
    receiver = Receiver()
    hang = asyncio.Event()

    class Hanging(Receiver):
        async def run(self, delivery: Delivery) -> Receipt:
            if delivery.endpoint == "slow":
                await hang.wait()
            return await super().run(delivery)

    receiver = Hanging()
    receiver.of["paused"] = None
    put(store, [parcel(f"s{number:04}", "slow", due=NOW - 9) for number in range(2000)])
    put(store, [parcel(f"p{number:04}", "paused", due=NOW - 9) for number in range(500)])
    async with running(store, receiver) as outbox:
        await outbox.submit([parcel(f"q{number}", "quick") for number in range(100)])
        await until(lambda: sum(receiver.got.values()) == 100)
        assert outbox.carried < 400, "a few of the slow one are in memory, and nothing of the paused one"
        receiver.of["paused"] = EndpointLimits()
        outbox.wake()
        await until(lambda: sum(receiver.got.values()) == 600)
        hang.set()
        await until(lambda: states(store) == {"delivered": 2600})


async def test_a_rate_holds_for_what_is_accepted_now_too(store: Database) -> None:
    receiver, clock = Receiver(EndpointLimits(rate=5, per=1.0, concurrency=10)), HandClock(NOW)
    async with running(store, receiver, clock=clock) as outbox:
        await asyncio.gather(*(outbox.submit([parcel(f"{number:02}")]) for number in range(12)))
        await until(lambda: len(receiver.order) == 5)
        await clock.advance(0.41)
        outbox.wake()
        await until(lambda: len(receiver.order) == 7)
        await clock.advance(10.0)
        outbox.wake()
        await until(lambda: len(receiver.order) == 12)


async def test_a_store_that_cannot_be_written_refuses_and_keeps_outcomes_until_it_can(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = asyncio.Event()

    class Slow(Receiver):
        async def run(self, delivery: Delivery) -> Receipt:
            await answered.wait()
            return await super().run(delivery)

    receiver = Slow()
    async with running(store, receiver) as outbox:
        await outbox.submit([parcel("one")])
        real, broken = store.joining, StoreError("the disk is full")

        def fail() -> Any:
            raise broken

        monkeypatch.setattr(store, "joining", fail)
        with pytest.raises(StoreError, match="full"):
            await outbox.submit([parcel("two")])
        answered.set()
        await until(lambda: receiver.got["one"])
        assert states(store) == {"waiting": 1}
        monkeypatch.setattr(store, "joining", real)
        await until(lambda: states(store) == {"delivered": 1})
        assert await outbox.submit([parcel("two")]) == [True]
        await until(lambda: states(store) == {"delivered": 2})
    assert receiver.got == {"one": 1, "two": 1}


async def test_a_replica_that_was_away_for_longer_than_its_lease_carries_nothing_on(url: str) -> None:
    boot = [0.0]
    stores = [Database(url, replica=name) for name in "ab"]
    for one in stores:
        one.open()
    begun, release = asyncio.Event(), asyncio.Event()

    class Slow(Receiver):
        async def run(self, delivery: Delivery) -> Receipt:
            begun.set()
            await release.wait()
            return await super().run(delivery)

    slow, quick = Slow(), Receiver()

    def lease(commits: GroupCommit) -> Lease:
        return Lease(commits, 3600.0, lambda: boot[0])

    async with running(stores[0], slow, lease=lease) as frozen:
        await frozen.submit([parcel(f"{number}") for number in range(9)])
        await begun.wait()
        await until(lambda: frozen._upkeep._rounds > 1)  # with which it renews its lease once more
        boot[0] = 4000.0
        with stores[1].writing() as connection:
            connection.execute(replicas.TABLE.update().values(seen=1.0))
        async with running(stores[1], quick, lease=lambda commits: Lease(commits, 3600.0)):
            await until(lambda: len(quick.got) == 9)
            release.set()
            await until(lambda: frozen.fenced > 0)
            await until(lambda: frozen.carried == 0)
        assert set(quick.got.values()) == {1}
        assert states(stores[1]) == {"delivered": 9}
    for one in stores:
        one.close()


async def test_what_is_ours_in_the_store_but_not_in_memory_is_found(store: Database) -> None:
    receiver = Receiver()
    async with running(store, receiver) as outbox:
        (name,) = rows(store, "name", "replica")
        put(store, [parcel("lost")], owner=name)
        for _ in range(2):
            await outbox._upkeep.round()
        await until(lambda: receiver.got["lost"])


async def test_a_stop_leaves_what_waits_to_others_at_once(store: Database) -> None:
    receiver = Receiver(EndpointLimits(concurrency=1), seconds=0.01)
    async with running(store, receiver) as outbox:
        await outbox.submit([parcel(f"{number:02}") for number in range(40)])
    assert 1 <= len(receiver.got) < 40
    assert rows(store, "count(*)", "delivery WHERE owner <> ''") == [0]
    assert states(store) == {"delivered": len(receiver.got), "waiting": 40 - len(receiver.got)}


async def test_what_is_stored_as_finished_is_not_carried(store: Database) -> None:
    receiver = Receiver()
    async with running(store, receiver) as outbox:
        stored = parcel("one", kind="received", state=DeliveryState.DELIVERED)
        assert await outbox.submit([stored, replace(stored, id="two", kind=KIND)]) == [True, True]
        await outbox._upkeep.round()
        assert outbox.backlogs == {}
    assert not receiver.got
