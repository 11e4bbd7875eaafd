"""The log of what was done with tokens, on its way to the store."""

import asyncio

import structlog

from exporter.core.clock import Clock, Handle
from exporter.core.errors import StoreError
from exporter.core.token import TokenEvent
from exporter.store.threads import in_thread
from exporter.store.tokens import LogQuery, TokenStore

EVERY = 1.0
"""Seconds between two writes; doubled after each failure, up to a minute."""
LONGEST = 60.0
MOST = 5_000
"""Entries that wait at most while the store fails."""


class TokenLog:
    """Takes entries at once and writes them soon; without a store it keeps none. Belongs to one loop."""

    def __init__(self, store: TokenStore | None, clock: Clock) -> None:
        """Start with nothing to write."""
        self.store = store
        self.dropped = 0
        self._clock = clock
        self._waiting: list[TokenEvent] = []
        self._timer: Handle | None = None
        self._wait = EVERY
        self._writing: asyncio.Task[None] | None = None

    def add(self, event: TokenEvent, detail: str = "") -> None:
        """Keep `event`; the process's log gets a failure with its `detail`, which holds no secret."""
        if event.result == "failed":
            structlog.get_logger("exporter.tokens").warning(
                "token was not refreshed",
                integration=event.integration,
                tenant=event.tenant,
                reason=event.reason,
                actor=event.actor,
                detail=detail,
            )
        if self.store is None:
            return
        self._waiting.append(event)
        over = len(self._waiting) - MOST
        if over > 0:
            del self._waiting[:over]
            self.dropped += over
        if self._timer is None and self._writing is None:
            self._timer = self._clock.later(self._wait, self._begin)

    async def read(self, query: LogQuery) -> list[TokenEvent]:
        """Return entries, the newest first; raises StoreError."""
        if (store := self.store) is None:
            raise StoreError("there is no store, so no log of tokens")
        await self.flush()
        return await in_thread(lambda: store.events(query))

    async def flush(self) -> None:
        """Write what waits, if the store takes it."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        await self._write()

    def _begin(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write())
        self._writing.add_done_callback(self._done)

    def _done(self, _task: "asyncio.Task[None]") -> None:
        self._writing = None
        if self._waiting and self._timer is None:
            self._timer = self._clock.later(self._wait, self._begin)

    async def _write(self) -> None:
        store, batch = self.store, self._waiting
        if store is None or not batch:
            return
        self._waiting = []
        try:
            await in_thread(lambda: store.log(batch))
        except StoreError as error:
            self._waiting = (batch + self._waiting)[-MOST:]
            if self._wait == EVERY:
                structlog.get_logger("exporter.tokens").error("the log of tokens fails", error=str(error))
            self._wait = min(LONGEST, self._wait * 2)
        else:
            self._wait = EVERY
