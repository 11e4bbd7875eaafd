"""Every generated file: those checked in with the code, and those of a user's own configuration."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from exporter import registry
from exporter.config.schema import schema
from exporter.core.alert import Alert
from exporter.core.configuration import Configuration
from exporter.core.notifications import Notifications
from exporter.core.secret import Secret
from exporter.core.vital_alerts import VITAL_FILES
from exporter.core.vital_alerts.platform import EXPORTER_DOWN, JOB, WATCHDOG
from exporter.generate import dashboards, reference, routing, rule_tests, runbooks
from exporter.generate.document import NOTICE, as_yaml
from exporter.generate.facts import facts_template
from exporter.generate.receivers import AWS_CREDENTIALS, SecretFiles
from exporter.generate.rules import INTERVAL, Links, alert_files, files_needed, look_back

RuleFile = dict[str, Any]

SECRETS_DIRECTORY = "/etc/integration-exporter/alertmanager-secrets"


@dataclass(frozen=True)
class Addresses:
    """Where the parts listen, as host:port, for Prometheus' configuration."""

    exporter: str = "127.0.0.1:10055"
    prometheus: str = "127.0.0.1:9090"
    alertmanager: str = "127.0.0.1:9093"


@dataclass(frozen=True)
class UserFiles:
    """Files of a user's configuration: `files` by relative path, `secrets` by name.

    The secrets belong into `secrets_directory`, each with mode 0600 and outside any repository;
    `files` refer to them there.
    """

    files: Mapping[str, str]
    secrets: Mapping[str, Secret] = field(repr=False)
    secrets_directory: str


def files(configuration: Configuration | None = None) -> dict[str, str]:
    """Return every generated file of the tree by relative path; without configuration, as it is shipped."""
    alerts = registry.alerts()
    return {
        **user_files(configuration).files,
        **_rule_test_files(configuration),
        **runbooks.pages(alerts),
        **reference.pages(registry.probes().values(), alerts, registry.families().values()),
        "docs/examples/config.schema.json": json.dumps(schema(registry.catalogue()), indent=2) + "\n",
    }


def user_files(
    configuration: Configuration | None,
    addresses: Addresses | None = None,
    secrets_directory: str = SECRETS_DIRECTORY,
) -> UserFiles:
    """Return what Prometheus, Alertmanager and Grafana load, as the configuration asks for it."""
    notifications = configuration.notifications if configuration else Notifications()
    secrets = SecretFiles(secrets_directory)
    alertmanager = routing.configuration(notifications, secrets)
    content = {
        **{f"prometheus/rules/{name}.yml": as_yaml(part) for name, part in rule_files(configuration).items()},
        "prometheus/prometheus.yml": as_yaml(scraping(addresses or Addresses())),
        "alertmanager/alertmanager.yml": as_yaml(alertmanager, *_remarks(secrets)),
        "alertmanager/templates/facts.tmpl": facts_template(),
        "alertmanager/templates/messages.tmpl": _messages(),
        **dashboards.files(),
    }
    return UserFiles(content, secrets.files, secrets_directory)


def alert_sources() -> dict[str, tuple[Alert, ...]]:
    """Return every alert by the rule file it stands in: the vital ones, then one file for each provider."""
    own = {name: probe.alerts for name, probe in registry.probes().items() if probe.alerts}
    return {**VITAL_FILES, **own}


def rule_files(configuration: Configuration | None = None) -> dict[str, RuleFile]:
    """Return the content of every rule file by name, without folder and suffix."""
    settings = configuration.notifications if configuration else Notifications()
    links = Links(runbooks=settings.runbook_url, grafana=settings.grafana_url)
    longest = (
        configuration.longest_interval
        if configuration
        else max((probe.interval for probe in registry.probes().values()), default=60.0)
    )
    return alert_files(alert_sources(), registry.families().values(), look_back(longest), links)


def scraping(addresses: Addresses) -> dict[str, Any]:
    """Return the content of prometheus.yml: the exporter, Prometheus and Alertmanager, rules and alerting."""
    jobs = {
        JOB: addresses.exporter,
        "prometheus": addresses.prometheus,
        "alertmanager": addresses.alertmanager,
    }
    return {
        "global": {"scrape_interval": reference.SCRAPE_INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["rules/*.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [addresses.alertmanager]}]}]},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [address]}]} for job, address in jobs.items()
        ],
    }


def _rule_test_files(configuration: Configuration | None) -> dict[str, str]:
    rules = rule_files(configuration)
    families = registry.families().values()
    tests = {}
    for name, alerts in alert_sources().items():
        loaded = _loaded(rules, files_needed(rules, name))
        tests[name] = rule_tests.tests_of(alerts, families, loaded)
    noisy = (EXPORTER_DOWN.name, WATCHDOG.name)
    tests["without-exporter"] = rule_tests.quiet_without_exporter(noisy, _loaded(rules, rules))
    return {f"prometheus/tests/{name}.yml": as_yaml(content) for name, content in tests.items()}


def _loaded(rules: Mapping[str, RuleFile], names: Iterable[str]) -> dict[str, RuleFile]:
    return {f"../rules/{name}.yml": rules[name] for name in names}


def _remarks(secrets: SecretFiles) -> tuple[str, ...]:
    if AWS_CREDENTIALS not in secrets.files:
        return ()
    path = f"{secrets.directory}/{AWS_CREDENTIALS}"
    return (f"start Alertmanager with AWS_SHARED_CREDENTIALS_FILE={path} for text messages",)


def _messages() -> str:
    text = resources.files("exporter.generate").joinpath("templates/messages.tmpl").read_text("utf-8")
    return f"{{{{- /* {NOTICE} */ -}}}}\n{text}"
