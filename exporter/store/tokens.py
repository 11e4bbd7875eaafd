"""Tokens and the log of tokens in the store; every method blocks, so call it off the loop."""

import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from exporter.core.errors import StoreError
from exporter.core.token import TokenEvent, TokenSet
from exporter.store.connect import WRITES, identity, open_engine, parse, redacted_url
from exporter.store.encryption import Seals
from exporter.store.errors import translated
from exporter.store.tables import TOKEN, TOKEN_LOG
from exporter.store.upserts import insert_once

LEASE = 40.0
"""Seconds after which a lease ends whose owner says nothing more; a refresh takes 20 at most."""

PORTION = 500
"""Rows that are sealed anew in one transaction."""

_START = secrets.token_hex(4)
"""Tells this process from an earlier one that had its number."""

UNSEEN = 365 * 86_400.0
"""Seconds; tokens in use are seen with each refresh, every two months at the latest."""

TokenLabels = tuple[str, str, str]
"""Integration, tenant and provider of a token, for whoever reads the table."""

_FIELDS = (
    "at", "integration", "tenant", "provider", "token", "actor", "operation", "result", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class StoredToken:
    """Tokens as they are kept. `pending`: the platform's database lacks them; `before`: what it has then."""

    held: TokenSet
    pending: bool = False
    before: str = ""


@dataclass(frozen=True)
class LogQuery:
    """Which entries of the log are asked for; empty fields choose all, times are Unix seconds.

    `tenants` are those that the caller may know of, None for all.
    """

    integration: str = ""
    tenant: str = ""
    result: str = ""
    since: float = 0.0
    limit: int = 100
    offset: int = 0
    tenants: frozenset[str] | None = None


class TokenStore:
    """Keeps tokens, encrypted by `seals`, in the tables that the store at `url` has.

    The tables are made by whoever opens the store; until then every method raises StoreError.
    """

    def __init__(self, url: str, seals: Seals) -> None:
        """Take the URL apart; nothing is opened yet."""
        self._url = parse(url)
        self._seals = seals
        self._engine: Engine | None = None
        self._opening = Lock()
        self._file: tuple[int, int] | None = None
        self._self = f"{socket.gethostname()}:{os.getpid()}:{_START}"
        self.name = f"store {redacted_url(self._url)}"

    @property
    def keeps_secrets(self) -> bool:
        """Whether tokens can be kept at all."""
        return bool(self._seals)

    def exchange_keys(self, seals: Seals) -> None:
        """Encrypt by other keys from now on."""
        self._seals = seals

    def owner(self) -> str:
        """Return a name for one lease: who reads the table sees which process holds it."""
        return f"{self._self}:{secrets.token_hex(4)}"

    def read(self, name: str) -> StoredToken | None:
        """Return the tokens `name`, None where there are none."""
        with self._transaction() as connection:
            row = connection.execute(select(TOKEN).where(TOKEN.c.name == name)).mappings().first()
        return self._kept(row)

    def lease(self, name: str, labels: TokenLabels, owner: str) -> tuple[bool, StoredToken | None]:
        """Take the lease of `name`; return whether `owner` has it now, and the tokens as they are."""
        with self._transaction(writes=True) as connection:
            now = _now(connection)
            free = (TOKEN.c.lease_until.is_(None)) | (TOKEN.c.lease_until < now)
            taken = connection.execute(
                update(TOKEN)
                .where(TOKEN.c.name == name, free)
                .values(lease_owner=owner, lease_until=now + LEASE, seen=now)
            ).rowcount
            row = connection.execute(select(TOKEN).where(TOKEN.c.name == name)).mappings().first()
            # One that was given back meanwhile has no owner: the next look takes it.
            if row is not None and not taken and row["lease_owner"] and self._dead(row["lease_owner"]):
                mine = {"lease_owner": owner, "lease_until": now + LEASE, "seen": now}
                connection.execute(update(TOKEN).where(TOKEN.c.name == name).values(**mine))
                taken = 1
            if row is None:
                values = _row(name, labels, sealed="", now=now)
                mine = {"lease_owner": owner, "lease_until": now + LEASE}
                return insert_once(connection, TOKEN, values | mine), None
        return bool(taken), self._kept(row)

    def _dead(self, owner: str) -> bool:
        """Tell whether the owner of a lease was a process of this machine that is no more.

        Only a file is asked so: nobody else than processes of this machine writes to it.
        """
        host, _, rest = owner.partition(":")
        pid, _, start = rest.partition(":")
        ours, _, our_start = self._self.rpartition(":")
        if self._url.get_backend_name() != "sqlite" or host != socket.gethostname() or not pid.isdecimal():
            return False
        if f"{host}:{pid}" == ours:
            return start.partition(":")[0] != our_start  # its number is ours now
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        return False

    def release(self, name: str, owner: str) -> None:
        """Give the lease back, if `owner` still has it."""
        with self._transaction(writes=True) as connection:
            connection.execute(
                update(TOKEN)
                .where(TOKEN.c.name == name, TOKEN.c.lease_owner == owner)
                .values(lease_owner=None, lease_until=None)
            )

    def keep(self, name: str, labels: TokenLabels, held: TokenSet, *, before: str | None = None) -> None:
        """Write `held`; it is on disk when this returns. Older ones never take the place of newer ones.

        With `before` they are pending: the platform's database has to get them, in place of those that
        `before` marks.
        """
        sealed = self._seals.seal(held, before or "")
        with self._transaction(writes=True) as connection:
            now = _now(connection)
            values = {"sealed": sealed, "pending": before is not None, "obtained": held.obtained, "seen": now}
            older = (TOKEN.c.obtained.is_(None)) | (TOKEN.c.obtained <= (held.obtained or 0.0))
            written = update(TOKEN).where(TOKEN.c.name == name, older).values(**values)
            if connection.execute(written).rowcount:
                return
            if not insert_once(connection, TOKEN, _row(name, labels, sealed="", now=now) | values):
                connection.execute(written)  # another process made the row meanwhile

    def settle(self, name: str) -> None:
        """Remember that the platform's database has the tokens; they are dropped here."""
        with self._transaction(writes=True) as connection:
            connection.execute(delete(TOKEN).where(TOKEN.c.name == name))

    def log(self, events: Sequence[TokenEvent]) -> None:
        """Add `events` to the log."""
        rows = [
            {**{field: getattr(event, field) for field in _FIELDS}, "took": event.duration_seconds}
            for event in events
        ]
        with self._transaction(writes=True) as connection:
            connection.execute(insert(TOKEN_LOG), rows)

    def events(self, query: LogQuery) -> list[TokenEvent]:
        """Return entries of the log, the newest first."""
        asked = select(TOKEN_LOG).where(TOKEN_LOG.c.at >= query.since)
        for field in ("integration", "tenant", "result"):
            if value := getattr(query, field):
                asked = asked.where(TOKEN_LOG.c[field] == value)
        if query.tenants is not None:
            asked = asked.where(TOKEN_LOG.c.tenant.in_(query.tenants))
        asked = asked.order_by(TOKEN_LOG.c.at.desc(), TOKEN_LOG.c.id.desc())
        with self._transaction() as connection:
            rows = connection.execute(asked.limit(query.limit).offset(query.offset)).mappings().all()
        return [
            TokenEvent(**{field: row[field] for field in _FIELDS}, duration_seconds=row["took"])
            for row in rows
        ]

    def reseal(self) -> int:
        """Encrypt by the first key what an older one encrypted; return how many rows that were."""
        if not self._seals:
            return 0
        changed, after = 0, ""
        while True:
            with self._transaction(writes=True) as connection:
                page = select(TOKEN.c.name, TOKEN.c.sealed).where(TOKEN.c.name > after, TOKEN.c.sealed != "")
                rows = connection.execute(page.order_by(TOKEN.c.name).limit(PORTION)).all()
                for name, sealed in rows:
                    if (renewed := self._seals.renewed(sealed)) is not None:
                        connection.execute(update(TOKEN).where(TOKEN.c.name == name).values(sealed=renewed))
                        changed += 1
            if len(rows) < PORTION:
                return changed
            after = rows[-1][0]

    def drop_unseen(self) -> int:
        """Delete tokens that nothing asked for in a year: their targets are no more; return how many."""
        with self._transaction(writes=True) as connection:
            gone = delete(TOKEN).where(TOKEN.c.seen < _now(connection) - UNSEEN)
            return connection.execute(gone).rowcount

    def close(self) -> None:
        """Let go of the database."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _kept(self, row: Any) -> StoredToken | None:
        if row is None or not row["sealed"]:
            return None
        held, before = self._seals.open(row["sealed"])
        return StoredToken(held, bool(row["pending"]), before)

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        with translated(self.name):
            engine = self._opened()
            with (
                engine.connect().execution_options(**{WRITES: writes}) as connection,
                connection.begin(),
            ):
                yield connection

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is not None and identity(self._url) == self._file:
                return self._engine
            if self._engine is not None:  # SQLite would go on writing into a file that nobody finds again
                self._engine.dispose()
                self._engine = None
            if self._url.get_backend_name() == "sqlite" and identity(self._url) is None:
                raise StoreError(f"{self.name}: it is not open")
            self._engine, self._file = open_engine(self._url), identity(self._url)
            return self._engine


def _row(name: str, labels: TokenLabels, *, sealed: str, now: float) -> dict[str, Any]:
    integration, tenant, provider = labels
    return {
        "name": name,
        "integration": integration,
        "tenant": tenant,
        "provider": provider,
        "sealed": sealed,
        "pending": False,
        "seen": now,
    }


def _now(connection: Connection) -> float:
    """Return the database's own clock, so that replicas agree on when a lease ends."""
    if connection.dialect.name == "sqlite":
        return float(
            connection.exec_driver_sql("SELECT (julianday('now') - 2440587.5) * 86400.0").scalar_one()
        )
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())
