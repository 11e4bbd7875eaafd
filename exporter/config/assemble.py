"""Puts one configuration together from a document, or says everything that is wrong with it."""

from typing import Any

from exporter.config.budgets import check_budgets
from exporter.config.document.convert import Converter
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.source import Source
from exporter.config.document.validate import Validator
from exporter.config.dynamic import check_clashes
from exporter.config.labels import check_public_credentials
from exporter.config.layout import Layout
from exporter.config.load_context import LoadContext
from exporter.config.native import credentials
from exporter.config.redacted import redact_configuration, yaml_text
from exporter.config.redactor import Redactor
from exporter.config.sections import generate, notifications
from exporter.config.sections.integrations import BuiltTargets, TargetBuilder, check_defaults
from exporter.config.sections.store import settings
from exporter.config.sections.thresholds import TOP, Ladder, tenant_defaults
from exporter.config.shared_files import check_shared_files
from exporter.config.token_checks import check_token_keeping, with_source
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.notifications import Notifications
from exporter.core.options import trusting
from exporter.core.secret import reveal_all

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
    layout = _layout(context, source)
    switched_off = _switched_off(context)
    builder, built = _integrations(context, source, layout)
    check_shared_files(context)
    check_clashes(context, built)
    _check_notifications(context, source, layout, frozenset(builder.names))
    store = settings(context, source, layout.store)
    if _written(source, "store").isdisjoint(("token_keys", "token_keys_file")) or store.token_keys:
        check_token_keeping(context, source, built, store)
    context.secrets.update(_receivers(layout.notifications))
    check_public_credentials(context)
    if context.mistakes:
        raise failure(context)
    sourced = [with_source(target, one.integration.tokens) for one in built for target in one.targets]
    targets = {target.key: target for target in sourced}
    shown = _shown(context, source)
    return Configuration(
        path=path,
        integrations=tuple(one.integration for one in built),
        targets={} if "MONITORING_ENABLED" in switched_off else targets,
        thresholds=(*tenant_defaults(builder.steps, context.catalogue.families), *builder.resolved),
        notifications=_trusting(layout),
        store=store,
        replicas=layout.replicas,
        files=frozenset(context.files),
        secrets=frozenset(context.confidential),
        text=text,
        shown=shown,
        switched_off=switched_off,
        notes=tuple(context.notes),
        feeds=() if "MONITORING_ENABLED" in switched_off else tuple(context.tenant_feeds),
        generation=layout.generate,
        ca_file=layout.defaults.tls.ca_file,
    )


def _trusting(layout: Layout) -> Notifications:
    ca_file = layout.defaults.tls.ca_file
    return trusting(layout.notifications, ca_file) if ca_file else layout.notifications


def _receivers(notifications: Notifications) -> set[str]:
    """Return the credentials of notifications; the address of a webhook is often all it has."""
    hooks = [notifications.webhook, notifications.heartbeat, *(team.webhook for team in notifications.teams)]
    native = (credentials(team.receiver or {}) for team in notifications.teams)
    return reveal_all(notifications).union({hook.url for hook in hooks if hook}, *native)


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


def _integrations(
    context: LoadContext, source: Source, layout: Layout
) -> tuple[TargetBuilder, list[BuiltTargets]]:
    before = len(context.mistakes)
    check_defaults(context, source, layout.defaults)
    ladder = Ladder(context)
    steps, _ = ladder.over(ladder.base(), layout.thresholds, source, TOP)
    builder = TargetBuilder(context, source, layout.defaults, steps)
    built, sound = [], []
    for index, raw in enumerate(layout.integrations):
        told = len(context.mistakes)
        one = builder.build(raw, ("integrations", index))
        if one is not None:
            built.append(one)
            if len(context.mistakes) == told:
                sound.append(one)
    if len(context.mistakes) == before or sound:
        # an integration with a mistake may have lost its interval: its budget is judged when that is mended
        check_budgets(context, source, sound, layout.replicas)
    return builder, built


def _check_notifications(
    context: LoadContext, source: Source, layout: Layout, integrations: frozenset[str]
) -> None:
    written = _written(source, "notifications")
    for path, what, remedy in notifications.findings(layout.notifications, integrations, written):
        context.add_error(source.place(("notifications", *path)), what, remedy)
    for path, what, remedy in generate.findings(layout.generate):
        context.add_error(source.place(("generate", *path)), what, remedy)


def _written(source: Source, section: str) -> frozenset[str]:
    """Return the keys of a section as they stand in the document, with a mistake or without."""
    part = source.value.get(section)
    return (
        frozenset(key for key, value in part.items() if value is not None)
        if isinstance(part, dict)
        else frozenset()
    )


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


def _shown(context: LoadContext, source: Source) -> str:
    document: Any = redact_configuration(source.value, context.catalogue)
    head = "".join(f"# {note}\n" for note in context.notes)
    return head + yaml_text(document, Redactor(context.confidential).clean)
