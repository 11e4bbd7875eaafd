"""What an assertion found instead: only for the log of a probe that an administrator asks for.

A body may hold personal data, and names of credentials that we do not know. So values are short, lists and
objects are described by their size, and what is named like a credential is redacted.
"""

import json
from collections.abc import Iterator
from typing import Any

from exporter.config.document.credentials import SECRET_NAME
from exporter.core.secret import REDACTED
from exporter.probes.http.expect import expression, find

MOST = 5
"""Values of one expression at most."""

LONGEST = 80
"""Characters of one value at most."""

_PATHS = ("field", "subexpression", "index_expression")


def values(text: str, document: Any) -> list[str]:
    """Return a sentence for each field that the expression `text` reads, such as `status is "down"`."""
    found: dict[str, str] = {}
    for node in _paths(expression(text).parsed):
        name = _name(node)
        if len(found) < MOST and name not in found:
            value = find(node, document)
            found[name] = REDACTED if SECRET_NAME.search(name) else summarize(value)
    return [f"{name} is {value}" for name, value in found.items()]


def summarize(value: Any) -> str:
    """Return `value` in short."""
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    # ASCII, so that control and direction characters of a body do not reach a terminal.
    text = "not there" if value is None else json.dumps(value, ensure_ascii=True)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _paths(node: Any) -> Iterator[Any]:
    """Yield the outermost paths into the document; what filters and projections read inside stays apart."""
    if node["type"] in _PATHS:
        if _name(node):
            yield node
        return
    # The right side of a projection is relative to each element: it is not a path into the document.
    for child in node["children"][:1] if "projection" in node["type"] else node["children"]:
        if isinstance(child, dict):
            yield from _paths(child)


def _name(node: Any) -> str:
    """Return the path as it is written, "" where it is more than fields and numbers."""
    if node["type"] == "field":
        return str(node["value"])
    if node["type"] == "index":
        return f"[{node['value']}]"
    if node["type"] not in _PATHS:
        return ""
    parts = [_name(child) for child in node["children"]]
    return "" if not all(parts) else ".".join(parts).replace(".[", "[")
