"""Rows as feeds answer them: `{id, labels, options, thresholds}`, or what is wrong with one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from exporter.config.document.context import Path, SourceLocation, printable
from exporter.config.document.source import quotable_key
from exporter.config.document.values import Flexible
from exporter.config.layout_parts import TENANT_PATTERN
from exporter.core.quoting import is_plain_key

# Used with fullmatch: `$` would let a trailing line break through.
_ID = re.compile(TENANT_PATTERN.removesuffix("$"))
DEEPEST = 20
KEYS = frozenset({"id", "labels", "options", "thresholds"})
"""What a row says; other keys are the application's own and are ignored."""
TEXT = "..text"
"""Key of a raw row with options that fit texts, numbers and booleans alike.

True means all its texts, as http_sd has no other values; a list names them.
"""


@dataclass
class FeedProblem(Exception):
    """A feed that gives no answer to use: what is wrong and what to do. Neither quotes a credential."""

    what: str
    remedy: str

    def __str__(self) -> str:
        """Return one sentence."""
        return f"{self.what}; {self.remedy}"


@dataclass(frozen=True)
class BadRow:
    """A row that cannot even be read; `tenant` is its id, where that much is known."""

    tenant: str
    what: str
    remedy: str


def tenant_of(row: Any) -> str:
    """Return the tenant id of a raw row, "" where there is no good one."""
    found = row.tenant if isinstance(row, BadRow) else row.get("id") if isinstance(row, dict) else ""
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def names(row: Any, word: str) -> bool:
    """Return whether a text somewhere in `row` is `word`."""
    if isinstance(row, dict):
        return any(names(value, word) for value in row.values())
    return any(names(item, word) for item in row) if isinstance(row, list) else row == word


def checked(row: Any) -> Any:
    """Return `row`, or BadRow where it is nested too deeply, or says `${`: rows may not read variables."""
    if isinstance(row, BadRow):
        return row
    # Keys of the application's own are not looked into: nothing reads their values.
    said = {key: value for key, value in row.items() if key in KEYS}
    try:
        if not _refers(said, DEEPEST):
            return row
    except RecursionError:
        return BadRow(tenant_of(row), "the row is nested too deeply", f"nest values at most {DEEPEST} deep")
    return BadRow(
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
        raise RecursionError
    if isinstance(value, list):
        return any(_refers(item, depth - 1) for item in value)
    return any("${" in key or _refers(item, depth - 1) for key, item in value.items())


def foreign_keys(rows: Iterable[Any]) -> tuple[str, ...]:
    """Return the keys in `rows` that no row has a use for, as a message may show them."""
    found = {key for row in rows if isinstance(row, dict) for key in row}
    return tuple(sorted({quotable_key(key) for key in found - KEYS - {TEXT}}))


@dataclass
class RowSource:
    """The rows of one answer, as a document: `name` says where they came from."""

    name: str
    value: list[Any]

    def place(self, path: Path) -> SourceLocation:
        """Return the source, the number of the row and its tenant; there are no lines."""
        if not path or not isinstance(path[0], int):
            return (self.name, 0)
        index = path[0]
        tenant = tenant_of(self.value[index]) if index < len(self.value) else ""
        return (f"{self.name}, row {index + 1}" + (f" ({tenant})" if is_plain_key(tenant) else ""), 0)

    def index_of(self, place: str) -> int | None:
        """Return the index of the row that `place` names, None when it is of another source."""
        # A mistake holds its place as text, so the row is found again by the text.
        head = printable(f"{self.name}, row ")
        if not place.startswith(head):
            return None
        return int(place[len(head) :].partition(" ")[0]) - 1


def plain(row: Any) -> Any:
    """Return a raw row as one of a file would be.

    Nulls and foreign keys say nothing and are left out; values that fit several types become Flexible.
    """
    if not isinstance(row, dict):
        return row
    made = {key: _spoken(value) for key, value in row.items() if key in KEYS and value is not None}
    options, marked = made.get("options"), row.get(TEXT)
    if isinstance(options, dict) and (marked is True or isinstance(marked, list)):
        made["options"] = {
            key: _flexible(value) if marked is True or key in marked else value
            for key, value in options.items()
        }
    return made


def _spoken(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _spoken(item) for key, item in value.items() if item is not None}
    return [_spoken(item) for item in value] if isinstance(value, list) else value


def _flexible(value: Any) -> Any:
    if isinstance(value, int | float):
        value = written_number(value)
    return Flexible.of(value, value) if isinstance(value, str) else value


def written_number(value: float) -> str:
    """Return a number or a boolean as text, such as true or 1.5."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


_REMEDIES = {
    "sql": {
        "put the value into quotes": "select it as text: CAST(... AS text)",
        "give it a value, or remove the key": "select a value, or NULL to say nothing",
        "write keys with values below it, or remove it": "select a JSON object",
        "write a list: [a, b], or one item per line after a dash": "select an array, or a JSON list",
        "write a whole number without quotes": "select a whole number",
        "write a number without quotes": "select a number",
        "write true or false without quotes": "select a boolean",
    },
    "http": {
        "give it a value, or remove the key": "answer a value, or null to say nothing",
        "write keys with values below it, or remove it": "answer an object",
        "write a list: [a, b], or one item per line after a dash": "answer a list",
    },
}
"""Remedies in the words of a file, and what they are in those of the source, by its kind."""


def remedy_of(kind: str, remedy: str) -> str:
    """Return `remedy`, which speaks of a file, in the words of a source of the kind `kind`."""
    return _REMEDIES.get(kind, {}).get(remedy, remedy)
