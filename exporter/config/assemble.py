"""Puts one configuration together from a document, or says everything that is wrong with it."""

from typing import Any

from exporter.config.document.convert import Converter
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.source import Source
from exporter.config.document.validate import Validator
from exporter.config.draft import Draft
from exporter.config.layout import Layout
from exporter.config.load_context import LoadContext
from exporter.config.public import check_public_credentials
from exporter.config.redacted import redact_configuration, yaml_text
from exporter.config.redactor import Redactor
from exporter.config.sections import sections
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.webhook import Webhooks

SWITCHES = (
    "MONITORING_ENABLED",
    "ENTERPRISE_MONITORING_ENABLED",
    "RATE_LIMITING_ENABLED",
    "AUDIT_LOGGING_ENABLED",
    "WEBHOOK_MONITORING_ENABLED",
)
"""Environment variables that turn a part off; each is on unless it says otherwise."""

_ON = frozenset({"true", "1", "yes", "on"})
_OFF = frozenset({"false", "0", "no", "off"})


def assemble(context: LoadContext, source: Source, path: str | None, text: str | None) -> Configuration:
    """Return the configuration in `source`; ConfigError with every mistake otherwise."""
    if not isinstance(source.value, dict):
        context.add_error(
            source.place(()), "the top of the file is no mapping", "write keys such as integrations:"
        )
        raise failure(context)
    switched_off = _switched_off(context)
    draft = Draft(context, source, _layout(context, source))
    fields: dict[str, Any] = {}
    for key, section in sections().items():
        draft.values[key] = section.read(draft, getattr(draft.layout, key))
        fields |= section.fields(draft.values[key])
    # After all sections: a label may hold a credential that a later section reads.
    check_public_credentials(context)
    if context.mistakes:
        raise failure(context)
    # Only now: the file of an exporter that is switched off still has its mistakes reported.
    if "MONITORING_ENABLED" in switched_off:
        fields |= {"targets": {}, "feeds": ()}
    if "WEBHOOK_MONITORING_ENABLED" in switched_off:
        fields |= {"webhooks": Webhooks()}
    return Configuration(
        path=path,
        files=frozenset(context.files),
        secrets=frozenset(context.confidential),
        text=text,
        redacted_text=_redacted_text(context, source),
        switched_off=switched_off,
        notes=tuple(context.notes),
        **fields,
    )


def failure(context: LoadContext) -> ConfigError:
    """Return the error that lists every mistake, without any credential."""
    return ConfigError(context.redacted(), frozenset(context.files))


def _layout(context: LoadContext, source: Source) -> Layout:
    converter = Converter(context, source)
    layout, _ = convert_section(
        converter, source.value, Layout, Validator(part_schema(Layout)), instead={}, depth=2
    )
    if layout is None:
        raise failure(context)
    return layout


def _switched_off(context: LoadContext) -> frozenset[str]:
    off = set()
    for name in SWITCHES:
        word = context.environ.get(name, "").strip().lower()
        if word in _OFF:
            off.add(name)
        elif word and word not in _ON:
            place = (f"environment variable {name}", 0)
            context.add_error(
                place, "the value is neither true nor false", "set it to true or false, or unset it"
            )
    return frozenset(off)


def _redacted_text(context: LoadContext, source: Source) -> str:
    document: Any = redact_configuration(source.value, context.catalogue)
    head = "".join(f"# {note}\n" for note in context.notes)
    return head + yaml_text(document, Redactor(context.confidential).clean)
