"""Makes one part of the file its type, or says everything that is wrong with it."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from exporter.config.document.context import Path
from exporter.config.document.convert import Converter, as_struct, root_type
from exporter.config.document.source import quotable_key
from exporter.config.document.validate import SchemaError, Validator

T = TypeVar("T", bound=msgspec.Struct)


def convert_section(
    converter: Converter,
    raw: Any,
    kind: type[T],
    validator: Validator,
    *,
    instead: dict[str, Any],
    depth: int = 1,
) -> tuple[T | None, bool]:
    """Return `raw` as `kind`, and whether it was without fault.

    Keys with a mistake are told and then left out, or replaced from `instead`, so that the rest can
    be judged in the same load. With `depth` 2 only keys of its parts are left out where that is enough. None
    comes back when not even that helps.
    """
    try:
        return as_struct(converter.coerce(raw, root_type(kind)), kind), True
    except msgspec.ValidationError as error:
        faults = schema_errors(converter, raw, kind, validator, error)
    add_error(converter, faults)
    if not isinstance(raw, dict):
        return None, False
    for length in range(depth, 0, -1):
        rest = instead | _without({fault.path[:length] for fault in faults if fault.path}, raw)
        try:
            return as_struct(converter.coerce(rest, root_type(kind)), kind), False
        except msgspec.ValidationError:
            continue
    return None, False


def _without(paths: set[Path], raw: dict[str, Any]) -> dict[str, Any]:
    """Return `raw` without what stands at `paths`; of lists nothing is left out but the whole."""
    rest = {key: value for key, value in raw.items() if (key,) not in paths and isinstance(key, str)}
    for path in paths:
        part = rest.get(str(path[0]))
        if len(path) > 1 and isinstance(part, dict):
            rest[str(path[0])] = {key: value for key, value in part.items() if key != path[1]}
        elif len(path) > 1:
            rest.pop(str(path[0]), None)
    return rest


def schema_errors(
    converter: Converter, raw: Any, kind: type[Any], validator: Validator, error: Exception
) -> list[SchemaError]:
    """Return everything that is wrong with `raw`; `error` says it where the schema sees nothing."""
    faults = validator.faults(replace(converter, only_checks=True).coerce(raw, root_type(kind)))
    if faults:
        return faults
    text = str(error)
    if "missing required field" in text:
        name, *place = text.split("`")[1::2]
        return [
            SchemaError(
                _path(place[0] if place else "$"),
                f"the key {name} is missing",
                f"add {name}: ... or {name}_file: ...",
            )
        ]
    return [SchemaError((), "the value does not fit", "see the reference of the configuration")]


def _path(written: str) -> Path:
    """Return the path that msgspec writes as `$.a[0].b`; it ends where a key is not written out."""
    path: list[str | int] = []
    for name, index in re.findall(r"\.(\w+)|\[(.*?)\]", written):
        if index and not index.isdigit():
            break
        path.append(int(index) if index else name)
    return tuple(path)


def add_error(converter: Converter, faults: Iterable[SchemaError]) -> None:
    """Add `faults` to the mistakes; those that were told already have no words."""
    for fault in faults:
        if fault.what:
            key = next((str(step) for step in reversed(fault.path) if isinstance(step, str)), "")
            # one letter, or a word such as text, would be found in any sentence
            named = fault.what.startswith("unknown key ") or quotable_key(key) != key
            converter.add_error(fault.path, fault.what if named else f"{key}: {fault.what}", fault.remedy)
