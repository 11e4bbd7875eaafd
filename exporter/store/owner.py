"""Who writes to a SQLite file: one exporter at a time, by a lock that the system drops with its process."""

import fcntl
import os
from pathlib import Path

import structlog
from sqlalchemy import URL


class Ownership:
    """The advisory lock of one store beside its file; a database on a server needs none.

    It refuses nothing: who comes second works on, and is warned once.
    """

    def __init__(self, url: URL) -> None:
        """Take the URL of the store; nothing is opened yet."""
        self._database = str(url.database) if url.get_backend_name() == "sqlite" else ""
        self._descriptor: int | None = None
        self._warned = False

    def take(self) -> None:
        """Take the lock unless it is held already; warn, once, where another exporter has it."""
        if not self._database or self._descriptor is not None:
            return
        # Not the database itself: to close any descriptor of that drops SQLite's own locks.
        path = Path(self._database).resolve()
        try:
            descriptor = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return  # the database has its own word on a folder that takes no files
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):  # any other: a file system that knows no locks
                self._warn(path)
            return
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another exporter have the lock; the file stays, since one who waits may have it open."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _warn(self, path: Path) -> None:
        if not self._warned:
            self._warned = True
            structlog.get_logger(__name__).warning(
                "another exporter writes to this store",
                path=str(path),
                remedy="give each exporter a store.url of its own, or let them share PostgreSQL",
            )
