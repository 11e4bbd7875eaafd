"""Reference pages: every metric, alert, provider and configuration key, as the code declares them."""

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from exporter.config.layout import IntegrationPart, Layout, TenantRow
from exporter.config.layout_events import AppMetricPart
from exporter.config.layout_webhooks import WebhookEndpointPart, WebhookSourcePart
from exporter.core.alert import EVERY, Alert
from exporter.core.common_metrics import SCHEDULE
from exporter.core.durations import seconds
from exporter.core.listing import Listing
from exporter.core.metric import Metric, Scope
from exporter.core.options import Options
from exporter.core.probe import Probe
from exporter.core.severity import Severity
from exporter.core.signals import Signals
from exporter.core.signature import Scheme
from exporter.core.threshold import ThresholdFamily, ThresholdReach
from exporter.generate import paths
from exporter.generate.audit_rules import audit_rules_page
from exporter.generate.document import as_markdown, table
from exporter.generate.options import sections
from exporter.generate.runbooks import limit
from exporter.generate.scraping import SCRAPE_INTERVAL


def pages(
    sources: Mapping[str, Signals],
    probes: Mapping[str, Probe],
    listings: Iterable[Listing[Any]],
    schemes: Iterable[Scheme],
    reach: Mapping[str, ThresholdReach],
) -> dict[str, str]:
    """Return the pages by path; `reach` says by provider what thresholds its series are compared with."""
    families = {name: family for one in sources.values() for name, family in one.families.items()}
    return {
        f"{paths.REFERENCE}/metrics.md": metrics_page(sources, probes, families.values()),
        f"{paths.REFERENCE}/alerts.md": alerts_page(
            alert for one in sources.values() for alert in one.alerts
        ),
        f"{paths.REFERENCE}/configuration.md": configuration_page(families.values(), reach),
        f"{paths.REFERENCE}/providers.md": providers_page(probes.values()),
        f"{paths.REFERENCE}/lists.md": lists_page(listings),
        f"{paths.REFERENCE}/webhook-schemes.md": schemes_page(schemes),
        f"{paths.REFERENCE}/audit-rules.md": audit_rules_page(),
    }


def metrics_page(
    sources: Mapping[str, Signals], probes: Mapping[str, Probe], families: Iterable[ThresholdFamily]
) -> str:
    """Return the page of all metrics, by the source that they come from."""
    parts = [
        (f"## Provider {name}" if name in probes else f"## {signals.title}", signals.metrics)
        for name, signals in sources.items()
        if signals.metrics
    ]
    parts.append(("## Thresholds", tuple(family.metric for family in families)))
    return as_markdown(
        "# Metrics",
        "Labels of a target are `integration`, `provider` and `tenant` (empty where there is "
        "none). Dated facts "
        "stay after a failed probe until an answer contradicts them; all other measured values are "
        "absent then. Probes run on the exporter's own schedule, not at the scrape: a HELP that ends in "
        "`Scheduled.` speaks of the last one.",
        *(f"{title}\n\n{_metric_table(metrics)}" for title, metrics in parts),
    )


def _metric_table(metrics: Iterable[Metric]) -> str:
    rows = [(f"`{metric}`", _labels(metric), metric.kind.value, _help(metric)) for metric in metrics]
    return table(("Metric", "Labels", "Type", "Meaning"), rows)


def _labels(metric: Metric) -> str:
    scope = {
        Scope.TARGET: ["of the target"],
        Scope.INTEGRATION: ["`integration`, `provider`"],
        Scope.TENANT: ["`tenant`"],
        Scope.EXPORTER: [],
    }
    return ", ".join((*scope[metric.scope], *(f"`{label}`" for label in metric.labels)))


def _help(metric: Metric) -> str:
    return metric.help.removesuffix(SCHEDULE) + (" A dated fact." if metric.dated else "")


def alerts_page(alerts: Iterable[Alert]) -> str:
    """Return the page of all alerts: severity, default, and the longest time until the first notification."""
    rows = [
        (
            f"[{alert.name}](../runbooks/{alert.name}.md)",
            level.value,
            limit(alert, level),
            _delay(alert, level),
            alert.say(level),
        )
        for alert in alerts
        for level in alert.levels
    ]
    return as_markdown(
        "# Alerts",
        "*Notified after* is the longest time from the moment the exporter's series show the condition "
        f"to the first message: one scrape ({SCRAPE_INTERVAL}), one evaluation ({EVERY} for most), the "
        "rule's `for`, and the longer one of the route's `group_wait` (where it is the first alert of its "
        "message) and `group_interval` (where others of its alert, integration and severity fire already). "
        "Before it comes the time that probes need to see it: one `interval` for each failure in a row that "
        "the alert asks for. Alerts of severity low wait for business hours.",
        table(("Alert", "Severity", "Default", "Notified after", "Says"), rows),
        "## Severities",
        table(
            ("Severity", "Respond", "Channels"),
            [(s.value, s.response, ", ".join(s.channels)) for s in Severity],
        ),
    )


def _delay(alert: Alert, severity: Severity) -> str:
    # One after the other: Prometheus scrapes, evaluates and holds, then Alertmanager waits for the group.
    total = sum(map(seconds, (SCRAPE_INTERVAL, alert.every, alert.hold)))
    total += max(seconds(severity.group_wait), seconds(severity.group_interval))
    minutes, rest = divmod(total, 60)
    return " ".join(
        part for part in (f"{minutes} min" if minutes else "", f"{rest} s" if rest else "") if part
    )


CONFIGURATION_PARTS = (
    Layout,
    IntegrationPart,
    TenantRow,
    AppMetricPart,
    WebhookSourcePart,
    WebhookEndpointPart,
)
"""The parts of the configuration file that are judged by themselves, and what is below them."""


def configuration_page(families: Iterable[ThresholdFamily], reach: Mapping[str, ThresholdReach]) -> str:
    """Return the page of all keys of the configuration file, its thresholds and environment variables."""
    rows = [
        (
            f"`{family.name}`",
            _steps(family),
            "larger" if family.rising else "smaller",
            _variables(family),
            _reached_by(family, reach),
            family.help,
        )
        for family in families
    ]
    return as_markdown(
        "# Configuration",
        "Every key of the file. Each `secret` has a twin `<key>_file` that names a file instead. "
        "The options of "
        "a provider are on the [page of providers](providers.md).",
        *sections(CONFIGURATION_PARTS, "##", linked=True),
        "## Thresholds by family",
        "Keys under `thresholds:`, of the file, an integration or a tenant; each is a mapping from "
        "severity to number. *Of* are the providers whose integrations show it; those in brackets do where a "
        "token is renewed. What belongs to tenants and to no integration is shown once.",
        table(("Family", "Defaults", "Worse is", "Environment", "Of", "Meaning"), rows),
    )


def _steps(family: ThresholdFamily) -> str:
    return ", ".join(f"{level}: {family.steps[level]:.10g}" for level in Severity if level in family.steps)


def _reached_by(family: ThresholdFamily, reach: Mapping[str, ThresholdReach]) -> str:
    if family.scope is not Scope.TARGET:
        return "tenants"
    always = [name for name, one in reach.items() if family.name in one.always]
    if always and len(always) == len(reach):
        return "all"
    return ", ".join([*always, *(f"({name})" for name, one in reach.items() if family.name in one.renewed)])


def _variables(family: ThresholdFamily) -> str:
    return ", ".join(f"`{name}` ({severity})" for severity, name in family.environment)


def providers_page(probes: Iterable[Probe]) -> str:
    """Return the page of all providers: what each asks, needs and costs."""
    return as_markdown("# Providers", *(_provider(probe) for probe in probes))


def _provider(probe: Probe) -> str:
    # The docstring of a provider's module is its text for users; it has no second copy to keep up to date.
    about = (importlib.import_module(f"exporter.probes.{probe.name}").__doc__ or "").strip()
    facts = [f"Probed every {probe.interval:g} s by default, with a timeout of {probe.timeout:g} s."]
    if probe.needs:
        facts.append(f"Not configured without {', '.join(f'`{name}`' for name in probe.needs)}.")
    if probe.allowance:
        facts.append(f"Allowance: {probe.allowance.calls:g} calls in 30 days ({probe.allowance.source}).")
    for option, variables in probe.environment.items():
        facts.append(f"From the environment: `{option}` = {' or '.join(f'`{name}`' for name in variables)}.")
    # Not linked: parts of two providers may share a name, and a link would lead to the first of them.
    parts = [f"## {probe.title} (`{probe.name}`)", about, *facts, *sections((probe.options,), "###")]
    return "\n\n".join(parts)


def schemes_page(schemes: Iterable[Scheme]) -> str:
    """Return the page of all schemes by which senders sign webhooks."""
    return as_markdown(
        "# Schemes of webhooks",
        "How senders sign: `scheme` of a source under `webhooks.sources`, and what its `options` may hold. "
        "To add one, see [new-scheme.md](../new-scheme.md).",
        *map(_scheme, schemes),
    )


def _scheme(scheme: Scheme) -> str:
    about = (importlib.import_module(f"exporter.signatures.{scheme.name}").__doc__ or "").strip()
    facts = [
        "It takes `secret`, `secrets` or `secrets_files`." if scheme.needs_secret else "It takes no secret.",
        "`tolerance` bounds the age of its signature." if scheme.signs_time else "It signs no time.",
        "It needs `webhooks.public_url`." if scheme.signs_url else "",
        "`verify_token` answers the question by GET." if scheme.challenge else "",
    ]
    options = [] if scheme.options is Options else sections((scheme.options,), "###")
    return "\n\n".join(
        (f"## {scheme.title} (`{scheme.name}`)", about, " ".join(filter(None, facts)), *options)
    )


def lists_page(listings: Iterable[Listing[Any]]) -> str:
    """Return the page of all stored lists, as the server, its exports and the command line show them."""
    rows = [
        (
            f"`{one.name}`",
            f"{one.title}, newest first",
            f"`{one.path}`",
            f"{one.role}{'' if one.narrow else ', not bound to tenants'}",
            ", ".join(f"`{name}`" for name in one.parameters),
            f"`store.retention.{one.retention}`",
            ", ".join(f"`{name}`" for name in one.columns),
        )
        for one in listings
    ]
    return as_markdown(
        "# Stored lists",
        "`integration-exporter list NAME` prints a list of a running exporter. Its path answers pages of "
        "JSON (`limit`, at most 1,000; `next` of the answer is the `after` of the next page), and all that "
        "is stored as `format=csv` or `format=ndjson`. Times are RFC 3339, Unix seconds, or a duration "
        "before now such as `2h`. A caller bound to tenants gets their rows alone. To add a list, see "
        "[new-listing.md](../new-listing.md).",
        table(("List", "Rows", "Path", "Role", "Parameters", "Deleted after", "Columns"), rows),
    )
