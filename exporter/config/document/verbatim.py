"""Reads YAML that other programs read too: no variables, nothing quoted, each scalar as its key wants it."""

from typing import Any

from yaml import Node, ScalarNode

from exporter.config.document.source import (
    PLAIN,
    QUOTED,
    TAG,
    AddError,
    Refused,
    Tree,
    YamlSource,
    compose,
    line_of,
)
from exporter.config.document.values import Expander, Missing, Verbatim, scalar


def read_verbatim(text: str, file: str, add_error: AddError) -> YamlSource | None:
    """Return the document in `text`, a mapping where it is empty; mistakes go to `add_error`.

    None comes back when nothing can be read.
    """
    try:
        root = compose(text)
        value = _VerbatimTree(file, Expander({}), add_error).value(root) if root else None
        return YamlSource(file, {} if value is None else value, root)
    except Refused as error:
        add_error((file, error.line), error.what, error.remedy)
        return None


class _VerbatimTree(Tree):
    """Takes every key as text, as Go's readers do, and lets the type of a key decide what a scalar means."""

    def title(self, key: str) -> str:  # noqa: ARG002 -- no key is quoted here
        return "a key"

    def key(self, node: Node) -> str | None:
        key = node.value if isinstance(node, ScalarNode) else ""
        if key and "\0" not in key:
            return str(key)
        self.add_error((self.file, line_of(node)), "a key is not text", "write a plain word")
        return None

    def scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        if "\0" in text:
            self.add_error((self.file, line_of(node)), "a value holds a zero byte", "leave it out")
            return Missing.of("", "")
        if node.tag not in (PLAIN, QUOTED) and not node.tag.startswith(TAG):
            return self.odd_tag(node)
        meaning = text if node.tag in (QUOTED, f"{TAG}str") else scalar(text)
        if meaning is None:
            return None
        value = Verbatim.of(text, text)
        value.meaning = meaning
        return value
