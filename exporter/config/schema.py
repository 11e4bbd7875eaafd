"""The JSON Schema of the whole configuration file: its layout completed by what the catalogue offers."""

from typing import Any

from exporter.config import durations
from exporter.config.catalogue import Catalogue
from exporter.config.document.convert import twins
from exporter.config.document.schema import (
    PREFIX,
    JsonSchema,
    components,
    file_schema,
    let_variables,
    name_of,
)
from exporter.config.layout import IntegrationPart, Layout, TenantRow
from exporter.config.layout_alerts import AlertPart
from exporter.config.layout_events import AppMetricPart
from exporter.config.layout_webhooks import WebhookEndpointPart, WebhookSourcePart
from exporter.core.options import tenant_fields
from exporter.core.probe import Probe
from exporter.core.severity import Severity
from exporter.core.signature import Scheme
from exporter.core.threshold import ThresholdFamily

PARTS = (IntegrationPart, TenantRow, AlertPart, AppMetricPart, WebhookSourcePart, WebhookEndpointPart)
"""The elements of lists that are judged one by one."""


def build_schema(catalogue: Catalogue) -> JsonSchema:
    """Return the JSON Schema (draft 2020-12) of the whole file; equal catalogues give equal schemas."""
    layout, definitions = components(Layout)
    for kind in PARTS:
        definitions |= components(kind)[1]
    row, integration = definitions["TenantRow"], definitions["IntegrationPart"]
    definitions["Layout"]["properties"]["integrations"]["items"] = {"$ref": f"{PREFIX}IntegrationPart"}
    definitions["Layout"]["properties"]["alerts"]["items"] = {"$ref": f"{PREFIX}AlertPart"}
    definitions["EventsPart"]["properties"]["metrics"]["items"] = {"$ref": f"{PREFIX}AppMetricPart"}
    definitions["Tenants"]["properties"]["list"]["items"] = {"$ref": f"{PREFIX}TenantRow"}
    definitions["Thresholds"] = _thresholds(catalogue)
    for part in (definitions["Layout"], row, integration):
        part["properties"]["thresholds"] = {"$ref": f"{PREFIX}Thresholds"}
    integration["properties"]["provider"] |= {"enum": sorted(catalogue.probes)}
    # What `options` may hold depends on `provider`: one condition for each.
    integration["allOf"] = [_of_provider(probe, definitions) for _, probe in sorted(catalogue.probes.items())]
    _complete_webhooks(catalogue, definitions)
    return file_schema("integration-exporter configuration", layout, let_variables(definitions))


def _complete_webhooks(catalogue: Catalogue, definitions: dict[str, JsonSchema]) -> None:
    webhooks = definitions["WebhooksPart"]["properties"]
    for key, name in (("sources", "WebhookSourcePart"), ("endpoints", "WebhookEndpointPart")):
        webhooks[key]["items"] = {"$ref": f"{PREFIX}{name}"}
    if not catalogue.schemes:  # an empty list of values is no schema
        return
    source = definitions["WebhookSourcePart"]
    source["properties"]["scheme"] |= {"enum": sorted(catalogue.schemes)}
    source["allOf"] = [_of_scheme(scheme, definitions) for _, scheme in sorted(catalogue.schemes.items())]


def _of_scheme(scheme: Scheme, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return the condition that completes `options` by scheme; its definitions are added."""
    top, parts = components(scheme.options)
    names = {name: f"signatures.{scheme.name}.{name}" for name in parts}
    for name, part in parts.items():
        definitions[names[name]] = _renamed(part, names)
    own = names[name_of(top)]
    then: JsonSchema = {"properties": {"options": {"$ref": f"{PREFIX}{own}"}}}
    if definitions[own].get("required"):
        then["required"] = ["options"]
    return {"if": {"properties": {"scheme": {"const": scheme.name}}, "required": ["scheme"]}, "then": then}


def source_schema(catalogue: Catalogue) -> JsonSchema:
    """Return the schema of one element of `webhooks.sources`, options left open."""
    top, definitions = components(WebhookSourcePart)
    definitions["WebhookSourcePart"]["properties"]["scheme"] |= {"enum": sorted(catalogue.schemes)}
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
    own = definitions[name_of(top)]
    if not required:
        own["required"] = []
    if tenant:
        own["properties"] = _of_tenant(probe, own["properties"])
    return {**top, "$defs": definitions}


def _of_tenant(probe: Probe, properties: JsonSchema) -> JsonSchema:
    allowed = tenant_fields(probe.options)
    names = twins(probe.options)
    return {name: part for name, part in properties.items() if names.get(name, name) in allowed}


def _of_provider(probe: Probe, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return the condition that completes `options` by provider; its definitions are added."""
    top, parts = components(probe.options)
    own = name_of(top)
    names = {name: f"{probe.name}.{'options' if name == own else name}" for name in parts}
    # Two providers may have types of one name: each gets the prefix of its provider.
    for name, part in parts.items():
        definitions[names[name]] = _renamed(part, names)
    full = definitions[names[own]]
    # With tenants an option comes from the integration or from a row: neither has to hold all of them.
    definitions[f"{probe.name}.layer"] = {**full, "required": []}
    definitions[f"{probe.name}.tenant"] = {
        **full,
        "required": [],
        "properties": _of_tenant(probe, full["properties"]),
    }
    rows = {"items": {"properties": {"options": {"$ref": f"{PREFIX}{probe.name}.tenant"}}}}
    alone: JsonSchema = {"properties": {"options": {"$ref": f"{PREFIX}{names[own]}"}}}
    if full.get("required"):
        alone["required"] = ["options"]
    return {
        "if": {"properties": {"provider": {"const": probe.name}}, "required": ["provider"]},
        "then": {
            "if": {"required": ["tenants"]},
            "then": {
                "properties": {
                    "options": {"$ref": f"{PREFIX}{probe.name}.layer"},
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
            made["$ref"] = PREFIX + names[made["$ref"].removeprefix(PREFIX)]
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
