"""Reads a YAML file node by node, so that every mistake has its line."""

import difflib
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import TypeVar

import yaml

from exporter.core.errors import Mistake

Word = TypeVar("Word", bound=StrEnum)


class Nodes:
    """A reader that collects mistakes instead of stopping at the first.

    Values of the wrong type are reported and read as empty, so that the rest is still judged.
    Messages name keys and never show values that could be secrets.
    """

    def __init__(self, file: str) -> None:
        """Start without mistakes; `file` is how messages name the file."""
        self.file = file
        self.mistakes: list[Mistake] = []

    def root(self, text: str) -> yaml.Node | None:
        """Return the top node of `text`; None when it is empty or unreadable."""
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            what = f"this is not YAML: {error.problem or 'unreadable'}"
            self.mistakes.append(Mistake(self.file, line, what, "mend the syntax"))
        except RecursionError:
            self.mistakes.append(Mistake(self.file, 0, "this is nested too deeply", "write it flat"))
        except yaml.YAMLError:
            self.mistakes.append(Mistake(self.file, 0, "this is not YAML", "write it as UTF-8 text"))
        return None

    def blame(self, node: yaml.Node | None, what: str, remedy: str) -> None:
        """Note a mistake at the line of `node`."""
        line = node.start_mark.line + 1 if node is not None else 0
        self.mistakes.append(Mistake(self.file, line, what, remedy))

    def pairs(self, node: yaml.Node | None, place: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the (key, value) nodes of a mapping by key; a key given twice is a mistake."""
        if node is None or _empty(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.blame(node, f"{place} must be a mapping", "write `key: value` lines")
            return {}
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if not name:
                self.blame(key, f"{place} has a key that is no text", "write a plain word")
            elif name in found:
                self.blame(key, f"{place} has the key {name!r} twice", "keep one of them")
            else:
                found[name] = (key, value)
        return found

    def mapping(self, node: yaml.Node | None, place: str, known: Collection[str]) -> dict[str, yaml.Node]:
        """Return the value nodes of a mapping whose keys must be among `known`."""
        pairs = self.pairs(node, place)
        for name in pairs.keys() - set(known):
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(sorted(known))
            self.blame(pairs[name][0], f"{place} has an unknown key {name!r}", remedy)
        return {name: value for name, (_, value) in pairs.items() if name in known}

    def items(self, node: yaml.Node | None, place: str) -> Iterable[yaml.Node]:
        """Return the nodes of a list."""
        if node is None or _empty(node):
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.blame(node, f"{place} must be a list", "write one `- value` line for each")
            return ()
        return list(node.value)

    def text(self, node: yaml.Node | None, place: str) -> str:
        """Return a string; "" when it is absent or no string."""
        if node is None or _empty(node):
            return ""
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
            self.blame(node, f"{place} must be a text", "put it in quotes")
            return ""
        return str(node.value)

    def texts(self, node: yaml.Node | None, place: str) -> tuple[str, ...]:
        """Return a list of strings without the empty ones."""
        return tuple(filter(None, (self.text(item, place) for item in self.items(node, place))))

    def flag(self, node: yaml.Node | None, place: str, default: bool) -> bool:
        """Return a boolean."""
        if node is None or _empty(node):
            return default
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
            self.blame(node, f"{place} must be true or false", "write true or false")
            return default
        return bool(yaml.SafeLoader.bool_values[node.value.lower()])

    def count(self, node: yaml.Node | None, place: str, default: int) -> int:
        """Return a whole number that is not negative."""
        if node is None or _empty(node):
            return default
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).isdecimal():
            self.blame(node, f"{place} must be a whole number", "write digits only")
            return default
        return int(node.value)

    def words(self, node: yaml.Node | None, place: str, allowed: type[Word]) -> frozenset[Word]:
        """Return a list of words out of `allowed`."""
        found: set[Word] = set()
        for item in self.items(node, place):
            word = self.text(item, place)
            if word in set(allowed):
                found.add(allowed(word))
            elif word:
                self.blame(item, f"{place} has an unknown word {word!r}", "use " + ", ".join(allowed))
        return frozenset(found)


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
