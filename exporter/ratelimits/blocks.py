"""Who is blocked: known in memory, so that a request asks nobody, and kept where replicas share it."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import structlog

from exporter.core.ratelimit import EVERY_POLICY, RateLimitBlock

MOST_AUTOMATIC = 10_000
"""Blocks that limits themselves begin, at one time: beyond it an identifier meets its limit alone."""

BlockKey = tuple[str, str, str]
"""Tenant, policy and identifier."""


class BlockStorage(Protocol):
    """Keeps blocks for all replicas, across restarts; its methods raise StoreError or LimitStorageError."""

    async def load(self) -> Sequence[RateLimitBlock] | None:
        """Return every block, None where nothing changed since the last call."""

    async def put(self, blocks: Sequence[RateLimitBlock]) -> None:
        """Keep `blocks`, each in the place of the one with its id."""

    async def exchange(self, block: RateLimitBlock) -> RateLimitBlock | None:
        """Keep `block`; return the one with its id whose place it takes, whether that still holds or not."""

    async def remove(self, ids: Collection[str]) -> None:
        """Forget blocks."""


class BlockBook:
    """Every block that holds; `storage` has them too, `now` is in Unix seconds.

    Blocks of a limit are put into the storage with the next `refresh`: no request waits for that.
    `on_foreign` is called with the tenant of what another replica blocked or unblocked.
    """

    def __init__(self, storage: BlockStorage, now: Callable[[], float]) -> None:
        """Start without blocks; `refresh` brings those of the storage."""
        self._storage = storage
        self._now = now
        self._blocks: dict[BlockKey, RateLimitBlock] = {}
        self._unsaved: dict[BlockKey, RateLimitBlock] = {}
        self._changes = 0
        self._automatic = 0
        self.on_foreign: Callable[[str], None] = lambda _tenant: None

    def __len__(self) -> int:
        """Return how many there are, with those that have just run out."""
        return len(self._blocks)

    def blocks(self) -> list[RateLimitBlock]:
        """Return every block that holds, the newest first."""
        now = self._now()
        held = (block for block in self._blocks.values() if block.holds(now))
        return sorted(held, key=lambda block: (-block.at, block.id))

    def find(self, tenant: str, policy: str, identifier: str) -> RateLimitBlock | None:
        """Return the block that holds for `identifier` and `policy`, or for all policies."""
        if not self._blocks:
            return None
        now = self._now()
        for name in (policy, EVERY_POLICY):
            block = self._blocks.get((tenant, name, identifier))
            if block is not None and block.holds(now):
                return block
        return None

    def exact(self, tenant: str, policy: str, identifier: str) -> RateLimitBlock | None:
        """Return the block of `identifier` and this very `policy`, where it holds."""
        block = self._blocks.get((tenant, policy, identifier))
        return block if block is not None and block.holds(self._now()) else None

    def add_automatic(self, block: RateLimitBlock) -> bool:
        """Block from now on; return whether there was room for one more."""
        if self._automatic >= MOST_AUTOMATIC:
            return False
        self._put(block)
        self._unsaved[_key(block)] = block
        return True

    async def add(self, block: RateLimitBlock) -> RateLimitBlock | None:
        """Block from now on, once the storage has it; return the block that held before, of any replica."""
        key = _key(block)
        # What a limit began a moment ago is not saved over what a person says.
        begun = self._unsaved.pop(key, None)
        try:
            stored = await self._storage.exchange(block)
        except BaseException:
            if begun is not None:
                self._unsaved.setdefault(key, begun)
            raise
        begun = self._unsaved.pop(key, begun)
        self._put(block)
        now = self._now()
        return next((one for one in (stored, begun) if one is not None and one.holds(now)), None)

    async def remove(self, block: RateLimitBlock) -> None:
        """Unblock, here and in the storage."""
        await self._storage.remove([block.id])
        self._blocks.pop(_key(block), None)
        self._unsaved.pop(_key(block), None)
        self._changes += 1

    def move(self, storage: BlockStorage) -> None:
        """Use another storage from now on; it gets all that holds."""
        self._storage = storage
        self._unsaved = dict(self._blocks)
        self._changes += 1

    async def refresh(self) -> None:
        """Put what is new into the storage, and take what other replicas put there."""
        await self.save()
        changes = self._changes
        found = await self._storage.load()
        # What changed here while it was read is newer than what was read.
        if found is None or changes != self._changes:
            return
        now = self._now()
        before = {_version(block) for block in self._blocks.values() if block.holds(now)}
        self._blocks = {_key(block): block for block in found if block.holds(now)} | self._unsaved
        for tenant in {version[0] for version in before ^ set(map(_version, self._blocks.values()))}:
            self.on_foreign(tenant)
        self._automatic = sum(block.automatic for block in self._blocks.values())
        if over := [block.id for block in found if not block.holds(now)]:
            await self._storage.remove(over)

    async def save(self) -> None:
        """Put what is new into the storage."""
        saved, now = dict(self._unsaved), self._now()
        if not saved:
            return
        await self._storage.put([block for block in saved.values() if block.holds(now)])
        for key, block in saved.items():
            if self._unsaved.get(key) is block:
                del self._unsaved[key]

    def _put(self, block: RateLimitBlock) -> None:
        self._automatic += block.automatic and _key(block) not in self._blocks
        self._blocks[_key(block)] = block
        self._changes += 1
        if self._automatic == MOST_AUTOMATIC:
            structlog.get_logger("exporter.ratelimits").warning(
                "limits begin no further block", most=MOST_AUTOMATIC
            )


def _version(block: RateLimitBlock) -> tuple[str, str, float, float | None]:
    """Return what differs where a block is another one; the tenant is first."""
    return block.tenant, block.id, block.at, block.until


def _key(block: RateLimitBlock) -> BlockKey:
    return block.tenant, block.policy, block.identifier
