"""Notices that files changed, by looking at them; works with bind mounts and ConfigMaps."""

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass

from exporter.config.sections.integrations.tenants import WILDCARDS

_Facts = tuple[str, tuple[int, int, int, int] | None, str]


@dataclass(frozen=True)
class Fingerprint:
    """State of some files at one moment; another state is another fingerprint."""

    facts: tuple[_Facts, ...]

    @classmethod
    def of(cls, files: Iterable[str]) -> "Fingerprint":
        """Look at `files`: paths, or patterns with wildcards, so that a new file counts as a change.

        A file's facts are time, size, inode and device of what it leads to, and its link's own target.
        A missing file has none. Contents are not read.
        """
        seen: set[str] = set()
        for name in files:
            seen.add(name)
            # A file may have a star in its own name; then it is not a pattern.
            if not WILDCARDS.isdisjoint(name) and not os.path.lexists(name):
                seen.update(glob.glob(name, recursive=True))  # noqa: PTH207 -- patterns are absolute
        return cls(tuple((name, _stat(name), _link(name)) for name in sorted(seen)))


def _stat(name: str) -> tuple[int, int, int, int] | None:
    try:
        facts = os.stat(name)  # noqa: PTH116 -- a Path for each of 10,000 files would cost more than the look
    except (OSError, ValueError):
        return None
    # The inode too: a file that is replaced can have the time and the size of the old one.
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino, facts.st_dev)


def _link(name: str) -> str:
    try:
        # Kubernetes swaps a ConfigMap by pointing a link to another folder.
        return os.readlink(name)  # noqa: PTH115 -- as above
    except (OSError, ValueError):
        return ""
