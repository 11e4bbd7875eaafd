"""Reads a YAML file node by node, so that every mistake has its line."""

import difflib
import re
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import TypeVar

import yaml

from exporter.core.errors import ConfigIssue

_QUOTED = re.compile(r"(['\"]).{2,}\1", re.S)

WordT = TypeVar("WordT", bound=StrEnum)


class Nodes:
    """A reader that collects mistakes instead of stopping at the first.

    Values of the wrong type are reported and read as empty, so that the rest is still judged.
    Messages name lines and known keys, and quote nothing that could be a credential in the wrong place.
    """

    def __init__(self, file: str) -> None:
        """Start without mistakes; `file` is how messages name the file."""
        self.file = file
        self.mistakes: list[ConfigIssue] = []

    def root(self, text: str) -> yaml.Node | None:
        """Return the top node of `text`; None when it is empty or unreadable."""
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            # What is quoted may be a credential that begins with a sign of YAML, such as * or !.
            problem = _QUOTED.sub("***", error.problem or "unreadable")
            what = f"this is not YAML: {problem}"
            self.mistakes.append(ConfigIssue(self.file, line, what, "mend the syntax"))
        except (RecursionError, MemoryError):
            self.mistakes.append(ConfigIssue(self.file, 0, "this is nested too deeply", "write it flat"))
        except yaml.YAMLError:
            self.mistakes.append(ConfigIssue(self.file, 0, "this is not YAML", "write it as UTF-8 text"))
        return None

    def add_error(self, node: yaml.Node | None, what: str, remedy: str) -> None:
        """Note a mistake at the line of `node`."""
        line = node.start_mark.line + 1 if node is not None else 0
        self.mistakes.append(ConfigIssue(self.file, line, what, remedy))

    def pairs(self, node: yaml.Node | None, place: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the (key, value) nodes of a mapping by key; a key given twice is a mistake."""
        if node is None or _empty(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.add_error(node, f"{place} must be a mapping", "write `key: value` lines")
            return {}
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if not name:
                self.add_error(key, f"{place} has a key that is no text", "write a plain word")
            elif name in found:
                self.add_error(key, f"{place} has one key twice", "keep one of them")
            elif not _writable(name):
                self.add_error(key, f"{place} has a key with signs that no text has", "write a plain word")
            else:
                found[name] = (key, value)
        return found

    def mapping(self, node: yaml.Node | None, place: str, known: Collection[str]) -> dict[str, yaml.Node]:
        """Return the value nodes of a mapping whose keys must be among `known`."""
        pairs = self.pairs(node, place)
        for name in pairs.keys() - set(known):
            # Quoted only where it is a slip of a known one: else it may be a credential in the wrong place.
            near = difflib.get_close_matches(name, known, 1, 0.75)
            remedy = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(sorted(known))
            what = f" {name!r}" if near else ""
            self.add_error(pairs[name][0], f"{place} has an unknown key{what}", remedy)
        return {name: value for name, (_, value) in pairs.items() if name in known}

    def items(self, node: yaml.Node | None, place: str) -> Iterable[yaml.Node]:
        """Return the nodes of a list."""
        if node is None or _empty(node):
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.add_error(node, f"{place} must be a list", "write one `- value` line for each")
            return ()
        return list(node.value)

    def text(self, node: yaml.Node | None, place: str) -> str:
        """Return a string; "" when it is absent or no string."""
        if node is None or _empty(node):
            return ""
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
            self.add_error(node, f"{place} must be a text", "put it in quotes")
            return ""
        return self._written(node, place)

    def plain(self, node: yaml.Node | None, place: str) -> str:
        """Return a string as it was written, also where it looks like a number or a date."""
        if node is None or _empty(node):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.add_error(node, f"{place} must be a text", "write it in one line")
            return ""
        return self._written(node, place)

    def _written(self, node: yaml.ScalarNode, place: str) -> str:
        value = str(node.value)
        if _writable(value):
            return value
        self.add_error(
            node, f"{place} has signs that no text has", "leave out zero bytes and lone surrogates"
        )
        return ""

    def texts(self, node: yaml.Node | None, place: str) -> tuple[str, ...]:
        """Return a list of strings without the empty ones."""
        return tuple(filter(None, (self.text(item, place) for item in self.items(node, place))))

    def flag(self, node: yaml.Node | None, place: str, default: bool) -> bool:
        """Return a boolean."""
        if node is None or _empty(node):
            return default
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
            self.add_error(node, f"{place} must be true or false", "write true or false")
            return default
        return bool(yaml.SafeLoader.bool_values[node.value.lower()])

    def count(self, node: yaml.Node | None, place: str, default: int) -> int:
        """Return a whole number that is not negative."""
        if node is None or _empty(node):
            return default
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).isdecimal():
            self.add_error(node, f"{place} must be a whole number", "write digits only")
            return default
        return int(node.value)

    def words(self, node: yaml.Node | None, place: str, allowed: type[WordT]) -> frozenset[WordT]:
        """Return a list of words out of `allowed`."""
        found: set[WordT] = set()
        for item in self.items(node, place):
            word = self.text(item, place)
            if word in set(allowed):
                found.add(allowed(word))
            elif word:
                self.add_error(item, f"{place} has an unknown word", "use " + ", ".join(allowed))
        return frozenset(found)


def _writable(text: str) -> bool:
    """Tell whether files, headers and the log can take it: a lone surrogate breaks each of them."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
