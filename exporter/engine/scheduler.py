"""When each target is probed: spread by a hash, in lanes, so that a slow vendor delays no other one."""

import asyncio
import hashlib
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from exporter.core.clock import Clock, Handle
from exporter.core.probe import Target, TargetKey

FIRST_RUNS_PER_SECOND = 50.0
"""How fast the targets of one lane are started the first time."""

ALL_FIRST_RUNS_PER_SECOND = 200.0
"""How fast all targets are started the first time: a burst would make our own load look like slow vendors."""

JITTER = 0.01
"""Largest shift of a run, as a part of its interval."""

EARLY = 0.001
"""Seconds by which a run may start too soon: timers of a loop count in milliseconds."""

PORTION = 32
"""Runs started in one turn of the loop. Between two portions the loop serves the runs under way: a process
that falls behind shows lag then, and not the timeouts of vendors that did answer."""

_GOLDEN = 0.6180339887498949  # multiples of it, less their whole part, are spread evenly


@dataclass(eq=False)
class Lane:
    """Targets that may wait for one another: those of one vendor."""

    name: str
    limit: int
    size: int = 0
    running: int = 0
    waiting: deque["ScheduledTarget"] = field(default_factory=deque)


@dataclass(eq=False, slots=True)
class ScheduledTarget:
    """The place of one target in the schedule.

    Times are on the monotonic clock. `place` is where in its interval it runs (see `spread`). `due` is None
    while the job waits in its lane or runs; `since` is when it began to wait.
    """

    target: Target
    lane: Lane
    place: float
    due: float | None = None
    since: float = 0.0
    runs: int = 0
    gone: bool = False
    task: asyncio.Task[None] | None = None


Run = Callable[[ScheduledTarget, float], Coroutine[Any, Any, float]]
"""Runs a job (given its lag in seconds) and returns after how many seconds it is due again."""


class Scheduler:
    """Starts each job when it is due, never two runs of one target at a time.

    `most` bounds the runs at one time over all lanes: what the descriptors of the process allow.
    """

    def __init__(self, clock: Clock, run: Run, most: int = 4096) -> None:
        """Prepare an empty schedule."""
        self._clock = clock
        self._run = run
        self._most = most
        self._jobs: dict[TargetKey, ScheduledTarget] = {}
        self._lanes: dict[str, Lane] = {}
        self._heap: list[tuple[float, int, ScheduledTarget]] = []
        # Keeps the heap from comparing targets, and those of one moment in order.
        self._order = itertools.count()
        self._alarm: Handle | None = None
        self._alarm_at = 0.0
        self._blocked: dict[str, Lane] = {}
        self.running = 0
        self.stopped = False

    def add(self, targets: Iterable[tuple[Target, float | None]]) -> dict[TargetKey, float]:
        """Take in targets, each with the seconds to its first run; return those seconds by key.

        None spreads the first runs by the hash of the target, over a short time where there are few.
        """
        # All are admitted before any delay is taken: how far they are spread depends on how many there are.
        jobs = [(self._admit(target), delay) for target, delay in targets]
        waits = {job.target.key: self._first_delay(job) if delay is None else delay for job, delay in jobs}
        for job, _ in jobs:
            self._push(job, self._clock.monotonic() + waits[job.target.key])
        return waits

    def __contains__(self, key: TargetKey) -> bool:
        """Return whether a target is in the schedule."""
        return key in self._jobs

    def remove(self, key: TargetKey) -> None:
        """Forget a target and end its run."""
        job = self._jobs.pop(key)
        job.gone = True
        # Its entry stays in the heap until it comes up and is passed over: to search for it would cost more.
        job.due = None
        job.lane.size -= 1
        if job.lane.size == 0:
            del self._lanes[job.lane.name]
        if job.task is not None:
            job.task.cancel()

    def run_soon(self, key: TargetKey) -> None:
        """Make a target due now, unless it runs or waits already."""
        job = self._jobs[key]
        # The older entry in the heap is void by this: its time is no longer that of the job.
        if job.due is not None:
            self._push(job, self._clock.monotonic())

    def waiting(self) -> int:
        """Return how many jobs are due and not started."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    async def stop(self, limit: float) -> int:
        """Start nothing more, let runs end for `limit` seconds, then end them; return how many were cut."""
        self.stopped = True
        if self._alarm:
            self._alarm.cancel()
        tasks = {job.task for job in self._jobs.values() if job.task is not None}
        if not tasks:
            return 0
        _, late = await asyncio.wait(tasks, timeout=limit)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)

    def _admit(self, target: Target) -> ScheduledTarget:
        probe = target.probe
        name = f"{probe.name}/{target.integration}" if probe.generic else probe.name
        lane = self._lanes.setdefault(name, Lane(name, probe.concurrency))
        lane.size += 1
        job = self._jobs[target.key] = ScheduledTarget(target, lane, spread(target.key))
        return job

    def _first_delay(self, job: ScheduledTarget) -> float:
        lane, all_of_them = job.lane.size / FIRST_RUNS_PER_SECOND, len(self._jobs) / ALL_FIRST_RUNS_PER_SECOND
        longest = max(1.0, lane, all_of_them)
        return job.place * min(job.target.interval, longest)

    def _push(self, job: ScheduledTarget, due: float) -> None:
        job.due = due
        heapq.heappush(self._heap, (due, next(self._order), job))
        self._arm()

    def _arm(self) -> None:
        if self.stopped or not self._heap:
            return
        due = self._heap[0][0]
        if self._alarm is not None and self._alarm_at <= due:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = due
        self._alarm = self._clock.later(max(0.0, due - self._clock.monotonic()), self._tick)

    def _tick(self) -> None:
        self._alarm = None
        try:
            self._start_due(self._clock.monotonic())
        finally:
            self._arm()  # one job's mistake must not end the schedule of all

    def _start_due(self, now: float) -> None:
        for _ in range(PORTION):
            if not self._heap or self._heap[0][0] > now + EARLY:
                return
            due, _, job = heapq.heappop(self._heap)
            if job.due == due:  # else it was removed or moved
                job.due, job.since = None, due
                job.lane.waiting.append(job)
                self._fill(job.lane)

    def _fill(self, lane: Lane) -> None:
        while lane.waiting and lane.running < lane.limit and not self.stopped:
            if self.running >= self._most:
                self._blocked[lane.name] = lane
                return
            job = lane.waiting.popleft()
            if not job.gone:
                self._start(job)

    def _start(self, job: ScheduledTarget) -> None:
        lag = max(0.0, self._clock.monotonic() - job.since)
        job.runs += 1
        job.lane.running += 1
        self.running += 1
        job.task = asyncio.get_running_loop().create_task(self._go(job, lag))

    async def _go(self, job: ScheduledTarget, lag: float) -> None:
        # Should the run itself break, the target must not drop out of the schedule.
        delay = job.target.interval
        try:
            delay = await self._run(job, lag)
        finally:
            self._end(job, delay)

    def _end(self, job: ScheduledTarget, delay: float) -> None:
        job.task = None
        if not job.gone:
            self._push(job, self._clock.monotonic() + delay)
        job.lane.running -= 1
        self.running -= 1
        if self._blocked:  # they have their turn first, and this lane comes after them
            self._blocked.setdefault(job.lane.name, job.lane)
        else:
            self._fill(job.lane)
        while self._blocked and self.running < self._most:
            self._fill(self._blocked.pop(next(iter(self._blocked))))


def spread(key: TargetKey) -> float:
    """Return a number from 0 up to 1 that is always the same for `key` and even over many keys."""
    digest = hashlib.blake2b("\0".join(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def next_slot(target: Target, began: float, runs: int) -> float:
    """Return when (Unix seconds) a target that began a run at `began` is due again.

    Slots are `interval` apart at an offset from the hash, with a small jitter from the hash and the number of
    the run; the next one is at least half an interval after `began`.
    """
    return slot_after(began, target.interval, spread(target.key), runs)


def slot_after(began: float, interval: float, place: float, runs: int) -> float:
    """Return `next_slot` of a target whose `spread` is `place`, which need not be worked out at each run."""
    earliest = began + interval / 2
    slot = earliest + interval - (earliest - place * interval) % interval
    shift = (place + runs * _GOLDEN) % 1.0 - 0.5
    return slot + shift * JITTER * interval
