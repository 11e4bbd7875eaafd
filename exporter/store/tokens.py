"""Tokens in the store, encrypted; every method is one transaction and blocks: call it off the loop."""

import os
import secrets
import socket
from dataclasses import dataclass

from sqlalchemy import RowMapping

from exporter.core.token import TokenSet
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.subjects import tokens
from exporter.store.subjects.tokens import TokenLabels

_START = secrets.token_hex(4)
"""Distinguishes this process from an earlier one that had its number."""


@dataclass(frozen=True)
class StoredToken:
    """Tokens as they are kept. `pending`: the platform's database lacks them; `before`: what it has then."""

    held: TokenSet
    pending: bool = False
    before: str = ""


class TokenStore:
    """Keeps tokens, encrypted by `seals`, in a table of `database`.

    The table is made when the database is opened; until then every method raises StoreError.
    """

    def __init__(self, database: Database, seals: Seals) -> None:
        """Prepare a store; nothing is opened yet."""
        self.database = database
        self._seals = seals
        self._self = f"{socket.gethostname()}:{os.getpid()}:{_START}"

    @property
    def keeps_secrets(self) -> bool:
        """Whether tokens can be kept at all."""
        return bool(self._seals)

    def exchange_keys(self, seals: Seals) -> None:
        """Encrypt by other keys from now on."""
        self._seals = seals

    def owner(self) -> str:
        """Return a name for one lease, by which a person who reads the table sees which process holds it."""
        return f"{self._self}:{secrets.token_hex(4)}"

    def read(self, name: str) -> StoredToken | None:
        """Return the tokens `name`, None where there are none."""
        with self.database.attach() as connection:
            row = tokens.read(connection, name)
        return self._decrypt(row)

    def lease(self, name: str, labels: TokenLabels, owner: str) -> tuple[bool, StoredToken | None]:
        """Take the lease of `name`; return whether `owner` has it now, and the tokens as they are."""
        with self.database.attach(writes=True) as connection:
            taken, row = tokens.lease(connection, name, labels, owner, self._dead)
        return taken, self._decrypt(row)

    def release(self, name: str, owner: str) -> None:
        """Give the lease back, if `owner` still has it."""
        with self.database.attach(writes=True) as connection:
            tokens.release(connection, name, owner)

    def keep(self, name: str, labels: TokenLabels, held: TokenSet, *, before: str | None = None) -> None:
        """Write `held`; it is on disk when this returns. Older ones never take the place of newer ones.

        With `before` they are pending: the platform's database has to get them, in place of those that
        `before` marks.
        """
        sealed, pending = self._seals.seal(held, before or ""), before is not None
        with self.database.attach(writes=True) as connection:
            tokens.keep(connection, name, labels, sealed=sealed, pending=pending, obtained=held.obtained)

    def settle(self, name: str) -> None:
        """Remember that the platform's database has the tokens; they are deleted here."""
        with self.database.attach(writes=True) as connection:
            tokens.remove(connection, name)

    def encrypt_again(self) -> int:
        """Encrypt by the first key what an older one encrypted; return how many rows that were."""
        if not self._seals:
            return 0
        changed, after = 0, ""
        while True:
            with self.database.attach(writes=True) as connection:
                count, last = tokens.encrypt_again(connection, self._seals.renew, after)
            changed += count
            if last is None:
                return changed
            after = last

    def drop_unseen(self) -> int:
        """Delete tokens that nothing asked for in a year: their targets were removed; return how many."""
        with self.database.attach(writes=True) as connection:
            return tokens.drop_unseen(connection)

    def _decrypt(self, row: RowMapping | None) -> StoredToken | None:
        if row is None or not row["sealed"]:
            return None
        held, before = self._seals.open(row["sealed"])
        return StoredToken(held, bool(row["pending"]), before)

    def _dead(self, owner: str) -> bool:
        """Return whether the owner of a lease was a process of this machine that has ended.

        Only for a file: no other than processes of this machine write to it.
        """
        host, _, rest = owner.partition(":")
        pid, _, start = rest.partition(":")
        ours, _, our_start = self._self.rpartition(":")
        of_a_file = self.database.url.get_backend_name() == "sqlite"
        if not of_a_file or host != socket.gethostname() or not pid.isdecimal():
            return False
        if f"{host}:{pid}" == ours:
            return start.partition(":")[0] != our_start  # its number is ours now
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        # It runs as another user; or the number is one that the system cannot even ask for.
        except (PermissionError, OverflowError):
            return False
        return False
