"""Every generated file: those checked in with the code, and those of a user's own configuration."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from exporter import registry
from exporter.alerts import COMMON_SOURCES
from exporter.alerts.app_metrics import app_alerts
from exporter.alerts.platform import EXPORTER_DOWN, WATCHDOG
from exporter.config.schema import build_schema
from exporter.core.alert import Alert
from exporter.core.common_metrics import SHARED_SERIES, TARGET_SERIES
from exporter.core.configuration import Configuration
from exporter.core.generation import Generation, exporter_url
from exporter.core.notifications import Notifications
from exporter.core.secret import Secret
from exporter.core.threshold import ThresholdFamily
from exporter.generate import (
    client_kinds,
    dashboards,
    event_page,
    own_alerts,
    panel_page,
    paths,
    reference,
    routing,
    rule_tests,
    runbooks,
    scraping,
    view_page,
)
from exporter.generate.case_table import case_table, target_series
from exporter.generate.document import BUNDLE_NOTICE, NOTICE, as_yaml
from exporter.generate.facts import facts_template
from exporter.generate.graph_rules import FILE as GRAPHS
from exporter.generate.graph_rules import graph_file
from exporter.generate.history import bridge_configs, history_receiver
from exporter.generate.receivers import AWS_CREDENTIALS
from exporter.generate.rule_text import TextValues, look_back
from exporter.generate.rules import (
    Links,
    alert_files,
    find_required_files,
    required_rules,
    select_files,
)
from exporter.generate.secret_files import SecretFiles
from exporter.signatures import schemes
from exporter.store.views import views

RuleFile = dict[str, Any]

APP_METRICS = "app_metrics"
"""Name of the rule file on metrics that the configuration declares, and of its test, without suffix."""

DERIVED = "derived"
"""Folder of what `derived_test_files` returns."""

INTO = "parts for a configuration that you have already: docs/into-what-you-have.md says where each goes"


@dataclass(frozen=True)
class UserFiles:
    """Files of a user's configuration: `files` by relative path, `secrets` by name.

    The secrets belong into `generation.secrets.dir`, each with mode 0600 and outside any repository;
    `files` refer to them there, and to `references`, files that were there before. `generation` is what was
    in force for them.
    """

    files: Mapping[str, str]
    secrets: Mapping[str, Secret] = field(repr=False)
    generation: Generation
    references: tuple[str, ...] = ()


def files(configuration: Configuration | None = None) -> dict[str, str]:
    """Return every generated file of the tree by relative path; without configuration, as it is shipped."""
    alerts = registry.alerts()
    return {
        **user_files(configuration).files,
        **_rule_test_files(configuration),
        **runbooks.pages(alerts),
        f"{paths.REFERENCE}/alert-cases.md": _case_page(),
        **reference.pages(
            *(registry.sources(), registry.probes(), registry.lists().values(), schemes().values()),
            registry.reach(),
        ),
        "docs/examples/config.schema.json": schema_text(),
        event_page.PATH: event_page.events_page(registry.events().values()),
        view_page.PATH: view_page.view_page(views().values()),
        panel_page.PATH: panel_page.panel_page(dashboards.boards()),
        client_kinds.PATH: client_kinds.client_kinds(registry.events().values()),
    }


def _case_page() -> str:
    """Return the page of all alerts and the cases that prove them."""
    families = registry.families().values()
    return case_table(
        registry.alerts(),
        lambda alert: rule_tests.cases_derived_from(alert, families),
        target_series(registry.metrics()),
    )


def schema_text() -> str:
    """Return the JSON Schema of the configuration file as text."""
    return json.dumps(build_schema(registry.catalogue()), indent=2) + "\n"


def user_files(
    configuration: Configuration | None, generation: Generation | None = None, flags: str = ""
) -> UserFiles:
    """Return what Prometheus, Alertmanager and Grafana load, as the configuration asks for it.

    `generation` replaces the configuration's own. `flags` are those that it was made with, for the head of
    the files that they change.
    """
    notice = BUNDLE_NOTICE if configuration else NOTICE
    generation = generation or (configuration.generation if configuration else Generation())
    notifications = configuration.notifications if configuration else Notifications()
    secrets = SecretFiles(generation.secrets.dir)
    own, kept_apart = (configuration.alerts if configuration else ()), generation.aggregation_labels
    history = history_receiver(notifications.history, generation, secrets)
    # Labels of declared metrics tell alerts apart, as those do that rules keep apart anyway.
    declared = configuration.events.alert_labels if configuration else ()
    bridge = bridge_configs(notifications, generation, secrets)
    alertmanager = routing.configuration(notifications, secrets, kept_apart, own, history, bridge, declared)
    added = routing.for_existing(notifications, secrets, kept_apart, own, history, bridge, declared)
    # Flags and no paths: `--check` notices other flags, and a bundle is the same wherever it is made.
    heads = (f"flags: {flags}",) if flags else ()
    rules = rule_files(configuration, generation)
    content = {
        **{f"{paths.RULES}/{name}.yml": as_yaml(part, notice=notice) for name, part in rules.items()},
        paths.PROMETHEUS: as_yaml(scraping.configuration(generation), *heads, notice=notice),
        paths.PROMETHEUS_PARTS: as_yaml(scraping.for_existing(generation), *heads, INTO, notice=notice),
        paths.ALERTMANAGER: as_yaml(alertmanager, *heads, *_remarks(secrets), notice=notice),
        paths.ALERTMANAGER_PARTS: as_yaml(added, *heads, *_remarks(secrets), INTO, notice=notice),
        "alertmanager/templates/facts.tmpl": facts_template(
            notice,
            (*generation.aggregation_labels, *declared),
            (*registry.alerts(), *_app_alerts(configuration)),
        ),
        "alertmanager/templates/messages.tmpl": _messages(notice),
        **dashboards.files(_providers_in_use(configuration)),
    }
    if configuration:
        alerts = [alert for name in rules for alert in alert_sources().get(name, ())]
        alerts += _app_alerts(configuration)
        content |= runbooks.pages(alerts, paths.BUNDLE_RUNBOOKS, notice)
        content |= _own_files(configuration, notice)
        content |= _app_tests(configuration, rules, notice)
    return UserFiles(content, secrets.files, generation, tuple(sorted(secrets.references)))


def _providers_in_use(configuration: Configuration | None) -> frozenset[str] | None:
    """Return the names of the providers that the configuration uses; None as shipped: all of them."""
    if configuration is None:
        return None
    return frozenset(one.probe.name for one in configuration.integrations)


def alert_sources() -> dict[str, tuple[Alert, ...]]:
    """Return the alerts of every source that has some, by its name, which is that of the rule file."""
    return {name: signals.alerts for name, signals in registry.sources().items() if signals.alerts}


def rule_files(
    configuration: Configuration | None = None, generation: Generation | None = None
) -> dict[str, RuleFile]:
    """Return the content of every rule file by name, without folder and suffix.

    Of a configuration those that its providers need; as shipped, those of all providers.
    """
    settings = configuration.notifications if configuration else Notifications()
    generation = generation or (configuration.generation if configuration else Generation())
    links = Links(exporter_url(generation), settings.runbook_url, settings.grafana_url)
    longest = (
        configuration.longest_interval
        if configuration
        # As shipped there are no configured intervals: the longest default of a provider counts.
        else max((probe.interval for probe in registry.probes().values()), default=60.0)
    )
    filling = TextValues(look_back(longest), generation.job, generation.aggregation_labels)
    declared = {APP_METRICS: alerts} if (alerts := _app_alerts(configuration)) else {}
    made = alert_files({**alert_sources(), **declared}, _families(configuration), filling, links)
    sources = registry.sources()
    if configuration is None:
        return made | {GRAPHS: graph_file(sources, filling)}
    if configuration.alerts:
        replicas = configuration.replicas
        made[own_alerts.FILE] = own_alerts.rule_file(configuration.alerts, filling, links, replicas)
    used = {one.probe.name: one.probe for one in configuration.integrations}
    if (graphs := graph_file({name: sources[name] for name in used}, filling))["groups"]:
        made[GRAPHS] = graphs
    # Every provider has the common series: they would make every file needed.
    own = {metric for probe in used.values() for metric in probe.metrics} - {*TARGET_SERIES, *SHARED_SERIES}
    return select_files(
        made,
        # Any app with a token may report any kind of event.
        (*COMMON_SOURCES, *registry.event_sources(), APP_METRICS, own_alerts.FILE, GRAPHS),
        used,
        {name for metric in own for name in metric.series_names},
    )


def derived_test_files() -> dict[str, str]:
    """Return a file of the derived cases for each alert, and one of its rules, by relative path.

    They are in a folder for each source of alerts. They follow from the cases that are written, and are many:
    no file of the tree, and run over the rules that the alert needs alone.
    """
    rules, families = rule_files(), registry.families().values()
    files: dict[str, str] = {}
    for name, alerts in alert_sources().items():
        for alert in alerts:
            place, needed = f"{DERIVED}/{name}/{alert.name}", required_rules(rules, alert.name)
            content = rule_tests.derived_tests_of([alert], families, {f"{alert.name}.rules": needed})
            files |= {f"{place}.rules": as_yaml(needed), f"{place}.yml": as_yaml(content)}
    return files


def _rule_test_files(configuration: Configuration | None) -> dict[str, str]:
    rules = rule_files(configuration)
    families = registry.families().values()
    tests = {}
    for name, alerts in alert_sources().items():
        loaded = _at_paths(rules, find_required_files(rules, name))
        tests[name] = rule_tests.tests_of(alerts, families, loaded)
    # These two have to fire where Prometheus knows no exporter; any other would be a false alarm.
    noisy = (EXPORTER_DOWN.name, WATCHDOG.name)
    tests["without-exporter"] = rule_tests.quiet_without_exporter(noisy, _at_paths(rules, rules))
    return {f"{paths.RULE_TESTS}/{name}.yml": as_yaml(content) for name, content in tests.items()}


def _app_alerts(configuration: Configuration | None) -> tuple[Alert, ...]:
    """Return the alerts on metrics that the configuration declares."""
    return app_alerts(configuration.events) if configuration else ()


def _families(configuration: Configuration | None) -> tuple[ThresholdFamily, ...]:
    """Return every family of thresholds: those of the catalogue, and those of declared metrics."""
    declared = configuration.events.families.values() if configuration else ()
    return (*registry.families().values(), *declared)


def _app_tests(configuration: Configuration, rules: Mapping[str, RuleFile], notice: str) -> dict[str, str]:
    """Return the tests of the alerts on declared metrics, which follow from their thresholds."""
    alerts = _app_alerts(configuration)
    if not alerts:
        return {}
    loaded = _at_paths(rules, find_required_files(rules, APP_METRICS))
    tests = rule_tests.tests_of(alerts, _families(configuration), loaded)
    return {f"{paths.RULE_TESTS}/{APP_METRICS}.yml": as_yaml(tests, notice=notice)}


def _own_files(configuration: Configuration, notice: str) -> dict[str, str]:
    """Return the tests of the user's own alerts, and the copies of his rule files."""
    made = {}
    if configuration.alerts:
        tests = own_alerts.test_file(configuration.alerts, f"../rules/{own_alerts.FILE}.yml")
        made[f"{paths.RULE_TESTS}/{own_alerts.FILE}.yml"] = as_yaml(tests, notice=notice)
    for one in configuration.rule_files:
        # As it is: what is changed here would be lost with the next copy.
        made[f"{paths.RULES}/{one.name}.yml"] = f"# {notice}\n# copied from {one.path}\n{one.text}"
    return made


def _at_paths(rules: Mapping[str, RuleFile], names: Iterable[str]) -> dict[str, RuleFile]:
    return {f"../rules/{name}.yml": rules[name] for name in names}


def _remarks(secrets: SecretFiles) -> tuple[str, ...]:
    if AWS_CREDENTIALS not in secrets.files:
        return ()
    path = f"{secrets.directory}/{AWS_CREDENTIALS}"
    return (f"start Alertmanager with AWS_SHARED_CREDENTIALS_FILE={path} for text messages",)


def _messages(notice: str) -> str:
    text = resources.files("exporter.generate").joinpath("templates/messages.tmpl").read_text("utf-8")
    return f"{{{{- /* {notice} */ -}}}}\n{text}"
