"""JSON Schemas made from types: for editors, and to find every mistake."""

import copy
from typing import Any

import msgspec

from exporter.config.document.convert import TWIN
from exporter.core.secret import Secret
from exporter.core.severity import Severity

JsonSchema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PREFIX = "#/$defs/"
_VARIABLE = {"$ref": f"{PREFIX}Variable"}
_SCALARS = ("integer", "number", "boolean")


def file_schema(title: str, top: JsonSchema, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return the schema (draft 2020-12) of a whole file; equal types give equal schemas."""
    return {"$schema": DIALECT, "title": title, **top, "$defs": dict(sorted(definitions.items()))}


def part_schema(kind: type[msgspec.Struct]) -> JsonSchema:
    """Return the schema of a part of the file; what is judged by itself is left open."""
    top, definitions = components(kind)
    return {**top, "$defs": definitions}


def components(kind: type[msgspec.Struct]) -> tuple[JsonSchema, dict[str, JsonSchema]]:
    """Return the reference to the schema of `kind`, and all definitions by name, with `*_file` twins."""
    (top,), definitions = msgspec.json.schema_components(
        (kind,), schema_hook=_secret_schema, ref_template=PREFIX + "{name}"
    )
    definitions = copy.deepcopy(definitions)
    for definition in definitions.values():
        _add_twins(definition)
    if "Severity" in definitions:  # msgspec sorts them as words
        definitions["Severity"]["enum"] = [str(severity) for severity in Severity]
    return dict(top), definitions


def _secret_schema(kind: type[Any]) -> JsonSchema:
    if kind is Secret:
        return {"type": "string", "writeOnly": True, "x-secret": True}
    raise NotImplementedError(f"the options hold a {kind.__name__}, for which there is no schema")


def _add_twins(definition: JsonSchema) -> None:
    properties = definition.get("properties", {})
    secret = [name for name, part in properties.items() if holds_secret(part) or part.pop("x-twin", False)]
    for name in secret:
        properties.setdefault(
            f"{name}{TWIN}", {"type": "string", "description": f"File that holds `{name}`."}
        )
    for name in [name for name, part in properties.items() if holds_secret(part.get("items") or {})]:
        properties.setdefault(
            f"{name}{TWIN}s",
            {
                "type": "array",
                "items": {"type": "string"},
                "description": f"Files that hold `{name}`, one in each.",
            },
        )
    if "required" in definition:
        # either twin will do; a secret that is missing altogether is found when the options are made
        definition["required"] = [name for name in definition["required"] if name not in secret]


def holds_secret(part: JsonSchema) -> bool:
    """Return whether the property `part` is a credential."""
    return bool(part.get("x-secret")) or any(one.get("x-secret") for one in part.get("anyOf", ()))


def name_of(reference: JsonSchema) -> str:
    """Return the name of the definition that `reference` leads to."""
    return str(reference["$ref"]).removeprefix(PREFIX)


def let_variables(definitions: dict[str, JsonSchema]) -> dict[str, JsonSchema]:
    """Return `definitions` with `${NAME}` allowed wherever the reader puts variables in."""
    made = {name: _with_variables(part) for name, part in definitions.items()}
    made["Variable"] = {
        "description": "A value from the environment: ${NAME} or ${NAME:-default}.",
        "type": "string",
        "pattern": r"\$\{",
    }
    return made


def _with_variables(part: Any) -> Any:
    """Allow `${NAME}` wherever a number, a boolean or a bounded text is allowed."""
    if isinstance(part, list):
        return [_with_variables(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _inner(key, value) for key, value in part.items()}
    bounded = part.get("type") == "string" and ({"pattern", "enum", "minLength"} & part.keys())
    if not bounded and part.get("type") not in _SCALARS:
        return made
    kept = {key: made.pop(key) for key in ("description", "default", "title") if key in made}
    return {**kept, "anyOf": [made, _VARIABLE]}


def _inner(key: str, value: Any) -> Any:
    if key == "properties":  # its keys are names of options, not words of the schema
        return {name: _with_variables(part) for name, part in value.items()}
    return value if key in ("default", "if", "enum") else _with_variables(value)
