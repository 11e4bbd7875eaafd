"""Writes batches of any kind off the loop: one thread, a transaction a second, no error for the caller."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from exporter.core.errors import StoreError
from exporter.core.supervisor import Supervisor
from exporter.store.batch import MOST, Batch, Pending
from exporter.store.database import Database
from exporter.store.errors import UnwritableError
from exporter.store.listings import read_a_little
from exporter.store.size import size_of
from exporter.store.threads import in_thread

T = TypeVar("T")

READERS = 4
"""Reads at one time."""

HOUR = 3600.0

UNHEALTHY_AFTER_READ = 300.0
"""Seconds for which a failed read shows."""

PORTION_PAUSE = 0.1
"""Seconds at least between two portions of retention, in which others may use the database."""


class Writer:
    """Writes to `database` in the background; one that fails costs what it would have stored, nothing else.

    `every` is the least number of seconds between two writes, doubled after each failure to `longest_wait`.
    `most` bounds the records of a kind that wait. `retention` (seconds by the keys of
    `store.retention`) is applied once an hour by the clock `now`, a portion between two writes, and may be
    replaced at any time.

    For the exporter's own metrics: `healthy` is False while the last attempt failed, `failed_writes` counts
    failed attempts, `dropped` counts records that were never written, `size` is the bytes of the database as
    `watch` saw it last, not a number before.
    """

    def __init__(
        self,
        database: Database,
        *,
        every: float = 1.0,
        longest_wait: float = 60.0,
        most: int = MOST,
        retention: Mapping[str, float] | None = None,
        now: Callable[[], float] = time.time,
        supervisor: Supervisor | None = None,
    ) -> None:
        """Prepare a writer; the thread starts with the first need of it."""
        self._writes = True
        self._read_failed = -UNHEALTHY_AFTER_READ
        self.failed_reads = 0
        self.failed_writes = 0
        self.dropped = 0
        self.size = math.nan
        self.retention: Mapping[str, float] = retention or {}
        self._database = database
        self._every = every
        self._longest_wait = longest_wait
        self._most = most
        self._now = now
        self._supervisor = supervisor or Supervisor()
        self._log = structlog.get_logger(__name__)
        self._changed = threading.Condition()
        # All below is guarded by the condition.
        self._pending = Pending()
        self._waiting_since: float | None = None
        self._waiters: list[Callable[[bool], None]] = []
        self._thread: threading.Thread | None = None
        self._closing = False
        # These are the thread's own; `open` may set the first one.
        self._open = False
        self._wait = 0.0
        self._next_write = 0.0
        self._next_retention = 0.0
        self._readers: asyncio.Semaphore | None = None

    @property
    def healthy(self) -> bool:
        """Whether the last write succeeded, and every read of the last minutes."""
        return self._writes and time.monotonic() - self._read_failed >= UNHEALTHY_AFTER_READ

    @property
    def waiting(self) -> int:
        """How many records wait for a write; those that are being written do not count."""
        with self._changed:
            return self._pending.size

    @property
    def lag(self) -> float:
        """Seconds since the oldest record came that is not in the store yet, 0 without one."""
        with self._changed:
            since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def shared(self) -> bool:
        """Whether another exporter writes to a store that is meant for one."""
        return self._database.shared

    async def watch(self, every: float = 60.0) -> None:
        """Read a little of each list, and the size, every `every` seconds.

        A store that cannot be read shows unrequested.
        """
        while True:
            await asyncio.sleep(every)
            with suppress(StoreError):
                await self.read(read_a_little)
                self.size = await self.read(size_of)

    async def open(self, timeout: float = 30.0) -> None:
        """Open the store; raises StoreError when it fails or takes longer than `timeout` seconds.

        The writer may be used all the same: it tries again before each write.
        """
        try:
            await asyncio.wait_for(in_thread(self._database.open), timeout)
        except TimeoutError:
            error: StoreError = StoreError(f"the store did not open within {timeout:g} s; see its disk")
        except StoreError as failed:
            error = failed
        else:
            self._open = True
            return
        self._report_failure(error)
        raise error

    def submit(self, batch: Batch) -> None:
        """Take `batch` over for one of the next writes; after `close` it is dropped."""
        if not batch:
            return
        with self._changed:
            if self._closing:
                self.dropped += batch.size
                return
            self.dropped += self._pending.add(batch, self._most)
            if self._waiting_since is None:
                self._waiting_since = time.monotonic()
            self._wake()

    async def flush(self, timeout: float) -> bool:
        """Write now what was submitted; return whether it is in the store after at most `timeout` seconds."""
        return await self._wait_until_written(timeout, closing=False)

    async def close(self, timeout: float) -> bool:
        """Write what is left and close the store, within `timeout` seconds; return whether all was written.

        A store that hangs for longer is left to its thread, which ends with the process.
        """
        written = await self._wait_until_written(timeout, closing=True)
        if not written:
            self._log.warning("the store was left before everything was written", limit_seconds=timeout)
        return written

    async def read(self, call: Callable[[Connection], T], timeout: float = 10.0) -> T:
        """Return `call(connection)`, made in one transaction off the loop.

        Raises what it raises, and StoreError when there is no answer within `timeout` seconds.
        Values that the database refuses make no store unhealthy.
        """
        self._readers = self._readers or asyncio.Semaphore(READERS)
        try:
            async with asyncio.timeout(timeout):
                await self._readers.acquire()
                # Released when the thread is through, not when we lose patience: a store that hangs gets no
                # more than these threads.
                return await in_thread(lambda: self._database.read(call), self._readers.release)
        except UnwritableError:
            raise  # what was asked for is at fault, not the store
        except StoreError:
            self._count_failed_read()
            raise
        except TimeoutError:
            self._count_failed_read()
            raise StoreError(f"the store did not answer within {timeout:g} s; see its disk") from None

    def _count_failed_read(self) -> None:
        self.failed_reads += 1
        self._read_failed = time.monotonic()

    async def _wait_until_written(self, timeout: float, *, closing: bool) -> bool:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()

        def settle(written: bool) -> None:
            if not future.done():
                future.set_result(written)

        def notify(written: bool) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile, and with it the caller
                loop.call_soon_threadsafe(settle, written)

        with self._changed:
            if self._closing:
                return not self._pending
            self._closing = closing
            if closing and self._thread is None and not self._open and not self._pending:
                return True  # never used: nothing is made only to be closed
            self._waiters.append(notify)
            self._wake()
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            return False

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = self._supervisor.keep_thread("store writer", self._work)
        self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._due():
                    self._changed.wait(self._sleep_time())
                pending, self._pending = self._pending, Pending()
                waiters, self._waiters = self._waiters, []
                closing, taken = self._closing, time.monotonic()
            written = self._write(pending)
            self._note_written(taken)
            self._retain()
            if closing:
                with suppress(StoreError):
                    self._database.close()  # works also where none is open, and says nothing of its health
            for notify in waiters:
                notify(written)
            if closing:
                return

    def _due(self) -> bool:
        now = time.monotonic()
        return (
            bool(self._waiters)
            or (bool(self._pending) and now >= self._next_write)
            or (bool(self.retention) and now >= self._next_retention)
        )

    def _sleep_time(self) -> float:
        """Return for how long the thread may sleep."""
        moments = [self._next_write] * bool(self._pending) + [self._next_retention] * bool(self.retention)
        return max(0.01, min(moments) - time.monotonic()) if moments else HOUR

    def _write(self, pending: Pending) -> bool:
        """Try to write `pending`; what fails for a while waits again."""
        if not pending:
            return True
        failed = self._attempt(lambda: self._database.write(pending))
        if failed is None:
            self._wait = self._every
        else:
            self._wait = min(self._longest_wait, max(self._wait, self._every) * 2)
            if isinstance(failed, StoreError) and not isinstance(failed, UnwritableError):
                self._put_back(pending)
            elif len(kinds := list(pending)) > 1:
                # Something in it would fail for ever; the other kinds must not be lost with it.
                results = [self._write(Pending([kind])) for kind in kinds]
                return all(results)
            else:
                with self._changed:
                    self.dropped += pending.size
        self._next_write = time.monotonic() + self._wait
        return failed is None

    def _note_written(self, taken: float) -> None:
        with self._changed:
            if not self._pending:
                self._waiting_since = None
            elif self._writes:
                # What waits now came while the rest was being written: not before that was taken.
                self._waiting_since = taken

    def _put_back(self, pending: Pending) -> None:
        with self._changed:
            # What came meanwhile is merged into what failed, not the other way round: newer states must win.
            newer, self._pending = self._pending, pending
            for batch in newer:
                self.dropped += pending.add(batch, self._most)

    def _retain(self) -> None:
        """Let the store delete a portion of what is too old; while there is more, soon again."""
        retention = dict(self.retention)
        if not retention or time.monotonic() < self._next_retention:
            return
        deleted = 0

        def delete() -> None:
            nonlocal deleted
            deleted = self._database.retain(retention, self._now())

        self._attempt(delete)
        self._next_retention = time.monotonic() + (PORTION_PAUSE if deleted else HOUR)

    def _attempt(self, call: Callable[[], object]) -> Exception | None:
        """Make one call to the store, open or opened again after a failure; return what went wrong."""
        try:
            if not self._open:
                self._database.open()
                self._open = True
            call()
        except Exception as error:  # noqa: BLE001  # a mistake in a store must not end the only thread that writes
            self._open = False
            self._report_failure(error)
            return error
        with self._changed:
            recovered, self._writes = not self._writes, True
        if recovered:
            self._log.info("the store works again")
        return None

    def _report_failure(self, error: Exception) -> None:
        with self._changed:
            self.failed_writes += 1
            fresh, self._writes = self._writes, False
        if fresh:
            known = isinstance(error, StoreError)
            self._log.error("the store fails", error=str(error) if known else type(error).__name__)
