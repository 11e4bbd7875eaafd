"""Reference tables of configuration keys, read from the JSON Schema that the types give."""

import json
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from typing import Any

import msgspec

from exporter.config.document.schema import JsonSchema, components
from exporter.generate.document import table

_REFERENCE = "#/$defs/"


def sections(kinds: Iterable[type[msgspec.Struct]], heading: str, *, linked: bool = False) -> list[str]:
    """Return Markdown sections for the keys of `kinds` and of every part below them, each part once.

    The first kind has no heading of its own. With `linked` the names of parts lead to their sections, which
    asks that the page has no other ones of these names.
    """
    found: dict[str, str] = {}
    for kind in kinds:
        top, definitions = components(kind)
        for name in _reachable(_target(top), definitions):
            title = f"{heading} {name}" if found else ""
            found.setdefault(name, _section(title, definitions[name], linked=linked))
    return list(found.values())


def _section(title: str, part: JsonSchema, *, linked: bool) -> str:
    required = set(part.get("required", ()))
    rows = [
        (
            f"`{key}`",
            _kind(value, linked=linked),
            _default(key, value, required),
            value.get("description", ""),
        )
        for key, value in part.get("properties", {}).items()
    ]
    body = table(("Key", "Type", "Default", "Meaning"), rows) if rows else _kind(part, linked=linked)
    return "\n\n".join(filter(None, (title, cleandoc(part.get("description", "")), body)))


def _reachable(name: str, definitions: dict[str, JsonSchema]) -> Iterator[str]:
    yield name
    for found in _references(definitions[name]):
        # A part that holds itself would recurse for ever.
        if found != name:
            yield from _reachable(found, definitions)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if target := _target(part):
            yield target
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _target(part: JsonSchema) -> str:
    reference = part.get("$ref", "")
    return reference.removeprefix(_REFERENCE) if isinstance(reference, str) else ""


def _kind(part: JsonSchema, *, linked: bool) -> str:
    """Return the type of a key in words, such as `string or null` or `list of Team`."""
    if target := _target(part):
        return f"[{target}](#{target.lower()})" if linked else target
    if part.get("x-secret"):
        return "secret"
    # None is among the values where a key may be empty; its default says so.
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"] if value is not None)
    for key in ("anyOf", "oneOf"):
        if key in part:
            kinds = [_kind(one, linked=linked) for one in part[key] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if part.get("type") == "array":
        return f"list of {_kind(part.get('items') or {}, linked=linked)}"
    kind = part.get("type", "any value")
    return {"object": "mapping"}.get(kind, kind) if isinstance(kind, str) else " or ".join(kind)


def _default(key: str, part: JsonSchema, required: set[str]) -> str:
    if key in required:
        return "required"
    default = part.get("default")
    plain = default not in (None, "", []) and not isinstance(default, dict)  # a part has a table of its own
    return f"`{json.dumps(default)}`" if plain else ""
