"""Redis: windows and blocks that replicas share, over one pool of connections."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

import structlog
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from exporter.core.ratelimit import RateLimitBlock
from exporter.core.secret import Secret
from exporter.ratelimits.guard import AT_ONCE, StorageGuard
from exporter.ratelimits.windows import Windows

PREFIX = "integration-exporter:ratelimits"
BLOCKS, VERSION = f"{PREFIX}:blocks", f"{PREFIX}:blocks-version"


class RedisServer:
    """A Redis at `url`; TLS trusts `ca_file` (PEM), "" for the system's authorities. `timeout` is seconds."""

    def __init__(self, url: Secret, ca_file: str, timeout: float) -> None:
        """Prepare the pool; nothing is connected yet."""
        tls = {"ssl_ca_certs": ca_file} if ca_file and url.reveal().startswith("rediss:") else {}
        self._pool = BlockingConnectionPool.from_url(
            url.reveal(),
            max_connections=AT_ONCE,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # A second try is for the next request: this one has waited already.
            retry=Retry(NoBackoff(), 0),
            **tls,
        )
        self.client: Redis = Redis(connection_pool=self._pool)
        # Its URL only tells the library which client to use: the pool is connected.
        storage = RedisStorage(
            "async+redis://localhost:6379",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # documented, and missing in its types
        )
        self.windows = Windows(storage)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.disconnect()


class RedisBlocks:
    """Blocks in a hash of `server`, with a number that rises at each change; calls go through `guard`.

    `known` returns what this process believes in: where Redis has lost everything, that is put there again.
    """

    def __init__(
        self, server: RedisServer, guard: StorageGuard, known: Callable[[], Sequence[RateLimitBlock]]
    ) -> None:
        """Start without having read anything."""
        self._client: Any = server.client  # its types leave open whether a call is to be awaited
        self._guard = guard
        self._known = known
        self._version: bytes | None = None

    async def load(self) -> Sequence[RateLimitBlock] | None:
        """Return every block, None where nothing changed; a trial for a server that failed."""
        version = await self._guard.call(lambda: self._client.get(VERSION), trial=True)
        if version is None and self._version is not None:
            structlog.get_logger("exporter.ratelimits").warning(
                "Redis has lost its blocks; they are put again"
            )
            self._version = None
            await self.put(self._known())
            return None
        if version == self._version:
            return None
        found = await self._guard.call(lambda: self._client.hgetall(BLOCKS))
        self._version = version
        return [block for text in found.values() if (block := _block_of(text)) is not None]

    async def put(self, blocks: Sequence[RateLimitBlock]) -> None:
        """Keep `blocks`."""
        rows = {block.id: json.dumps(asdict(block)) for block in blocks}
        if rows:
            await self._change(lambda pipe: pipe.hset(BLOCKS, mapping=rows))

    async def exchange(self, block: RateLimitBlock) -> RateLimitBlock | None:
        """Keep `block`; return the one whose place it takes."""

        def change(pipe: Any) -> None:
            pipe.hget(BLOCKS, block.id)
            pipe.hset(BLOCKS, block.id, json.dumps(asdict(block)))

        before = (await self._change(change))[0]
        return None if before is None else _block_of(before)

    async def remove(self, ids: Collection[str]) -> None:
        """Forget blocks."""
        await self._change(lambda pipe: pipe.hdel(BLOCKS, *ids))

    async def _change(self, change: Callable[[Any], object]) -> list[Any]:
        async def run() -> list[Any]:
            async with self._client.pipeline(transaction=True) as pipe:
                change(pipe)
                pipe.incr(VERSION)
                found: list[Any] = await pipe.execute()
                return found

        return await self._guard.call(run)


def _block_of(text: bytes) -> RateLimitBlock | None:
    """Return the block that `text` holds, None for one that another version wrote."""
    try:
        return RateLimitBlock(**json.loads(text))
    except (ValueError, TypeError):
        return None
