"""Joins the writes of concurrent requests into one transaction, and answers each when it is on the disk."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from exporter.core.errors import StoreError
from exporter.core.supervisor import Supervisor
from exporter.store.checkpoint import Checkpoints
from exporter.store.database import Database
from exporter.store.errors import UnwritableError, translated
from exporter.store.threads import in_thread

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

Step = Callable[[Connection, Sequence[ItemT]], list[ResultT]]
"""Writes all items that wait for it and returns a result for each, in their order; it may run again."""

PATIENCE = 10.0
"""Seconds that a caller waits for its write."""

MOST_WAITING = 10_000
"""Items that wait at most: beyond, the database is so slow that callers had better try again later."""

MOST_JOINED = 500
"""Items of one transaction at most, so that the first of them does not wait for long."""

GATHER = 0.02
"""Seconds for which items that may wait gather before they join a transaction of others."""

LINGER = 0.25
"""Seconds after which items that may wait get a transaction of their own."""


@dataclass(slots=True)
class _Job(Generic[ItemT, ResultT]):
    step: Step[ItemT, ResultT]
    item: ItemT
    future: "asyncio.Future[ResultT]"
    since: float = field(default_factory=monotonic)
    result: Any = None
    error: Exception | None = None

    def give_up(self, why: str) -> None:
        if not self.future.done():
            self.future.set_exception(StoreError(why))

    def settle(self) -> None:
        if self.future.done():  # the caller lost patience
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupCommit:
    """Writes to `database` from one thread on SQLite, which has one writer, and from two on PostgreSQL.

    While one transaction is committed the next items gather, so a slow disk makes transactions larger, not
    requests slower by the number of them. Belongs to the loop that first calls `write`.
    """

    def __init__(self, database: Database, supervisor: Supervisor | None = None) -> None:
        """Prepare it; the threads start with the first write."""
        self.database = database
        self._supervisor = supervisor or Supervisor()
        self._threads_wanted = 1 if database.url.get_backend_name() == "sqlite" else 2
        self._checkpoints = Checkpoints(database, self._supervisor.keep_thread)
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        # Both are guarded by the condition.
        self._jobs: deque[_Job[Any, Any]] = deque()
        self._later: deque[_Job[Any, Any]] = deque()
        self._closing = False
        # The loop's own.
        self._alarm: asyncio.TimerHandle | None = None
        self._under_way = 0
        self._quiet = asyncio.Event()

    async def write(
        self,
        step: Step[ItemT, ResultT],
        item: ItemT,
        patience: float = PATIENCE,
        *,
        may_wait: bool = False,
    ) -> ResultT:
        """Return what `step` returned for `item`, once that is durable; StoreError where it is not.

        After `patience` seconds it is unknown whether the item was written: it may still be. An item that
        `may_wait` joins the transaction of others that come within a quarter of a second.
        """
        loop = asyncio.get_running_loop()
        job: _Job[ItemT, ResultT] = _Job(step, item, loop.create_future())
        with self._changed:
            if self._closing:
                raise StoreError(f"{self.database.name}: the exporter is stopping")
            if len(self._jobs) + len(self._later) >= MOST_WAITING:
                raise StoreError(f"{self.database.name}: too much waits to be written; see its disk")
            (self._later if may_wait else self._jobs).append(job)
            self._under_way += 1
            self._start_threads(loop)
            if not may_wait:
                self._changed.notify()
        if may_wait and self._alarm is None:
            self._alarm = loop.call_later(LINGER, self._hurry)
        why = f"{self.database.name}: it did not write within {patience:g} s; see its disk"
        # A bare alarm: nothing else is cancelled here that a timeout would have to tell apart.
        alarm = loop.call_later(patience, job.give_up, why)
        try:
            return await job.future
        finally:
            alarm.cancel()

    def hurry(self) -> None:
        """Let what may wait be written at once."""
        with self._changed:
            self._jobs += self._later
            self._later.clear()
            self._changed.notify()

    async def drain(self) -> None:
        """Return when nothing is under way any more, also of what its caller has given up."""
        self.hurry()
        while self._under_way:
            self._quiet.clear()
            await self._quiet.wait()

    async def close(self, timeout: float) -> bool:
        """Write what waits and end the threads; return whether that took less than `timeout` seconds."""
        self.hurry()
        if self._alarm is not None:
            self._alarm.cancel()
        with self._changed:
            self._closing = True
            self._checkpoints.stop()
            self._changed.notify_all()
        try:
            async with asyncio.timeout(timeout):
                for thread in self._threads:
                    await in_thread(thread.join)
        except TimeoutError:
            return False
        return True

    def _start_threads(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._threads:
            self._checkpoints.start()
        while len(self._threads) < self._threads_wanted:
            name = f"store commits {len(self._threads) + 1}"
            self._threads.append(self._supervisor.keep_thread(name, lambda: self._work(loop)))

    def _hurry(self) -> None:
        """Have what waited for long enough written, and look again when the rest will have."""
        self._alarm = None
        with self._changed:
            oldest = self._later[0].since if self._later else None
        if oldest is None:
            return
        left = oldest + LINGER - monotonic()
        if left > 0:  # what the alarm was set for has gone with others
            self._alarm = asyncio.get_running_loop().call_later(left, self._hurry)
            return
        self.hurry()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closing:
                    self._changed.wait()
                if not self._jobs:
                    return
                jobs = self._take()
            try:
                self._commit(jobs)
            finally:
                # One call for all: waking the loop costs more than setting a result.
                with suppress(RuntimeError):  # the loop has ended meanwhile, and with it the callers
                    loop.call_soon_threadsafe(self._settle, jobs)

    def _settle(self, jobs: Sequence[_Job[Any, Any]]) -> None:
        for job in jobs:
            job.settle()
        self._under_way -= len(jobs)
        if not self._under_way:
            self._quiet.set()

    def _take(self) -> list[_Job[Any, Any]]:
        """Return the jobs of the next transaction; what may wait goes along once there is enough of it."""
        jobs = [self._jobs.popleft() for _ in range(min(MOST_JOINED, len(self._jobs)))]
        if self._later and self._later[0].since + GATHER <= monotonic():
            jobs += [self._later.popleft() for _ in range(min(MOST_JOINED - len(jobs), len(self._later)))]
        return jobs

    def _commit(self, jobs: list[_Job[Any, Any]]) -> None:
        """Write `jobs` in one transaction; where one is at fault, each step or each item in its own."""
        of_step: dict[Step[Any, Any], list[_Job[Any, Any]]] = {}
        for job in jobs:
            of_step.setdefault(job.step, []).append(job)
        try:
            self._write(of_step)
        except _StepError:
            for joined in of_step.values():
                self._commit(joined)
        except Exception as error:  # noqa: BLE001  # a mistake in a step costs its callers, not the thread
            for job in _fail(jobs, error):
                self._commit([job])

    def _write(self, of_step: dict[Step[Any, Any], list[_Job[Any, Any]]]) -> None:
        """Commit what the steps write; where one of several fails nothing is written: _StepError."""
        self.database.open_if_needed()
        with self.database.joining() as connection:
            # In one order in all threads and replicas, so that none waits for one that waits for it.
            for step, joined in sorted(of_step.items(), key=lambda item: _name(item[0])):
                try:
                    with translated(self.database.name):
                        results = step(connection, [job.item for job in joined])
                except Exception as error:
                    if len(of_step) == 1 or connection.invalidated:
                        raise
                    raise _StepError from error
                for job, result in zip(joined, results, strict=True):
                    job.result = result


class _StepError(Exception):
    """One of several steps failed, on a connection that is well."""


def _name(step: Step[Any, Any]) -> str:
    return str(getattr(step, "__qualname__", ""))


def _fail(jobs: list[_Job[Any, Any]], error: Exception) -> list[_Job[Any, Any]]:
    """Note the error; return the jobs that may succeed apart: one of them alone may be at fault."""
    if isinstance(error, UnwritableError) and len(jobs) > 1:
        return jobs
    for job in jobs:
        job.error = error if isinstance(error, StoreError) else StoreError(f"the store: {error!r}")
    return []
