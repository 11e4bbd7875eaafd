"""Checks passwords by bcrypt, off the event loop."""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping

import bcrypt

REMEMBERED = 1024
AT_ONCE = 2
WAITING = 64
# Salt and digest of a hash that no password is likely to meet; only its cost matters.
_NOBODY = "$2b${cost:02d}$" + "C6UzMDM.H6dfI/f/IKcEe" + "." + "5Y1V6ZyQ8o3mX0rUu2nE4wS7tK9aLqG"


class TooBusyError(Exception):
    """More passwords wait to be checked than the machine can check soon."""


class Passwords:
    """Remembers passwords that were right, by a keyed digest, so that each scrape costs no bcrypt.

    A wrong password and an unknown user take the same time. At most AT_ONCE are checked at a time and
    WAITING wait; more are refused, so that guessing cannot take the processor from probing.
    """

    def __init__(self) -> None:
        """Start with an empty memory and a key of its own."""
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        # Never stored: the digests are of no use outside this process.
        self._key = secrets.token_bytes(32)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def verify(self, users: Mapping[str, bytes], user: str, password: str) -> bool:
        """Return whether `password` is that of `user`; raises TooBusyError when too many are waiting."""
        hashed = users.get(user, b"")
        digest = self._digest(user, hashed, password)
        if digest in self._verified:
            self._verified.move_to_end(digest)
            return True
        fits = await self._check(password, hashed or _stand_in(users))
        if not (fits and hashed):
            return False
        self._verified[digest] = None
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return True

    async def _check(self, password: str, hashed: bytes) -> bool:
        if self._waiting >= WAITING:
            raise TooBusyError
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(_fits, password, hashed)
        finally:
            self._waiting -= 1

    def _digest(self, user: str, hashed: bytes, password: str) -> bytes:
        # The stored hash is part of it: a changed password is never answered from memory.
        text = b"\0".join((user.encode(), hashed, password.encode()))
        return hmac.new(self._key, text, hashlib.sha256).digest()


def _fits(password: str, hashed: bytes) -> bool:
    try:
        # bcrypt reads 72 bytes; newer versions refuse more, the tools that made the hash cut them off.
        return bcrypt.checkpw(password.encode()[:72], hashed)
    except ValueError:
        return False


def _stand_in(users: Mapping[str, bytes]) -> bytes:
    # As expensive as the costliest hash, so that an unknown user is not answered sooner.
    cost = max((int(hashed[4:6]) for hashed in users.values()), default=10)
    return _NOBODY.format(cost=cost).encode()
