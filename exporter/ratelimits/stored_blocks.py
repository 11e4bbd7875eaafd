"""Blocks in the store: shared by replicas that share a PostgreSQL, and kept across restarts by any."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from exporter.core.ratelimit import RateLimitBlock
from exporter.store.group_commit import GroupCommit
from exporter.store.subjects import ratelimit_blocks as subject
from exporter.store.writer import Writer


class StoredBlocks:
    """Blocks in the tables of `writer`, written through `commits`; methods raise StoreError."""

    def __init__(self, writer: Writer, commits: GroupCommit) -> None:
        """Take the ways into the store and out of it."""
        self._writer = writer
        self._commits = commits

    async def load(self) -> Sequence[RateLimitBlock]:
        """Return every block."""
        return await self._writer.read(subject.load)

    async def put(self, blocks: Sequence[RateLimitBlock]) -> None:
        """Keep `blocks`."""
        await self._commits.write(_put, blocks)

    async def exchange(self, block: RateLimitBlock) -> RateLimitBlock | None:
        """Keep `block`; return the one whose place it takes."""
        return await self._commits.write(_exchange, block)

    async def remove(self, ids: Collection[str]) -> None:
        """Forget blocks."""
        await self._commits.write(_remove, ids)


def _put(connection: Connection, calls: Sequence[Sequence[RateLimitBlock]]) -> list[None]:
    # By id: one statement takes no row twice, and the last of them counts.
    subject.put(connection, {block.id: block for blocks in calls for block in blocks}.values())
    return [None] * len(calls)


def _exchange(connection: Connection, blocks: Sequence[RateLimitBlock]) -> list[RateLimitBlock | None]:
    return [subject.exchange(connection, block) for block in blocks]


def _remove(connection: Connection, calls: Sequence[Collection[str]]) -> list[None]:
    subject.remove(connection, {one for ids in calls for one in ids})
    return [None] * len(calls)
