"""How files differ from the generated ones: in a sentence, or as a patch."""

import difflib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exporter.generate.document import MARK
from exporter.generate.provisioning import TAG

_FLAGS = "# flags: "


@dataclass(frozen=True)
class Difference:
    """One file: the text on disk (None: no file) and the generated one (None: no longer generated)."""

    path: str
    present: str | None
    wanted: str | None

    @property
    def what(self) -> str:
        """How the file differs, with the names of the parts where they have some."""
        if self.present is None:
            return "is missing"
        if self.wanted is None:
            return "is generated no more"
        before, now = _flags(self.present), _flags(self.wanted)
        if before != now:
            return f"was written {before}, and this is {now}; give the same ones, or put them under generate:"
        parts = _parts(self.present, self.wanted) if self.path.endswith(".yml") else []
        return "differs from what is generated" + (f", in {', '.join(parts)}" if parts else "")

    def patch(self) -> str:
        """Return the change as a unified diff."""
        lines = difflib.unified_diff(
            (self.present or "").splitlines(keepends=True),
            (self.wanted or "").splitlines(keepends=True),
            f"a/{self.path}" if self.present is not None else "/dev/null",
            f"b/{self.path}" if self.wanted is not None else "/dev/null",
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )


def differences(root: Path, wanted: Mapping[str, str], stale: Iterable[str]) -> list[Difference]:
    """Return what differs below `root`: files with other content, then those that are no longer generated."""
    found = [
        Difference(path, there, text) for path, text in wanted.items() if (there := read(root / path)) != text
    ]
    return found + [Difference(path, read(root / path), None) for path in stale]


def stale_files(root: Path, folders: Iterable[str], wanted: Collection[str]) -> list[str]:
    """Return the files below `folders` that have the mark of generated ones and are no longer generated."""
    found = (path for folder in folders for path in sorted((root / folder).rglob("*")) if path.is_file())
    # Files without the mark were put there by a user, and are left alone; it is in the first line.
    names = [str(path.relative_to(root)) for path in found if MARK.encode() in path.read_bytes()[:400]]
    return [name for name in names if name not in wanted]


def stale_dashboards(root: Path, names: Iterable[str], wanted: Collection[str]) -> list[str]:
    """Return which of `names`, paths of dashboards that some configuration has, are ours and not in `wanted`.

    JSON has no place for the mark: ours is a file whose dashboard has our tag, and its name as address.
    """
    return [name for name in sorted(names) if name not in wanted and _is_dashboard(root / name)]


def _is_dashboard(path: Path) -> bool:
    try:
        found: Any = json.loads(read(path) or "null")
    except (OSError, ValueError):
        return False
    if not isinstance(found, dict) or found.get("uid") != path.stem:
        return False
    tags = found.get("tags")
    return isinstance(tags, list) and any(str(tag).startswith(TAG) for tag in tags)


def read(path: Path) -> str | None:
    """Return the text of a file, None where there is none."""
    # A file that is not UTF-8 differs from any generated one, which is all that matters here.
    return path.read_text("utf-8", errors="replace") if path.exists() else None


def _flags(text: str) -> str:
    found = next((line.removeprefix(_FLAGS) for line in text.splitlines() if line.startswith(_FLAGS)), "")
    return f"with {found}" if found else "without flags"


def _parts(there: str, wanted: str) -> list[str]:
    try:
        before: Any = yaml.safe_load(there)
    except yaml.YAMLError:
        return []
    now = yaml.safe_load(wanted)
    if not isinstance(before, dict):
        return []
    return [key for key in dict.fromkeys((*now, *before)) if before.get(key) != now.get(key)]
