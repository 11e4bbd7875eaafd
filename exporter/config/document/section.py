"""Makes one part of the file its type, or says everything that is wrong with it."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from exporter.config.document.context import Path
from exporter.config.document.convert import Converter, as_struct, root_type
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

    Keys with a mistake are reported and then left out, or replaced from `instead`, so that the rest can
    be judged in the same load. With `depth` 2 only keys of its parts are left out where that is enough. None
    comes back when not even that helps.
    """
    try:
        return as_struct(converter.coerce(raw, root_type(kind)), kind), True
    except msgspec.ValidationError as error:
        # msgspec stops at the first mistake; the schema finds all of them.
        faults = schema_errors(converter, raw, kind, validator, error)
    add_error(converter, faults)
    if not isinstance(raw, dict):
        return None, False
    # Longest paths first: a wrong value costs its own key before it costs the whole part.
    for length in range(depth, 0, -1):
        rest = instead | _without({fault.path[:length] for fault in faults if fault.path}, raw)
        try:
            return as_struct(converter.coerce(rest, root_type(kind)), kind), False
        except msgspec.ValidationError:
            continue
    return None, False


def _without(paths: set[Path], raw: dict[str, Any]) -> dict[str, Any]:
    """Return `raw` without the keys at `paths`; of a list nothing is left out but the whole."""
    rest: Any = {key: value for key, value in raw.items() if isinstance(key, str)}
    for path in paths:
        while path and not isinstance(path[-1], str):
            path = path[:-1]
        rest = _cut(rest, path) if path else rest
    return dict(rest)


def _cut(value: Any, path: Path) -> Any:
    step, below = path[0], path[1:]
    if isinstance(value, dict):
        if not below:
            return {key: item for key, item in value.items() if key != step}
        return {key: _cut(item, below) if key == step else item for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, below) if index == step else item for index, item in enumerate(value)]
    return value


def schema_errors(
    converter: Converter, raw: Any, kind: type[Any], validator: Validator, error: Exception
) -> list[SchemaError]:
    """Return everything that is wrong with `raw`; `error` says it where the schema sees nothing."""
    faults = validator.faults(replace(converter, only_checks=True).coerce(raw, root_type(kind)))
    if faults:
        return faults
    text = str(error)
    # The schema does not require a secret, because its `*_file` twin will do; msgspec does.
    if "missing required field" in text:
        name, *place = text.split("`")[1::2]
        return [
            SchemaError(
                _path(place[0] if place else "$"),
                f"the key {name} is missing",
                f"add {name}: ... or {name}_file: ...",
            )
        ]
    if converter.incomplete:
        return []
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
    """Add `faults` to the mistakes; those that were reported already have no words."""
    for fault in faults:
        if fault.what:
            title = converter.title(fault.path)
            if converter.words is None and fault.what.startswith("unknown key "):
                title = ""  # it names the key itself
            what = f"{title}: {fault.what}" if title else fault.what
            converter.add_error(fault.path, what, fault.remedy)
