"""Connections kept open for the next call, few, young and watched."""

import asyncio
import resource
import time
from functools import partial

from exporter.core.network import AddressGuard, Proxy
from exporter.core.options import TlsOptions
from exporter.net.connection import Connection

PoolKey = tuple[tuple[str, str, int], TlsOptions, str, AddressGuard | None, Proxy | None]
"""Origin, judgement of its certificate, address family, judgement of its address, proxy: equal ones share."""

MAX_AGE = 300.0
"""Seconds after which a connection is replaced, so that DNS and certificate faults show."""

MAX_IDLE = 120.0
# Many tenants of one vendor run together; with few places a quarter of their runs would connect again. What a
# burst leaves behind is closed after MAX_IDLE.
_PER_KEY = 64
_SWEEP = 15.0


def _most() -> int:
    # Half of what the process may open: the other half is for calls under way, files and the server.
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(4096, soft // 2))


class Pool:
    """Idle connections by key, the newest first to be used again."""

    def __init__(self, most: int | None = None) -> None:
        """Keep at most `most` connections; the default is half of the open files that are allowed."""
        self._most = most or _most()
        # A list that was emptied stays until the next sweep: its connection mostly comes back before.
        self._idle: dict[PoolKey, list[Connection]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return how many connections are kept."""
        return self._count

    def take(self, key: PoolKey) -> Connection | None:
        """Return a kept connection that is young enough and still open, or None."""
        kept = self._idle.get(key)
        while kept:
            # The newest one: the others then come of age and are closed, so that bursts leave nothing behind.
            connection = kept.pop()
            self._count -= 1
            connection.on_closed = None
            if not connection.closed and time.monotonic() - connection.made_at < MAX_AGE:
                return connection
            connection.close()
        return None

    def put(self, key: PoolKey, connection: Connection) -> None:
        """Keep `connection` for the next call, or close it where there is no room."""
        kept = self._idle.get(key)
        if kept is None:
            kept = self._idle[key] = []
        if connection.closed or self._count >= self._most or len(kept) >= _PER_KEY:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        connection.on_closed = partial(self._drop, kept, connection)
        kept.append(connection)
        self._count += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)

    def clear(self) -> None:
        """Close all that is kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        every = [connection for kept in self._idle.values() for connection in kept]
        self._idle.clear()
        self._count = 0
        for connection in every:
            connection.on_closed = None
            connection.close()

    def _drop(self, kept: list[Connection], connection: Connection) -> None:
        kept.remove(connection)
        self._count -= 1

    def _sweep(self) -> None:
        self._timer = None
        now = time.monotonic()
        for key, kept in list(self._idle.items()):
            for connection in list(kept):
                if now - connection.idle_since > MAX_IDLE or now - connection.made_at > MAX_AGE:
                    connection.on_closed = None
                    self._drop(kept, connection)
                    connection.close()
            if not kept:
                del self._idle[key]
        if self._idle:
            self._timer = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)
