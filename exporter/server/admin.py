"""The admin token of an exporter without a web configuration, and the sessions of browsers that gave it."""

import hashlib
import hmac
from pathlib import Path

from aiohttp import web

from exporter.core import admin_token
from exporter.core.errors import StartError
from exporter.server.sessions import Sessions

TokenStamp = tuple[int, int, int]
"""Time of the last write, number, and time of the last change of owner, rights or name."""


class AdminToken:
    """What the file at `path` holds, read again when it changes; without a path no caller is admin by it.

    `trouble` says in one sentence why there is no token, "" where there is one.
    """

    def __init__(self, path: Path | None = None, trouble: str = "") -> None:
        """Remember where it is; nothing is read or written yet."""
        self.path = path
        self.trouble = trouble or "it has no admin token"
        self._key = b""
        self._stamp: TokenStamp | None = None
        self._sessions = Sessions()
        self._key_of_sessions = b""

    def prepare(self) -> None:
        """Make the token where there is none, and read it; a failure is left in `trouble`."""
        if self.path is None:
            return
        try:
            admin_token.create_or_read(self.path)
        except StartError as error:
            self.trouble = _sentence(error)
            return
        self.usable()

    def usable(self) -> bool:
        """Return whether there is a token now. A new token invalidates the sessions of the old one."""
        if self.path is None:
            return False
        stamp = _stamp(self.path)
        if stamp is None:
            if self._stamp or not self.trouble:  # a place that cannot be had says more than its emptiness
                self.trouble = f"{self.path} is not there; the next start makes a new one"
            self._key, self._stamp = b"", None  # the same file may come back
            return False
        if stamp == self._stamp:
            return bool(self._key)
        try:
            # Kept as a digest: what lies in memory is not what opens the other exporters of this user.
            self._key = hashlib.sha256(admin_token.read(self.path).reveal().encode()).digest()
            self.trouble = ""
        except StartError as error:
            self._key, self.trouble = b"", _sentence(error)
        self._stamp = stamp
        if self._key and self._key != self._key_of_sessions:
            self._sessions.end_all()
            self._key_of_sessions = self._key
        return bool(self._key)

    def fits(self, text: str) -> bool:
        """Return whether `text` is the token."""
        digest = hashlib.sha256(text.encode(errors="replace")).digest()
        return self.usable() and hmac.compare_digest(digest, self._key)

    def begin_session(self, now: float) -> str:
        """Return what a browser shows from now on in place of the token."""
        return self._sessions.begin(now)

    def has_session(self, text: str, now: float) -> bool:
        """Return whether `text` is a session that has neither expired nor ended."""
        return self.usable() and self._sessions.has(text, now)

    def end_session(self, text: str) -> None:
        """End the session `text` for every browser that shows it."""
        self._sessions.end(text)


def _sentence(error: StartError) -> str:
    """Return what an answer can carry: the path may have signs that UTF-8 has not."""
    return str(error).encode(errors="backslashreplace").decode()


def cookie_name(request: web.Request) -> str:
    """Return the name of the session's cookie: browsers send one port's cookies to all ports of a host."""
    return f"integration_exporter_{request.url.port or 0}"


def _stamp(path: Path) -> TokenStamp | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_ino, found.st_ctime_ns
