"""Stands between requests and a storage on the network: none waits for long, nor for one that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

T = TypeVar("T")

AT_ONCE = 32
"""Calls at one time; more wait for their turn, which the timeout does not count."""


LATE = 0.02
"""Seconds by which an alarm that comes late says that the loop stood still, not the storage."""


class LimitStorageError(Exception):
    """The storage of limits does not answer, or did not the last time."""


class StorageGuard:
    """Makes calls to a storage; whatever error its client raises is a failure of it.

    After a failure no call is made but those that are a `trial`, until one of these succeeds: so an outage
    costs the requests that were under way the timeout, and all others nothing.
    """

    def __init__(self, timeout: float) -> None:
        """Start with a storage that is believed to work; a call takes `timeout` seconds at most."""
        self._timeout = timeout
        self.healthy = True
        self.failed = 0
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def call(self, make: Callable[[], Awaitable[T]], *, trial: bool = False) -> T:
        """Return what `make()` does; LimitStorageError where it fails, or did before and this is no trial."""
        async with self._turns:
            # Only now: it may have failed while this one waited for its turn.
            if not self.healthy and not trial:
                raise LimitStorageError("the storage of rate limits failed a moment ago")
            try:
                found = await self._within_patience(make)
            # Refused, slow, full, read-only, or a mistake of its client: for a request it is all the same.
            except Exception as error:
                self._note_failure(error)
                raise LimitStorageError("the storage of rate limits does not answer") from error
        self._note_success()
        return found

    async def _within_patience(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make()` does; TimeoutError after the timeout, once more where the loop stood still.

        A loop that is busy, as at the start, sees the alarm before an answer that has been there for long.
        """
        loop = asyncio.get_running_loop()
        due = loop.time() + self._timeout

        def ring() -> None:
            now = loop.time()
            limit.reschedule(now + self._timeout if now - due > LATE else now)

        async with asyncio.timeout(None) as limit:
            alarm = loop.call_at(due, ring)
            try:
                return await make()
            finally:
                alarm.cancel()

    def _note_failure(self, error: Exception) -> None:
        self.failed += 1
        if self.healthy:
            self.healthy = False
            # Not its text: it may quote the address, which holds a password.
            structlog.get_logger("exporter.ratelimits").error(
                "the storage of rate limits fails", error=type(error).__name__
            )

    def _note_success(self) -> None:
        if not self.healthy:
            self.healthy = True
            structlog.get_logger("exporter.ratelimits").info("the storage of rate limits works again")
