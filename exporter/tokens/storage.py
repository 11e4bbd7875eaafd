"""Where the tokens of one credential are stored, and who alone may exchange them at one time."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from exporter.core.errors import StoreError
from exporter.core.token import TokenSet
from exporter.store.sql_tokens import LockedRow, SqlTokenSource
from exporter.store.threads import in_thread
from exporter.store.tokens import StoredToken, TokenStore

WAIT_FOR_LEASE = 45.0
"""Seconds that one replica waits for the refresh of another one."""

CHECK_LEASE_EVERY = 0.25


class StorageSession(Protocol):
    """The time during which no other process exchanges the tokens; `tokens` are the newest known ones."""

    tokens: TokenSet | None

    async def save(self, tokens: TokenSet) -> None:
        """Bring `tokens` to where tokens are kept; StoreError where that has to be tried again later."""


class TokenStorage(Protocol):
    """Keeps the tokens of one credential. `shared`: others may change them there."""

    shared: bool

    async def read(self) -> TokenSet | None:
        """Return the tokens, None where there are none yet; raises StoreError."""

    def locked(self, *, rotating: bool = True) -> AbstractAsyncContextManager[StorageSession]:
        """Return the exclusive right to exchange the tokens; raises StoreError.

        Where they do not rotate, a store that fails does not prevent it: the old ones stay good.
        """


@dataclass
class _PlainSession:
    tokens: TokenSet | None = None

    async def save(self, tokens: TokenSet) -> None:
        self.tokens = tokens


class MemoryStorage:
    """Keeps nothing: the account's own memory is all there is."""

    shared = False

    async def read(self) -> TokenSet | None:
        """Return nothing."""
        return None

    @asynccontextmanager
    async def locked(self, *, rotating: bool = True) -> AsyncIterator[StorageSession]:
        """Let the caller go on: within the process each account has one task."""
        # Memory cannot fail, so it makes no difference whether they rotate.
        del rotating
        yield _PlainSession()


class StoreStorage:
    """Keeps tokens in the store, encrypted; a lease makes other replicas wait."""

    shared = True

    def __init__(self, store: TokenStore, name: str, labels: tuple[str, str, str]) -> None:
        """Keep under `name`; `labels` are integration, tenant and provider."""
        self._store = store
        self._name = name
        self._labels = labels
        self._unsaved: TokenSet | None = None

    async def read(self) -> TokenSet | None:
        """Return what the store has."""
        stored = await in_thread(lambda: self._store.read(self._name))
        return stored.held if stored else None

    @asynccontextmanager
    async def locked(self, *, rotating: bool = True) -> AsyncIterator[StorageSession]:
        """Take the lease, or wait until it is released or expires."""
        # A name for each turn, not for each process: a turn that lost its lease must not give back the next
        # one's.
        owner = self._store.owner()
        try:
            stored = await self._lease(owner)
        except StoreError:
            if rotating:
                raise
            yield _PlainSession(self._unsaved)
            return
        session = _StoreSession(self, owner, stored.held if stored else None)
        try:
            # Before anything else: the vendor may have dropped what the store still holds.
            if self._unsaved is not None:
                await session.save(self._unsaved)
            yield session
        finally:
            with suppress(StoreError):  # the lease expires by itself
                await in_thread(lambda: self._store.release(self._name, owner))

    async def _lease(self, owner: str) -> StoredToken | None:
        end = time.monotonic() + WAIT_FOR_LEASE
        while True:
            mine, stored = await in_thread(lambda: self._store.lease(self._name, self._labels, owner))
            if mine:
                return stored
            if time.monotonic() > end:
                raise StoreError("another exporter has the turn to refresh this token and does not end it")
            await asyncio.sleep(CHECK_LEASE_EVERY)

    async def save(self, tokens: TokenSet) -> None:
        """Write `tokens`; what cannot be written stays in memory and is written at the next turn."""
        self._unsaved = tokens
        await in_thread(lambda: self._store.keep(self._name, self._labels, tokens))
        self._unsaved = None


@dataclass
class _StoreSession:
    storage: StoreStorage
    owner: str
    tokens: TokenSet | None

    async def save(self, tokens: TokenSet) -> None:
        self.tokens = tokens
        await self.storage.save(tokens)


@dataclass
class _UnwrittenTokens:
    """Tokens that are not yet in the platform's database, and a mark of those that they follow."""

    tokens: TokenSet
    before: str


@dataclass
class SqlStorage:
    """Keeps tokens in the platform's own database; its row is locked while they are exchanged.

    With a `journal` they are on our own disk first: after a crash the row is brought up to date.
    """

    source: SqlTokenSource
    integration: str
    tenant: str
    labels: tuple[str, str, str]
    journal: TokenStore | None = None
    on_write_back: Callable[[float], None] = lambda _seconds: None
    shared: bool = True
    _unwritten: _UnwrittenTokens | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """Its name in the journal."""
        return f"sql:{self.integration}/{self.tenant}"

    @property
    def _binds(self) -> dict[str, str]:
        return {"tenant": self.tenant, "integration": self.integration}

    async def read(self) -> TokenSet | None:
        """Return what the row says, after what a crash left undone."""
        if await self._pending():
            async with self.locked() as session:
                return session.tokens
        return await in_thread(lambda: self.source.read(self._binds))

    @asynccontextmanager
    async def locked(self, *, rotating: bool = True) -> AsyncIterator[StorageSession]:
        """Lock the row, and finish what a crash left undone."""
        # The row itself is what is locked: without its database there are no tokens to exchange at all.
        del rotating
        row = await in_thread(lambda: self.source.lock(self._binds))
        try:
            session = _SqlSession(self, row, row.held)
            await session.recover(await self._pending())
            yield session
        finally:
            await in_thread(row.close)

    async def _pending(self) -> _UnwrittenTokens | None:
        if self._unwritten is not None or self.journal is None:
            return self._unwritten
        journal = self.journal
        try:
            stored = await in_thread(lambda: journal.read(self.name))
        except StoreError as error:
            _log().warning("the journal of tokens cannot be read", error=str(error))
            return None
        return _UnwrittenTokens(stored.held, stored.before) if stored and stored.pending else None

    async def write_journal(self, tokens: TokenSet, before: str) -> None:
        """Put `tokens` on our own disk; a journal that fails must not keep it from the source."""
        self._unwritten = _UnwrittenTokens(tokens, before)
        if (journal := self.journal) is not None:
            await _try(lambda: in_thread(lambda: journal.keep(self.name, self.labels, tokens, before=before)))

    async def mark_written(self) -> None:
        """Remember that the source has the newest tokens."""
        self._unwritten = None
        if (journal := self.journal) is not None:
            await _try(lambda: in_thread(lambda: journal.settle(self.name)))


@dataclass
class _SqlSession:
    storage: SqlStorage
    row: LockedRow
    tokens: TokenSet | None

    async def recover(self, pending: _UnwrittenTokens | None) -> None:
        """Write back what a crash left in the journal, unless the row changed since."""
        if pending is None:
            return
        # Only a row that is still as it was before the exchange may be written: else the owner connected
        # again.
        present = mark_of(self.tokens)
        if present == pending.before:
            began = time.monotonic()
            await self._write(pending.tokens)
            self.storage.on_write_back(time.monotonic() - began)
        elif present != mark_of(pending.tokens):
            _log().warning("tokens in the journal are older than the source's", place=self.storage.name)
        await self.storage.mark_written()

    async def save(self, tokens: TokenSet) -> None:
        if tokens.refused:  # the source has no word for it
            return
        before = mark_of(self.tokens)
        await self.storage.write_journal(tokens, before)
        await self._write(tokens)
        await self.storage.mark_written()

    async def _write(self, tokens: TokenSet) -> None:
        await in_thread(lambda: self.row.write(tokens))
        self.tokens = tokens


def mark_of(tokens: TokenSet | None) -> str:
    """Return a digest of the credentials of `tokens`."""
    if tokens is None:
        return ""
    text = f"{tokens.access.reveal()}\0{tokens.refresh.reveal()}"
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


async def _try(call: Callable[[], Awaitable[Any]]) -> None:
    try:
        await call()
    except StoreError as error:
        _log().error("the journal of tokens fails", error=str(error))


def _log() -> Any:
    return structlog.get_logger("exporter.tokens")
