"""A YAML or JSON text as plain values, each of which still knows its line."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml._yaml import CParser

from exporter.config.document.context import Path, SourceLocation
from exporter.config.document.values import Expander, Missing, scalar
from exporter.core.quoting import is_plain_key

MAX_DEPTH = 60
MAX_NODES = 2_000_000
"""Bounds of a document after its aliases are followed: an alias bomb is refused, 10,000 tenants are not."""

PLAIN, QUOTED, _COLLECTION = "plain", "quoted", "collection"
TAG = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}

_QUOTED_WORD = re.compile(r"[\"'](?=\w)|\"")
"""Where words begin that may be of the text; the parser's own signs in quotes are none."""

AddError = Callable[[SourceLocation, str, str], None]


class Source(Protocol):
    """Where a document came from: gives the place of each of its values."""

    value: Any

    def place(self, path: Path) -> SourceLocation:
        """Return the place of the value at `path`, or of the nearest one above it."""


class Refused(Exception):
    """The document as a whole cannot be read."""

    def __init__(self, what: str, remedy: str, line: int = 0) -> None:
        """Keep what is wrong, what to do, and the line, 0 where there is none."""
        super().__init__(what)
        self.what, self.remedy, self.line = what, remedy, line


class _Parser(CParser):
    """libyaml's parser: leaves the meaning of plain text to us and bounds the depth.

    Without the bound, deeply nested text overflows the stack of the process.
    """

    depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 -- libyaml's signature
        if kind is not ScalarNode:
            return _COLLECTION
        return PLAIN if implicit[0] else QUOTED

    def descend_resolver(self, parent: Any, index: Any) -> None:  # noqa: ARG002 -- libyaml's signature
        self.depth += 1
        if self.depth > MAX_DEPTH:
            line = parent.start_mark.line + 1 if parent is not None else 1
            raise Refused(f"nested deeper than {MAX_DEPTH} levels", "flatten the document", line)

    def ascend_resolver(self) -> None:
        self.depth -= 1


@dataclass
class YamlSource:
    """A document read from YAML."""

    file: str
    value: Any
    root: Node | None

    def place(self, path: Path) -> SourceLocation:
        """Return file and line of the key or item at `path`, or of the nearest one above it."""
        node, line = self.root, self.root.start_mark.line + 1 if self.root else 1
        for step in path:
            found = _step(node, step)
            if not found:
                break
            line, node = found
        return (self.file, line)


@dataclass
class JsonSource:
    """A document read from JSON; it is composed as YAML only when a line is asked for."""

    file: str
    value: Any
    text: str

    def place(self, path: Path) -> SourceLocation:
        """Return file and line of the key or item at `path`, or of the nearest one above it."""
        return YamlSource(self.file, None, self._root).place(path)

    @cached_property
    def _root(self) -> Node | None:
        try:
            # tabs can only be white space in JSON, and YAML refuses some of them
            return compose(self.text.replace("\t", " "))
        except Refused:
            return None


def read_yaml(text: str, file: str, expander: Expander, add_error: AddError) -> YamlSource | None:
    """Return the document in `text`; mistakes go to `add_error`, and None when nothing can be read."""
    try:
        root = compose(text)
        if root is None:
            raise Refused("the file is empty", "write at least one key", 1)
        return YamlSource(file, Tree(file, expander, add_error).value(root), root)
    except Refused as error:
        add_error((file, error.line), error.what, error.remedy)
        return None


def read_json(text: str, file: str, expander: Expander, add_error: AddError) -> JsonSource | None:
    """Return the JSON document in `text`; mistakes go to `add_error`, and then None may come back."""
    doubles: list[str] = []

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            doubles.extend(key for key, _ in pairs)
        return made

    try:
        value = json.loads(text, object_pairs_hook=mapping, parse_constant=_no_constant)
        # json.loads accepts lone surrogates such as \ud800, which cannot be encoded as UTF-8.
        text_check = json.dumps(value, ensure_ascii=False) if "\\u" in text else ""
        text_check.encode()
    except json.JSONDecodeError as error:
        add_error((file, error.lineno), f"unreadable JSON: {error.msg}", "fix the JSON there")
        return None
    except (ValueError, RecursionError):
        add_error(
            (file, 1),
            "unreadable JSON: absurd numbers, depth or characters",
            "write plain numbers and valid text",
        )
        return None
    source = JsonSource(file, value, text)
    if doubles or "${" in text:
        # the slow reader finds the line of each double key and of each reference
        slow = read_yaml(text.replace("\t", " "), file, expander, add_error)
        source.value = slow.value if slow else value
    return source


def _no_constant(name: str) -> float:
    raise ValueError(name)


def compose(text: str) -> Node | None:
    """Return the top node of `text`, None when it is empty; raises Refused."""
    try:
        # the stubs do not know the constructor that the C class has
        node: Node | None = _Parser(text).get_single_node()
        return node
    except yaml.YAMLError as error:
        raise _refusal(error, text) from None


def _refusal(error: yaml.YAMLError, text: str) -> Refused:
    """Word an error of the parser without quoting the text: it may hold a credential."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        position = getattr(error, "position", 0) or 0
        line = text.encode(errors="replace").count(b"\n", 0, position) + 1
        return Refused(
            "unreadable YAML: a control character", "remove it, or write it as \\x.. in quotes", line
        )
    problem = _QUOTED_WORD.split(str(getattr(error, "problem", "") or "it ends too early"))[0].strip()
    line = mark.line + 1
    lines = text.split("\n")
    row = lines[mark.line] if mark.line < len(lines) else ""
    if row[: len(row) - len(row.lstrip())].count("\t"):
        return Refused("unreadable YAML: a tab in the indentation", "indent with spaces", line)
    if "${" in row and "find expected" in problem:
        return Refused(
            f"unreadable YAML: {problem}", "put ${...} into quotes between braces or brackets", line
        )
    return Refused(f"unreadable YAML: {problem}", _yaml_remedy(problem), line)


def _yaml_remedy(problem: str) -> str:
    hints = {
        "mapping values": "indent the line as its neighbours, or quote a value that contains a colon",
        "cannot start any token": "put the value into quotes",
        "quoted scalar": "close the quotes",
        "end of stream": "close the quotes or brackets that are open",
        "another document": "keep one document in the file: remove the line ---",
        "undefined alias": "quote a value that begins with *, or define the anchor before it",
        "find expected": "check colons, commas, brackets and indentation from there upwards",
    }
    return next((hint for sign, hint in hints.items() if sign in problem), "fix the YAML there")


class Tree:
    """Turns nodes into plain values. Aliased parts are built once and shared, but counted each time."""

    def __init__(self, file: str, expander: Expander, add_error: AddError) -> None:
        """Begin with the file's name, as messages show it."""
        self.file = file
        self.expander = expander
        self.add_error = add_error
        self.count = 0
        self.done: dict[int, tuple[Any, int]] = {}

    def value(self, node: Node) -> Any:
        """Return what `node` means; raises Refused when it is too large or contains itself."""
        self.count += 1
        if self.count > MAX_NODES:
            raise Refused("the document is too large once its aliases are followed", "use fewer aliases", 1)
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        known = self.done.get(id(node))
        if known is None:
            return self._collection(node)
        if known[1] < 0:
            raise Refused("an alias contains itself", "remove the alias", line_of(node))
        self.count += known[1]
        return known[0]

    def _collection(self, node: Node) -> Any:
        start = self.count
        # A negative count marks a node that is still open: an alias to it contains itself.
        self.done[id(node)] = (None, -1)
        if not node.tag.startswith((_COLLECTION, f"{TAG}map", f"{TAG}seq")):
            self.odd_tag(node)
        made: Any = (
            [self.value(item) for item in node.value]
            if isinstance(node, SequenceNode)
            else self._mapping(node)
        )
        self.done[id(node)] = (made, self.count - start)
        return made

    def _mapping(self, node: Node) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merges = []
        for key_node, value_node in node.value:
            # In quotes it is a key like any other.
            if key_node.tag == PLAIN and key_node.value == "<<":
                merges.append(value_node)
                continue
            key = self.key(key_node)
            if key is None:
                continue
            if key in made:
                self.add_error(
                    (self.file, line_of(key_node)),
                    f"{self.title(key)} is given twice",
                    "remove one of them",
                )
                continue
            made[key] = self.value(value_node)
        # After the mapping's own keys, which override merged ones wherever `<<` is written.
        for merge in merges:
            for part in self._merged(merge):
                made.update({key: value for key, value in part.items() if key not in made})
        return made

    def _merged(self, node: Node) -> list[dict[str, Any]]:
        value = self.value(node)
        parts = value if isinstance(value, list) else [value]
        if all(isinstance(part, dict) for part in parts):
            return parts
        self.add_error(
            (self.file, line_of(node)),
            "<< takes a mapping, or a list of mappings",
            "name an anchor of a mapping",
        )
        return []

    def title(self, key: str) -> str:
        """Return how messages name `key`; one that looks like no key may be a slipped value."""
        return f"the key {quotable_key(key)}"

    def key(self, node: Node) -> str | None:
        """Return the key in `node`; None after a mistake."""
        key = node.value if isinstance(node, ScalarNode) else None
        if key is not None and node.tag == PLAIN and not isinstance(scalar(key), str):
            key = None
        if key is None:
            self.add_error(
                (self.file, line_of(node)), "a key is not text", "put the key into quotes, or remove it"
            )
        return key

    def scalar(self, node: ScalarNode) -> Any:
        """Return what the text in `node` means."""
        text: str = node.value
        if "$" in text:
            return self._expanded(node, text)
        if node.tag == PLAIN:
            return scalar(text)
        if node.tag in (QUOTED, f"{TAG}str"):
            return text
        wanted = _TYPES.get(node.tag.removeprefix(TAG))
        value = scalar(text)
        if wanted and isinstance(value, wanted) and not (isinstance(value, bool) and bool not in wanted):
            return value
        return self.odd_tag(node)

    def _expanded(self, node: ScalarNode, text: str) -> str:
        value = self.expander.expand(text)
        for problem in self.expander.problems:
            self.add_error((self.file, line_of(node)), problem.what, problem.remedy)
        self.expander.problems.clear()
        return value

    def odd_tag(self, node: Node) -> Missing:
        """Add the mistake of a tag that is not supported."""
        # the tag is not quoted: an unquoted password may begin with !
        self.add_error(
            (self.file, line_of(node)),
            "a YAML tag is not supported here",
            "remove it, or quote a value that begins with !",
        )
        return Missing.of("", "")


def quotable_key(key: str) -> str:
    """Return a key as messages may quote it: a key that looks like no key may be a slipped value."""
    return key if is_plain_key(key) else "that is no plain word"


def line_of(node: Node) -> int:
    """Return the line of `node`, counted from 1."""
    return int(node.start_mark.line) + 1


def _step(node: Node | None, step: str | int) -> tuple[int, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return line_of(node.value[step]), node.value[step]
    if not isinstance(node, MappingNode):
        return None
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value == step:
            return line_of(key), value
    return _step_merged(node, step)


def _step_merged(node: MappingNode, step: str | int) -> tuple[int, Node] | None:
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value == "<<":
            parts = value.value if isinstance(value, SequenceNode) else [value]
            found = next(filter(None, (_step(part, step) for part in parts)), None)
            if found:
                return found
    return None
