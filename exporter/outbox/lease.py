"""The lease under which this process carries deliveries: renewed in the store, watched by our own clock."""

import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from exporter.store import claims
from exporter.store.group_commit import GroupCommit
from exporter.store.subjects import replicas
from exporter.store.subjects.replicas import LEASE


def boot_seconds() -> float:
    """Return seconds that also pass while the machine sleeps: a lease expires elsewhere meanwhile."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """`name` owns what this process carries; every lease has a name of its own, never used again.

    Only `alone` on its database a lease never expires: then nobody else could take anything.
    """

    def __init__(
        self, commits: GroupCommit, seconds: float = LEASE, clock: Callable[[], float] = boot_seconds
    ) -> None:
        """Begin without a lease; `seconds` are those after which others take what we carry."""
        self.seconds = seconds
        self.name = ""
        self._commits = commits
        self._clock = clock
        self._until = 0.0

    @property
    def valid(self) -> bool:
        """Whether nobody else can have what this process carries; False before the first `renew`."""
        return bool(self.name) and (self._commits.database.exclusive or self._clock() < self._until)

    async def renew(self) -> bool:
        """Renew the lease, or begin one; return whether what was carried before is still ours.

        StoreError when the store fails: the lease then runs on until it expires.
        """
        began, before = self._clock(), self.name
        if before:
            renewed = await self._commits.write(_renew, before)
            if renewed:
                self._until = began + self.seconds * 0.9
                return True
        name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        await self._commits.write(_begin, (name, self._commits.database.exclusive))
        self.name, self._until = name, began + self.seconds * 0.9
        return not before

    async def take_over(self) -> int:
        """Free what replicas carry that have no lease any more; return how many deliveries."""
        await self._commits.write(_remove_stale, self.seconds)
        freed = 0
        while portion := await self._commits.write(_free_orphans, None):
            freed += portion
        return freed

    async def end(self) -> None:
        """Free everything, and give the lease back."""
        if self.name:
            while await self._commits.write(_free, self.name):
                pass
            await self._commits.write(_remove, self.name)
            self.name = ""


def _renew(connection: Connection, names: Sequence[str]) -> list[bool]:
    return [replicas.renew(connection, name) for name in names]


def _begin(connection: Connection, leases: Sequence[tuple[str, bool]]) -> list[None]:
    for name, alone in leases:
        replicas.register(connection, name)
        if alone:
            # The lock of the file says that every other process which had it has ended.
            replicas.remove_others(connection, name)
    return [None] * len(leases)


def _remove_stale(connection: Connection, leases: Sequence[float]) -> list[None]:
    replicas.remove_stale(connection, max(leases))
    return [None] * len(leases)


def _free_orphans(connection: Connection, calls: Sequence[None]) -> list[int]:
    return [claims.free_orphans(connection) for _ in calls]


def _free(connection: Connection, names: Sequence[str]) -> list[int]:
    return [claims.free(connection, name) for name in names]


def _remove(connection: Connection, names: Sequence[str]) -> list[None]:
    for name in names:
        replicas.remove(connection, name)
    return [None] * len(names)
