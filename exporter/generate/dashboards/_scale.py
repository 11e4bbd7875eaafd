"""PromQL that ten thousand tenants do not make slow: records of rules, and targets once they are picked."""

from collections.abc import Iterable

from exporter.core.alert import Alert
from exporter.core.metric import Metric, Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.generate.dashboards._promql import NOT_ALL, level, match_variables, series

RULES_WORK = 'max(ALERTS{alertname="Watchdog", alertstate="firing"}) * 0'
"""0 while rules are evaluated: what they found nothing of is none only then."""


def record(name: str, *matchers: str) -> str:
    """Return the selector of a record for what the reader picked.

    A record without tenants has nothing to show once a tenant is picked: `of_picked_tenants` has then.
    """
    levels = name.partition(":")[0].split("_")
    labels = (label for label in Scope.TARGET.value if label in levels or label == "tenant")
    return f"{name}{{{', '.join((*match_variables(labels), *matchers))}}}"


def of_picked_tenants(metric: Metric, *matchers: str) -> str:
    """Return the selector of `metric` for the tenants that the reader picked, nothing while that is all.

    No tenant is called like a host with its port.
    """
    return series(metric, *matchers, NOT_ALL)


def count_firing(*alerts: Alert, severities: Iterable[Severity] = ()) -> str:
    """Return for how many things one of `alerts` fires, each once; 0 only while rules are evaluated."""
    chosen = f'severity=~"{"|".join(severities)}"' if severities else ""
    found = (f"max by ({', '.join(alert.by)}) (ALERTS{{{_firing(alert, chosen)}}})" for alert in alerts)
    return f"count({' or '.join(found)}) or {RULES_WORK}"


def _firing(alert: Alert, *matchers: str) -> str:
    picked = match_variables(label for label in Scope.TARGET.value if label in alert.by)
    fixed = (f'alertname="{alert.name}"', 'alertstate="firing"')
    return ", ".join(filter(None, (*fixed, *picked, *matchers)))


def recorded_level(alert: Alert, rows: str) -> str:
    """Return the rank of the severity that each of `rows` has reached: 0 only while rules are evaluated.

    `alert` compares with thresholds and has the labels of `rows`; those that are beyond the loosest one are
    recorded, so that no other row is compared.
    """
    if alert.family is None:
        raise ValueError(f"alert {alert.name} compares with no thresholds")
    by = ", ".join(alert.by)
    beyond = f"max by ({by}) ({record(alert.suspects_record)})"
    reached = level(beyond, alert.family, inclusive="=" in alert.op)
    return f"(({reached}) and on ({by}) {rows}) or ({rows}) * 0 + on () group_left () ({RULES_WORK})"


def strictest(family: ThresholdFamily) -> str:
    """Return the thresholds by severity of a single target: its tenant's own, or the defaults."""
    how = "min" if family.rising else "max"
    defaults = ", ".join((*match_variables(family.default_labels), 'tenant=""'))
    return (
        f"{how} by (severity) ({series(family.metric)})"
        f" or {how} by (severity) ({family.metric}{{{defaults}}})"
    )
