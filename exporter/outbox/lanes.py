"""What this process carries of each endpoint, in memory: bounded, and one endpoint never takes it all."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from exporter.core import breaker
from exporter.core.breaker import TRIES, AttemptReport
from exporter.core.delivery import Delivery, EndpointKey, EndpointLimits, EndpointState
from exporter.store.claims import EACH, FEW

MOST_CARRIED = 10_000
"""Deliveries in memory at most, waiting for their attempt, under way, or for their outcome to be stored."""

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of their bodies at most."""


@dataclass
class LaneQueue:
    """Deliveries of one endpoint that wait for a free place, and how many are under way.

    `reserved` are places for what is being stored. `behind`: the store has more of it, which goes first.
    `unsettled` says how attempts went of which the store does not know yet, the oldest first. `word` is the
    newest that the store said of the endpoint, `order` that of the newest one said under a lock, which came
    as the `written`th thing that was learned.
    """

    lane: EndpointKey
    waiting: deque[Delivery] = field(default_factory=deque)
    running: int = 0
    reserved: int = 0
    behind: bool = False
    unsettled: list[AttemptReport] = field(default_factory=list)
    word: EndpointState = field(default_factory=EndpointState)
    order: int = 0
    written: int = 0
    learned: int = 0

    @property
    def carried(self) -> int:
        """How many of its deliveries are, or will be, in memory."""
        return len(self.waiting) + self.running + self.reserved

    def room(self, limits: EndpointLimits, each: int = EACH) -> int:
        """Return how many more may be taken: those that can run at once, and `each` that follow."""
        return max(0, limits.concurrency + each - self.carried)


class Lanes:
    """Every endpoint that has, or had, something to do; and how each does, as far as is known here.

    `metered` are those whose rows in the store say that they take turns. `ids` are all deliveries in memory.
    `learned` counts how often the store said how one endpoint does.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.states: dict[EndpointKey, EndpointState] = {}
        self.metered: set[EndpointKey] = set()
        self.ids: set[str] = set()
        self._queues: dict[EndpointKey, LaneQueue] = {}
        self.bytes = 0
        self.learned = 0

    def __iter__(self) -> Iterator[LaneQueue]:
        """Iterate over the queues."""
        return iter(list(self._queues.values()))

    def queue(self, lane: EndpointKey) -> LaneQueue:
        """Return the queue of an endpoint."""
        found = self._queues.get(lane)
        if found is None:
            found = self._queues[lane] = LaneQueue(lane)
        return found

    @property
    def room(self) -> int:
        """How many more deliveries may be in memory."""
        return 0 if self.bytes >= MOST_BYTES else max(0, MOST_CARRIED - len(self.ids))

    @property
    def each(self) -> int:
        """How many deliveries of one endpoint may wait in memory: few where there is little room."""
        return EACH if self.room > MOST_CARRIED // 2 else FEW

    def add(self, delivery: Delivery) -> None:
        """Count a delivery that is in memory from now on."""
        self.ids.add(delivery.id)
        self.bytes += len(delivery.body)

    def drop(self, delivery: Delivery) -> None:
        """Forget a delivery that is in no queue any more."""
        self.ids.discard(delivery.id)
        self.bytes -= len(delivery.body)

    def empty(self, queue: LaneQueue) -> list[Delivery]:
        """Take out and return what waits in `queue`."""
        taken = list(queue.waiting)
        queue.waiting.clear()
        for delivery in taken:
            self.drop(delivery)
        return taken

    def takes_turns(self, lane: EndpointKey, limits: EndpointLimits) -> bool:
        """Return whether an endpoint is attempted by its turns in the store alone, for all replicas."""
        return limits.ordered or limits.rate > 0 or self.state(lane).failures >= TRIES

    def is_open(self, lane: EndpointKey, now: float) -> bool:
        """Return whether an endpoint may be attempted now, as far as is known here."""
        state = self.state(lane)
        return max(state.open_until, state.next_free) <= now

    def state(self, lane: EndpointKey) -> EndpointState:
        """Return how an endpoint does, as far as is known here."""
        return self.states.get(lane, _FINE)

    def note(self, queue: LaneQueue, report: AttemptReport) -> None:
        """Learn at once how an attempt went: others must not run into the same wall until it is stored."""
        self.states[queue.lane] = breaker.after(self.state(queue.lane), report)
        if report.works:  # what failed before it counts no more
            queue.unsettled = [one for one in queue.unsettled if one.hold_until]
        queue.unsettled.append(report)

    def settle(self, queue: LaneQueue, report: AttemptReport) -> None:
        """Note that the store knows how an attempt went, or never will."""
        with suppress(ValueError):  # a later one took its place
            queue.unsettled.remove(report)

    def learn(self, queue: LaneQueue, state: EndpointState, order: int, since: int) -> None:
        """Take over what the store says of an endpoint, and on top of that what it does not know yet.

        It was asked when `learned` was `since`. Two threads may answer in another order than they wrote: a
        word of an earlier `order` is old, and so is one that was read alone (0) where one of a writer came
        meanwhile.
        """
        self.learned += 1
        queue.learned = self.learned
        is_old = order < queue.order if order else queue.written > since
        if not is_old:
            queue.word = state
            if order:
                queue.order, queue.written = order, self.learned
        self._show(queue)

    def _show(self, queue: LaneQueue) -> None:
        state = queue.word
        for report in queue.unsettled:
            state = breaker.after(state, report)
        self.states[queue.lane] = state

    def learn_all(self, states: dict[EndpointKey, EndpointState], since: int) -> None:
        """Take over what the store said of all endpoints when `learned` was `since`."""
        newer = {queue.lane: self.state(queue.lane) for queue in self if queue.learned > since}
        self.states = states | newer
        for queue in self:
            if queue.lane not in newer:
                queue.word = self.state(queue.lane)
                if queue.unsettled:
                    self._show(queue)


_FINE = EndpointState()
