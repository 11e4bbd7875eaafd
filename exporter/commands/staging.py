"""Writes many files as one: each beside its place first, and all of them into place when none failed."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

FOLDER_MODE = 0o755
FILE_MODE = 0o644


@dataclass
class Staging:
    """Files on their way; leaving the `with` block without `commit` removes every trace of them.

    `add` and `commit` raise OSError.
    """

    _ready: list[tuple[Path, Path]] = field(default_factory=list)
    _folders: list[Path] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin with nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not committed."""
        for fresh, _ in self._ready:
            fresh.unlink(missing_ok=True)
        for folder in reversed(self._folders):
            folder.rmdir()

    def folder(self, path: Path, mode: int = FOLDER_MODE, owner: tuple[int, int] | None = None) -> None:
        """Make a folder with exactly `mode` whatever the umask is, and those above it with 0755."""
        if path.is_dir():
            return
        self.folder(path.parent)
        path.mkdir()
        self._folders.append(path)
        path.chmod(mode)
        if owner:
            os.chown(path, *owner)

    def add(self, path: Path, text: str, mode: int = FILE_MODE, owner: tuple[int, int] | None = None) -> None:
        """Write `text` beside `path`; a link is followed, so that it stays one."""
        place = path.resolve() if path.is_symlink() else path
        fresh = place.with_name(f"{place.name}.new")
        fresh.unlink(missing_ok=True)
        self._ready.append((fresh, place))
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if owner:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)

    def commit(self) -> None:
        """Put every file into its place."""
        self._folders.clear()
        while self._ready:
            fresh, place = self._ready[0]
            fresh.replace(place)
            self._ready.pop(0)
