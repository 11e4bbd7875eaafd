"""Sessions of browsers that gave the admin token: this process knows those that it began, and no other."""

import hashlib
import secrets
from typing import Final

SESSION_SECONDS: Final = 12 * 3600.0
"""How long a browser stays signed in."""

MOST_SESSIONS: Final = 1000
"""Beyond, the oldest ends: whoever begins so many is a script."""


class Sessions:
    """What browsers show in place of the token, each until it expires or somebody signs out.

    Only what is known here counts, so a copy of a cookie is worth nothing once its session has ended.
    """

    def __init__(self) -> None:
        """Start without any: a restart ends them all."""
        # By digest: what lies in memory opens nothing. Begun in order, so the first ones expire first.
        self._expiries: dict[str, float] = {}

    def begin(self, now: float) -> str:
        """Return the text of a new session of `now`, in Unix seconds."""
        for digest in [one for one, expiry in self._expiries.items() if expiry <= now]:
            del self._expiries[digest]
        while len(self._expiries) >= MOST_SESSIONS:
            del self._expiries[next(iter(self._expiries))]
        text = secrets.token_urlsafe(32)
        # A whole second, as the cookie's Max-Age is.
        self._expiries[_digest(text)] = int(now + SESSION_SECONDS)
        return text

    def has(self, text: str, now: float) -> bool:
        """Return whether `text` is a session that has neither expired nor ended."""
        return now < self._expiries.get(_digest(text), 0.0)

    def end(self, text: str) -> None:
        """End the session `text`, if there is one."""
        self._expiries.pop(_digest(text), None)

    def end_all(self) -> None:
        """End every session."""
        self._expiries.clear()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
