"""The web configuration of the moment: read again when one of its files changes."""

from collections.abc import Callable
from pathlib import Path

import structlog

from exporter.core.errors import ConfigError, ConfigIssue
from exporter.server.web_config.reader import read
from exporter.server.web_config.settings import WebConfig

FileStamp = tuple[tuple[str, int, int, int], ...]
Loaded = tuple[WebConfig, FileStamp]

_NO_ACCESS = "the file no longer asks callers who they are"


class WebConfigFile:
    """The file and its last good content; a change with a mistake is reported once and changes nothing.

    `on_change` is called after new content is in force, in the thread that read it.
    """

    def __init__(self, path: str | None = None) -> None:
        """Remember where the file is; None means that access is not configured."""
        self.path = path
        self.current = WebConfig()
        self.on_change: Callable[[], None] = _nothing
        self._stamp: FileStamp = ()
        self._last_stamp: FileStamp = ()
        self._log = structlog.get_logger("exporter.web")

    def read(self) -> Loaded:
        """Read the file and all that it names, without using it; raises ConfigError with every mistake.

        An exporter that asks who calls goes on asking until its restart: a full disk, or an editor that was
        stopped half-way, leaves a file without users, and that must not open every door.
        """
        if self.path is None:
            return WebConfig(), ()
        known = self.current.files | {self.path}
        before = _stamp(known)
        loaded = read(self.path)
        if self.current.closed and not loaded.closed:
            raise ConfigError(
                [ConfigIssue(self.path, 0, _NO_ACCESS, "restart the exporter if that is meant")]
            )
        files = loaded.files | {self.path}
        # A file that changed while it was read must look changed at the next look.
        return loaded, before if files == known else _stamp(files)

    def use(self, loaded: Loaded) -> None:
        """Make what `read` returned the current content."""
        self.current, self._stamp = loaded
        self.on_change()

    def load(self) -> None:
        """Read and use; raises ConfigError with every mistake and keeps the old."""
        self.use(self.read())

    def refresh(self) -> bool:
        """Load again when a file changed; return whether there is new content. Never raises.

        A change counts at the second look that finds it: a file that is still being written would
        else be read as an empty one, which lets every caller in.
        """
        if self.path is None:
            return False
        stamp = _stamp(self.current.files | {self.path})
        settled, self._last_stamp = stamp == self._last_stamp, stamp
        if stamp == self._stamp or not settled:
            return False
        try:
            self.load()
        except ConfigError as error:
            self._stamp = stamp  # reported once, not at every look
            self._log.error("web configuration kept", mistakes=[str(mistake) for mistake in error.mistakes])
            return False
        except Exception as error:  # noqa: BLE001 - whatever a file can do, the next good one must be taken
            self._stamp = stamp
            self._log.error("web configuration kept", error=type(error).__name__)
            return False
        self._log.info("web configuration loaded", path=self.path)
        return True


def _nothing() -> None:
    """Nobody wants to know."""


def _stamp(files: frozenset[str]) -> FileStamp:
    return tuple(_stamp_of(path) for path in sorted(files))


def _stamp_of(path: str) -> tuple[str, int, int, int]:
    try:
        stat = Path(path).stat()
    except (OSError, ValueError):
        # A file that is missing is a state as well: its return is a change.
        return (path, 0, 0, 0)
    return (path, stat.st_mtime_ns, stat.st_size, stat.st_ino)
