"""Writes many files as one: first each next to its destination, then all of them in place."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

FOLDER_MODE = 0o755
FILE_MODE = 0o644


@dataclass
class Staging:
    """Files that wait for `commit`; leaving the `with` block without it removes every trace of them.

    `add` and `commit` raise OSError.
    """

    _files: list[tuple[Path, Path]] = field(default_factory=list)
    _folders: list[Path] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start without files."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove files and folders that were not committed."""
        for fresh, _ in self._files:
            fresh.unlink(missing_ok=True)
        # Innermost first: a folder must be empty to be removed.
        for folder in reversed(self._folders):
            folder.rmdir()

    def folder(self, path: Path, mode: int = FOLDER_MODE, owner: tuple[int, int] | None = None) -> None:
        """Make a folder with exactly `mode` whatever the umask is, and those above it with 0755."""
        if path.is_dir():
            return
        self.folder(path.parent)
        path.mkdir()
        self._folders.append(path)
        # mkdir applies the umask to its own mode argument.
        path.chmod(mode)
        if owner:
            os.chown(path, *owner)

    def add(self, path: Path, text: str, mode: int = FILE_MODE, owner: tuple[int, int] | None = None) -> None:
        """Write `text` next to `path`; a link is followed, so that it stays a link."""
        destination = path.resolve() if path.is_symlink() else path
        fresh = destination.with_name(f"{destination.name}.new")
        fresh.unlink(missing_ok=True)
        self._files.append((fresh, destination))
        # Closed to others from the first byte on: a secret must not be readable until chmod.
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if owner:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)

    def commit(self) -> None:
        """Rename every file to its destination."""
        # From now on the folders hold files that stay.
        self._folders.clear()
        while self._files:
            fresh, destination = self._files[0]
            fresh.replace(destination)
            # Only after its rename: where one fails, __exit__ removes the temporary files that are left.
            self._files.pop(0)
