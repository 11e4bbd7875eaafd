"""Rate limits as one part: what a configuration makes of them, and the task that keeps them up to date."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.ratelimit import RateLimitSettings
from exporter.core.secret import Secret
from exporter.core.shutdown import ShutdownLimit
from exporter.ratelimits.blocks import BlockBook, BlockStorage
from exporter.ratelimits.guard import LimitStorageError, StorageGuard
from exporter.ratelimits.limiter import LimitStorage, RateLimiter
from exporter.ratelimits.summaries import RateLimitSummaries

if TYPE_CHECKING:  # the library and the client of Redis cost megabytes, which only limits are worth
    from exporter.ratelimits.memory import BoundedMemoryStorage
    from exporter.ratelimits.redis import RedisServer

SWITCH = "RATE_LIMITING_ENABLED"
EVERY = 1.0
"""Seconds between two looks at what other replicas blocked, and between two trials of a Redis that failed."""

HAND_OVER = 10.0
"""Seconds for which decisions are counted in memory: what a kill can cost."""


@dataclass
class RateLimits:
    """The limiter, its blocks and its counts; `stored` keeps blocks where no Redis does."""

    limiter: RateLimiter
    book: BlockBook
    summaries: RateLimitSummaries
    stored: BlockStorage
    now: Callable[[], float]
    guard: StorageGuard = field(default_factory=lambda: StorageGuard(RateLimitSettings().storage_timeout))
    _memory: "BoundedMemoryStorage | None" = None
    _server: "RedisServer | None" = None
    _opened: tuple[Secret | None, str, float] | None = None
    _closing: "list[RedisServer]" = field(default_factory=list)

    def apply(self, configuration: Configuration) -> None:
        """Limit by `configuration` from now on; windows and blocks stay where the storage does."""
        settings = configuration.ratelimits
        if SWITCH in configuration.switched_off:
            settings = RateLimitSettings()
        if not settings.policies:
            # What was counted stays, for a configuration that has policies again.
            self.limiter.use(settings, None)
            return
        wanted = (settings.storage, configuration.ca_file, settings.storage_timeout)
        if wanted != self._opened:
            self._open(*wanted)
        self.limiter.use(settings, self._storage())

    @property
    def identifiers(self) -> int:
        """How many windows this process remembers; those in Redis are not counted."""
        return len(self._memory) if self._memory is not None else 0

    async def refresh(self) -> None:
        """Take what other replicas blocked, and give them what was blocked here."""
        with suppress(StoreError, LimitStorageError):
            await self.book.refresh()

    async def run(self) -> None:
        """Keep blocks and counts up to date for ever."""
        handed = asyncio.get_running_loop().time()
        while True:
            if self.limiter.active or len(self.book):
                await self.refresh()
            if self._memory is not None:
                self._memory.sweep()
            if asyncio.get_running_loop().time() - handed >= HAND_OVER:
                handed = asyncio.get_running_loop().time()
                self.summaries.hand_over()
            old, self._closing = self._closing, []
            await asyncio.sleep(EVERY)
            # Requests that were under way on them are over by now.
            await _close(old)

    async def stop(self, deadline: ShutdownLimit) -> None:
        """Give what was counted and blocked to the store before the deadline, and close connections."""
        self.summaries.hand_over()
        with suppress(StoreError, LimitStorageError, TimeoutError):
            async with asyncio.timeout(deadline.left):
                await self.book.save()
        if self._server is not None:
            self._closing.append(self._server)
            self._server = None
        await _close(self._closing)

    def _open(self, url: Secret | None, ca_file: str, timeout: float) -> None:
        from exporter.ratelimits.memory import BoundedMemoryStorage

        first = self._opened is None
        if self._server is not None:
            # Requests may be under way on it: the task closes it later.
            self._closing.append(self._server)
        self._opened, self._server = (url, ca_file, timeout), None
        self.guard = StorageGuard(timeout)
        if url is None:
            self._memory = self._memory or BoundedMemoryStorage(self.now)
            blocks: BlockStorage = self.stored
        else:
            from exporter.ratelimits.redis import RedisBlocks, RedisServer

            self._memory = None
            self._server = RedisServer(url, ca_file, timeout)
            blocks = RedisBlocks(self._server, self.guard, self.book.blocks)
        if not (first and url is None):
            self.book.move(blocks)

    def _storage(self) -> LimitStorage:
        from exporter.ratelimits.windows import Windows

        if self._server is not None:
            return LimitStorage(self._server.windows, self.guard, shared=True)
        if self._memory is None:
            raise RuntimeError("no storage of rate limits was opened")
        return LimitStorage(Windows(self._memory), self.guard)


async def _close(servers: "Iterable[RedisServer]") -> None:
    for server in servers:
        with suppress(Exception):  # it is gone, whatever it says to that
            await server.close()
