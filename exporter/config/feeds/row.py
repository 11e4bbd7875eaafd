"""Rows as feeds answer them: `{id, labels, options, thresholds}`, or what is wrong with one."""

import re
from dataclasses import dataclass
from typing import Any

from exporter.config.layout import TENANT_PATTERN
from exporter.config.reading import Path, Place
from exporter.config.values import Expanded
from exporter.core.quoting import is_plain_key

_ID = re.compile(TENANT_PATTERN.removesuffix("$"))
DEEPEST = 20
TEXT = "..text"
"""Key of a raw row whose options are all text, as http_sd has it: they may stand for numbers."""


@dataclass
class FeedProblem(Exception):
    """A feed that gives no answer to use: what is wrong and what to do. Neither quotes a credential."""

    what: str
    remedy: str

    def __str__(self) -> str:
        """Return one sentence."""
        return f"{self.what}; {self.remedy}"


@dataclass(frozen=True)
class Broken:
    """A row that cannot even be read; `tenant` is its id, where that much is known."""

    tenant: str
    what: str
    remedy: str


def tenant_of(row: Any) -> str:
    """Return the tenant id of a raw row, "" where there is no good one."""
    found = row.tenant if isinstance(row, Broken) else row.get("id") if isinstance(row, dict) else ""
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def checked(row: Any) -> Any:
    """Return `row`, or Broken where a value has `${`: nobody outside reads our environment.

    FeedProblem where it is nested too deeply.
    """
    if isinstance(row, Broken) or not _refers(row, DEEPEST):
        return row
    return Broken(
        tenant_of(row),
        "a tenant's row may not use ${...}",
        "write the value itself, or name a file below tenants.secrets_dir by its _file twin",
    )


def _refers(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return "${" in value
    if not isinstance(value, dict | list) or not value:
        return False
    if depth == 0:
        raise FeedProblem("a row is nested too deeply", f"nest values at most {DEEPEST} levels deep")
    if isinstance(value, list):
        return any(_refers(item, depth - 1) for item in value)
    return any("${" in key or _refers(item, depth - 1) for key, item in value.items())


@dataclass
class RowSource:
    """The rows of one answer, as a document: `name` says where they came from."""

    name: str
    value: list[Any]

    def place(self, path: Path) -> Place:
        """Return the source, the number of the row and its tenant; there are no lines."""
        if not path or not isinstance(path[0], int):
            return (self.name, 0)
        index = path[0]
        tenant = tenant_of(self.value[index]) if index < len(self.value) else ""
        return (f"{self.name}, row {index + 1}" + (f" ({tenant})" if is_plain_key(tenant) else ""), 0)

    def index_of(self, place: str) -> int | None:
        """Return the index of the row that `place` names, None when it is of another source."""
        head = f"{self.name}, row "
        if not place.startswith(head):
            return None
        return int(place[len(head) :].partition(" ")[0]) - 1


def plain(row: Any) -> Any:
    """Return a raw row as one of a file would be; the texts of http_sd's options become Expanded."""
    if not isinstance(row, dict) or TEXT not in row:
        return row
    options = row.get("options")
    made = {key: value for key, value in row.items() if key != TEXT}
    if isinstance(options, dict):
        made["options"] = {
            key: Expanded.of(value, value) if isinstance(value, str) else value
            for key, value in options.items()
        }
    return made
