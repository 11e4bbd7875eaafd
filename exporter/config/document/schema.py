"""The JSON Schema of the configuration file, made from the types: for editors, and to find every mistake."""

import copy
from typing import Any

import msgspec

from exporter.config import durations
from exporter.config.catalogue import Catalogue
from exporter.config.document.convert import TWIN, twins
from exporter.config.layout import IntegrationPart, Layout, TenantRow
from exporter.core.options import tenant_fields
from exporter.core.probe import Probe
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

JsonSchema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PREFIX = "#/$defs/"
_VARIABLE = {"$ref": f"{_PREFIX}Variable"}
_SCALARS = ("integer", "number", "boolean")


def build_schema(catalogue: Catalogue) -> JsonSchema:
    """Return the JSON Schema (draft 2020-12) of the whole file; equal catalogues give equal schemas."""
    layout, definitions = components(Layout)
    for kind in (IntegrationPart, TenantRow):
        definitions |= components(kind)[1]
    row, integration = definitions["TenantRow"], definitions["IntegrationPart"]
    definitions["Layout"]["properties"]["integrations"]["items"] = {"$ref": f"{_PREFIX}IntegrationPart"}
    definitions["Tenants"]["properties"]["list"]["items"] = {"$ref": f"{_PREFIX}TenantRow"}
    definitions["Thresholds"] = _thresholds(catalogue)
    for part in (definitions["Layout"], row, integration):
        part["properties"]["thresholds"] = {"$ref": f"{_PREFIX}Thresholds"}
    integration["properties"]["provider"] |= {"enum": sorted(catalogue.probes)}
    integration["allOf"] = [_of_provider(probe, definitions) for _, probe in sorted(catalogue.probes.items())]
    definitions = {name: _with_variables(part) for name, part in definitions.items()}
    definitions["Variable"] = {
        "description": "A value from the environment: ${NAME} or ${NAME:-default}.",
        "type": "string",
        "pattern": r"\$\{",
    }
    return {
        "$schema": DIALECT,
        "title": "integration-exporter configuration",
        **layout,
        "$defs": dict(sorted(definitions.items())),
    }


def part_schema(kind: type[msgspec.Struct]) -> JsonSchema:
    """Return the schema of a part of the file; what is judged by itself is left open."""
    top, definitions = components(kind)
    return {**top, "$defs": definitions}


def integration_schema(catalogue: Catalogue) -> JsonSchema:
    """Return the schema of one element of `integrations`, options and thresholds left open."""
    top, definitions = components(IntegrationPart)
    definitions["IntegrationPart"]["properties"]["provider"] |= {"enum": sorted(catalogue.probes)}
    return {**top, "$defs": definitions}


def options_schema(probe: Probe, *, required: bool, tenant: bool = False) -> JsonSchema:
    """Return the schema of a provider's options.

    Without `required` nothing must be there, because another layer may bring it. With `tenant` only
    the options of a tenant's row are known.
    """
    top, definitions = components(probe.options)
    own = definitions[_name_of(top)]
    if not required:
        own["required"] = []
    if tenant:
        own["properties"] = _of_tenant(probe, own["properties"])
    return {**top, "$defs": definitions}


def components(kind: type[msgspec.Struct]) -> tuple[JsonSchema, dict[str, JsonSchema]]:
    """Return the reference to the schema of `kind`, and all definitions by name, with `*_file` twins."""
    (top,), definitions = msgspec.json.schema_components(
        (kind,), schema_hook=_secret_schema, ref_template=_PREFIX + "{name}"
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
    if "required" in definition:
        # either twin will do; a secret that is missing altogether is found when the options are made
        definition["required"] = [name for name in definition["required"] if name not in secret]


def holds_secret(part: JsonSchema) -> bool:
    """Tell whether the property `part` is a credential."""
    return bool(part.get("x-secret")) or any(one.get("x-secret") for one in part.get("anyOf", ()))


def _of_tenant(probe: Probe, properties: JsonSchema) -> JsonSchema:
    allowed = tenant_fields(probe.options)
    names = twins(probe.options)
    return {name: part for name, part in properties.items() if names.get(name, name) in allowed}


def _name_of(reference: JsonSchema) -> str:
    return str(reference["$ref"]).removeprefix(_PREFIX)


def _of_provider(probe: Probe, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return the condition that completes `options` by provider; its definitions are added."""
    top, parts = components(probe.options)
    own = _name_of(top)
    names = {name: f"{probe.name}.{'options' if name == own else name}" for name in parts}
    for name, part in parts.items():
        definitions[names[name]] = _renamed(part, names)
    full = definitions[names[own]]
    definitions[f"{probe.name}.layer"] = {**full, "required": []}
    definitions[f"{probe.name}.tenant"] = {
        **full,
        "required": [],
        "properties": _of_tenant(probe, full["properties"]),
    }
    rows = {"items": {"properties": {"options": {"$ref": f"{_PREFIX}{probe.name}.tenant"}}}}
    alone: JsonSchema = {"properties": {"options": {"$ref": f"{_PREFIX}{names[own]}"}}}
    if full.get("required"):
        alone["required"] = ["options"]
    return {
        "if": {"properties": {"provider": {"const": probe.name}}, "required": ["provider"]},
        "then": {
            "if": {"required": ["tenants"]},
            "then": {
                "properties": {
                    "options": {"$ref": f"{_PREFIX}{probe.name}.layer"},
                    "tenants": {"properties": {"list": rows}},
                }
            },
            "else": alone,
        },
    }


def _renamed(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, dict):
        made = {key: _renamed(value, names) for key, value in part.items()}
        if isinstance(made.get("$ref"), str):
            made["$ref"] = _PREFIX + names[made["$ref"].removeprefix(_PREFIX)]
        return made
    return [_renamed(item, names) for item in part] if isinstance(part, list) else part


def _thresholds(catalogue: Catalogue) -> JsonSchema:
    return {
        "type": "object",
        "description": "Thresholds by family and severity.",
        "additionalProperties": False,
        "properties": {name: family_schema(family) for name, family in sorted(catalogue.families.items())},
    }


def family_schema(family: ThresholdFamily) -> JsonSchema:
    """Return the schema of the steps of one family of thresholds."""
    number: JsonSchema = {"type": "number", "minimum": family.minimum}
    if family.maximum is not None:
        number["maximum"] = family.maximum
    step: JsonSchema = number
    if family.unit == "seconds":
        step = {"anyOf": [number, {"type": "string", "pattern": durations.PATTERN}]}
    return {
        "type": "object",
        "description": family.help,
        "additionalProperties": False,
        "properties": {
            str(severity): {**step, "default": family.steps[severity]}
            for severity in Severity
            if severity in family.steps
        },
    }


def _with_variables(part: Any) -> Any:
    """Let `${NAME}` stand wherever a number, a boolean or a bounded text stands."""
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
