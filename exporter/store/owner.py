"""Which process writes to a SQLite file: one at a time, by a lock that the system drops when it ends."""

import fcntl
import os
from pathlib import Path

import structlog
from sqlalchemy import URL


class Ownership:
    """The advisory lock of one store beside its file; a database on a server needs none.

    It refuses nothing: a second exporter works on, with a warning. `shared` is whether another exporter had
    the lock when we last tried to take it.
    """

    def __init__(self, url: URL) -> None:
        """Take the URL of the store; nothing is opened yet."""
        self._path = Path(str(url.database)).resolve() if url.get_backend_name() == "sqlite" else None
        self._descriptor: int | None = None
        self._log = structlog.get_logger(__name__)
        self.shared = False

    @property
    def has_lock(self) -> bool:
        """Whether this process has the lock."""
        return self._descriptor is not None

    def take(self) -> None:
        """Take the lock unless it is held already; warn, once, while another exporter has it."""
        if self._path is None or self._descriptor is not None:
            return
        # Not the database itself: to close any descriptor of that drops SQLite's own locks.
        try:
            descriptor = os.open(f"{self._path}-lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return  # the database has its own word on a folder that takes no files
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):  # any other: a file system that knows no locks
                self._note(shared=True)
            return
        self._descriptor = descriptor
        self._note(shared=False)

    def release(self) -> None:
        """Let another exporter have the lock; the file stays, since one that waits may have it open."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _note(self, *, shared: bool) -> None:
        before, self.shared = self.shared, shared
        if shared and not before:
            self._log.warning(
                "another exporter writes to this store",
                path=str(self._path),
                remedy="give each exporter a store.url of its own, or let them share PostgreSQL",
            )
        elif before and not shared:
            self._log.info("no other exporter writes to this store any more", path=str(self._path))
