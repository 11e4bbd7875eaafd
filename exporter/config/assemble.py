"""Puts one configuration together from a document, or says everything that is wrong with it."""

from typing import Any

from exporter.config import generation, notify
from exporter.config.budgets import blame_over_budget
from exporter.config.dynamic import blame_clashes
from exporter.config.fit import Fitter
from exporter.config.integrations import Builder, Built, check_defaults
from exporter.config.judge import Judge
from exporter.config.labels import blame_public_credentials
from exporter.config.layout import Layout
from exporter.config.native import credentials
from exporter.config.parts import make
from exporter.config.reading import Reading
from exporter.config.redactor import Redactor
from exporter.config.schema import part_schema
from exporter.config.shared_files import blame_shared_files
from exporter.config.shown import masked, yaml_text
from exporter.config.source import Source
from exporter.config.store_settings import settings
from exporter.config.thresholds import Ladder
from exporter.config.token_keeping import judge_keeping, with_source
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


def assemble(reading: Reading, source: Source, path: str | None, text: str | None) -> Configuration:
    """Return the configuration in `source`; ConfigError with every mistake otherwise."""
    if not isinstance(source.value, dict):
        reading.blame(
            source.place(()), "the top of the file is no mapping", "write keys such as integrations:"
        )
        raise failure(reading)
    layout = _layout(reading, source)
    switched_off = _switched_off(reading)
    builder, built = _integrations(reading, source, layout)
    blame_shared_files(reading)
    blame_clashes(reading, built)
    _check_notifications(reading, source, layout, frozenset(builder.names))
    store = settings(reading, source, layout.store)
    if _written(source, "store").isdisjoint(("token_keys", "token_keys_file")) or store.token_keys:
        judge_keeping(reading, source, built, store)
    reading.secrets.update(_receivers(layout.notifications))
    blame_public_credentials(reading)
    if reading.mistakes:
        raise failure(reading)
    sourced = [with_source(target, one.integration.tokens) for one in built for target in one.targets]
    targets = {target.key: target for target in sourced}
    shown = _shown(reading, source)
    return Configuration(
        path=path,
        integrations=tuple(one.integration for one in built),
        targets={} if "MONITORING_ENABLED" in switched_off else targets,
        thresholds=tuple(builder.resolved),
        notifications=_trusting(layout),
        store=store,
        replicas=layout.replicas,
        files=frozenset(reading.files),
        secrets=frozenset(reading.concealed),
        text=text,
        shown=shown,
        switched_off=switched_off,
        notes=tuple(reading.notes),
        feeds=() if "MONITORING_ENABLED" in switched_off else tuple(reading.asked),
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


def failure(reading: Reading) -> ConfigError:
    """Return the error that lists every mistake, without any credential."""
    return ConfigError(reading.redacted(), frozenset(reading.files))


def _layout(reading: Reading, source: Source) -> Layout:
    fitter = Fitter(reading, source)
    layout, _ = make(fitter, source.value, Layout, Judge(part_schema(Layout)), instead={}, depth=2)
    if layout is None:
        raise failure(reading)
    return layout


def _integrations(reading: Reading, source: Source, layout: Layout) -> tuple[Builder, list[Built]]:
    before = len(reading.mistakes)
    check_defaults(reading, source, layout.defaults)
    ladder = Ladder(reading)
    steps, _ = ladder.over(ladder.base(), layout.thresholds, source, ("thresholds",))
    builder = Builder(reading, source, layout.defaults, steps)
    built, sound = [], []
    for index, raw in enumerate(layout.integrations):
        told = len(reading.mistakes)
        one = builder.build(raw, ("integrations", index))
        if one is not None:
            built.append(one)
            if len(reading.mistakes) == told:
                sound.append(one)
    if len(reading.mistakes) == before or sound:
        # an integration with a mistake may have lost its interval: its budget is judged when that is mended
        blame_over_budget(reading, source, sound, layout.replicas)
    return builder, built


def _check_notifications(
    reading: Reading, source: Source, layout: Layout, integrations: frozenset[str]
) -> None:
    written = _written(source, "notifications")
    for path, what, remedy in notify.findings(layout.notifications, integrations, written):
        reading.blame(source.place(("notifications", *path)), what, remedy)
    for path, what, remedy in generation.findings(layout.generate):
        reading.blame(source.place(("generate", *path)), what, remedy)


def _written(source: Source, section: str) -> frozenset[str]:
    """Return the keys of a section as they stand in the document, with a mistake or without."""
    part = source.value.get(section)
    return (
        frozenset(key for key, value in part.items() if value is not None)
        if isinstance(part, dict)
        else frozenset()
    )


def _switched_off(reading: Reading) -> frozenset[str]:
    off = set()
    for name in SWITCHES:
        word = reading.environ.get(name, "").strip().lower()
        if word in _OFF:
            off.add(name)
        elif word and word not in _ON:
            place = (f"environment variable {name}", 0)
            reading.blame(
                place, "the value is neither true nor false", "set it to true or false, or unset it"
            )
    return frozenset(off)


def _shown(reading: Reading, source: Source) -> str:
    document: Any = masked(source.value, reading.catalogue)
    head = "".join(f"# {note}\n" for note in reading.notes)
    return head + yaml_text(document, Redactor(reading.concealed).clean)
