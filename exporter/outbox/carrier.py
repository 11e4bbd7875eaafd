"""Attempts what this process carries, and has every outcome stored, however long the store is away."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

import structlog

from exporter.core.clock import Clock
from exporter.core.delivery import (
    Action,
    Attempt,
    AttemptError,
    Delivery,
    DeliveryState,
    EndpointKey,
    EndpointLimits,
    Receipt,
    RetryLater,
)
from exporter.core.errors import StoreError
from exporter.outbox.lanes import LaneQueue, Lanes
from exporter.outbox.lease import Lease
from exporter.outbox.verdict import Trial, judge
from exporter.store import claims
from exporter.store.group_commit import GroupCommit
from exporter.store.outcomes import Outcome, Settlement, record

AttemptListener = Callable[[Delivery, Attempt], None]

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
"""Seconds between two tries to store an outcome, doubled each time."""


def most_seconds(limits: EndpointLimits) -> float:
    """Return for how long one attempt may go on: one at the URL, one at the fallback, and their ends."""
    return 2 * limits.retry.timeout + 5.0


class Carrier:
    """Carries deliveries under `lease`; `needed` is set when more could be claimed.

    `wanted` are the kinds of which the store has something for sure: they are claimed without a look.
    """

    def __init__(
        self,
        commits: GroupCommit,
        actions: Mapping[str, Action],
        lanes: Lanes,
        lease: Lease,
        clock: Clock,
    ) -> None:
        """Carry nothing yet."""
        self.lanes, self.lease = lanes, lease
        self.listeners: list[AttemptListener] = []
        self.needed = asyncio.Event()
        self.wanted: set[str] = set()
        self.fenced = 0
        self._commits, self._actions, self._clock = commits, actions, clock
        self._attempts: set[asyncio.Task[None]] = set()
        self._records: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._dice = random.Random()  # noqa: S311  # spreads retries, guards nothing
        self._log = structlog.get_logger(__name__)

    def limits(self, lane: EndpointKey) -> EndpointLimits | None:
        """Return the limits of an endpoint, None where nothing may be attempted."""
        action = self._actions.get(lane[0])
        return action.limits(lane[1]) if action is not None else None

    def reserve(self, delivery: Delivery) -> bool:
        """Return whether there is room to attempt `delivery` as soon as it is stored, and keep it."""
        lane = delivery.kind, delivery.endpoint
        limits, queue, now = self.limits(lane), self.lanes.queue(lane), self._clock.now()
        fine = (
            limits is not None
            and delivery.state is DeliveryState.WAITING
            and self.lease.valid
            and delivery.due <= now
            and not queue.behind
            and queue.room(limits, self.lanes.each) > 0
            and self.lanes.room > 0
            and self.lanes.is_open(lane, now)
            and not self.lanes.takes_turns(lane, limits)
        )
        if fine:
            queue.reserved += 1
        return fine

    def release(self, delivery: Delivery) -> None:
        """Give a reserved place back."""
        self.lanes.queue((delivery.kind, delivery.endpoint)).reserved -= 1

    def carry(self, delivery: Delivery) -> None:
        """Attempt a delivery that is stored as ours, as soon as its endpoint has a free place."""
        queue = self.lanes.queue((delivery.kind, delivery.endpoint))
        self.lanes.add(delivery)
        queue.waiting.append(delivery)
        self.pump(queue)

    def attempt_now(self, delivery: Delivery, limits: EndpointLimits) -> None:
        """Attempt a delivery whose turn it is."""
        self.lanes.add(delivery)
        self._begin(self.lanes.queue((delivery.kind, delivery.endpoint)), delivery, limits, in_turn=True)

    def note_waiting(self, delivery: Delivery) -> None:
        """Note that the store has something that is due of an endpoint."""
        self.lanes.queue((delivery.kind, delivery.endpoint)).behind = True
        self._want(delivery.kind)

    def pump(self, queue: LaneQueue) -> None:
        """Begin as many attempts of an endpoint as it has places for."""
        limits = self.limits(queue.lane)
        if limits is None or not self.lanes.is_open(queue.lane, self._clock.now()):
            self._give_back(queue)
            return
        while queue.waiting and queue.running < limits.concurrency:
            self._begin(queue, queue.waiting.popleft(), limits)
        # Before it is empty: the next ones are there when the last of these begins.
        if queue.behind and 2 * len(queue.waiting) <= self.lanes.each:
            self._want(queue.lane[0])

    def lose(self) -> None:
        """Stop carrying everything: another replica has it."""
        for queue in self.lanes:
            self.lanes.empty(queue)
        for task in self._attempts:
            task.cancel()

    async def stop(self, limit: float) -> bool:
        """Let attempts end and their outcomes be stored within `limit` seconds; return whether all were."""
        self._stopping = True
        self._commits.hurry()
        for queue in self.lanes:
            self.lanes.empty(queue)
        deadline = asyncio.get_running_loop().time() + limit
        for tasks in (self._attempts, self._records):
            if tasks:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                await asyncio.wait(set(tasks), timeout=left)
        left_over = [*self._attempts, *self._records]
        for task in left_over:
            task.cancel()
        await asyncio.gather(*left_over, return_exceptions=True)
        return not left_over

    def _begin(
        self, queue: LaneQueue, delivery: Delivery, limits: EndpointLimits, *, in_turn: bool = False
    ) -> None:
        queue.running += 1
        self._spawn(self._attempts, self._carry_out(queue, delivery, limits, in_turn))

    def _spawn(self, tasks: "set[asyncio.Task[None]]", work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        # The loop holds tasks by weak references only.
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _carry_out(
        self, queue: LaneQueue, delivery: Delivery, limits: EndpointLimits, in_turn: bool
    ) -> None:
        outcome: Outcome | None = None
        try:
            if self.lease.valid:
                outcome = await self._try(delivery, limits, self.lease.name, in_turn)
        finally:
            queue.running -= 1
            if outcome is None:
                self.lanes.drop(delivery)
        if outcome is not None:
            self.lanes.note(queue, outcome.report)
            self._spawn(self._records, self._store(queue, outcome))
            self.pump(queue)

    async def _try(self, delivery: Delivery, limits: EndpointLimits, owner: str, in_turn: bool) -> Outcome:
        began, monotonic = self._clock.now(), self._clock.monotonic()
        answer = await self._answer(delivery, limits)
        took, replica = self._clock.monotonic() - monotonic, owner.partition(":")[0]
        trial = Trial(delivery, limits, began, took, replica, in_turn)
        after, report = judge(trial, answer, self._dice)
        return Outcome(after, owner, trial.attempt(answer), report)

    async def _answer(self, delivery: Delivery, limits: EndpointLimits) -> Receipt | AttemptError:
        most = most_seconds(limits)
        try:
            async with asyncio.timeout(most):
                return await self._actions[delivery.kind].run(delivery)
        except AttemptError as error:
            return error
        except TimeoutError:
            return RetryLater("timeout", f"it did not end within {most:g} s")
        except Exception as error:  # noqa: BLE001  # a mistake in an action costs its attempt alone
            self._log.error("an attempt failed by a mistake", kind=delivery.kind, error=type(error).__name__)
            return RetryLater("bug", type(error).__name__)

    async def _store(self, queue: LaneQueue, outcome: Outcome) -> None:
        """Store an outcome, again and again while the store fails: the attempt was made."""
        for listener in self.listeners:
            listener(outcome.delivery, outcome.attempt)
        wait, may_wait = FIRST_PAUSE, self._may_wait(outcome)
        try:
            while True:
                since = self.lanes.learned
                try:
                    settled = await self._commits.write(record, outcome, may_wait=may_wait)
                    break
                except StoreError:
                    await asyncio.sleep(wait)
                    wait = min(LONGEST_PAUSE, wait * 2)
        finally:
            self.lanes.drop(outcome.delivery)
            self.lanes.settle(queue, outcome.report)
        if not outcome.report.works:
            await asyncio.sleep(0)  # until all that were stored with it are settled: each counts once
        self._learn(queue, settled, since)

    def _may_wait(self, outcome: Outcome) -> bool:
        """Return whether nothing waits for an outcome: its endpoint works, and takes no turns."""
        report = outcome.report
        return report.works and not report.in_turn and not report.hold_until and not self._stopping

    def _learn(self, queue: LaneQueue, settled: Settlement, since: int) -> None:
        """Take over what the store says of an endpoint."""
        self.fenced += not settled.owned
        if settled.endpoint is not None:
            self.lanes.learn(queue, settled.endpoint, settled.order, since)
        limits = self.limits(queue.lane)
        if limits is not None and self.lanes.takes_turns(queue.lane, limits):
            self._want(queue.lane[0])
        self.pump(queue)

    def _want(self, kind: str) -> None:
        self.wanted.add(kind)
        self.needed.set()

    def _give_back(self, queue: LaneQueue) -> None:
        given = self.lanes.empty(queue)
        queue.behind = queue.behind or bool(given)
        if given:
            ids = tuple(delivery.id for delivery in given)
            self._spawn(self._records, self._free(ids))

    async def _free(self, ids: tuple[str, ...]) -> None:
        # What fails is found later: it is owned, but not in memory.
        with suppress(StoreError):
            await self._commits.write(claims.free_each, (self.lease.name, ids))
