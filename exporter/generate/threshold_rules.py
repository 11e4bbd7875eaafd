"""Recorded thresholds, who is beyond the loosest of them, and the comparison of one severity.

Most targets are far from every threshold. They are read once for each alert, and only those beyond the
loosest threshold of their integration are recorded: its severities then look at a handful of series.
"""

from collections.abc import Mapping
from typing import Any

from exporter.core.alert import Alert
from exporter.core.severity import Severity
from exporter.core.threshold import DEFAULT_ONLY, OVERRIDE_ONLY, ThresholdFamily
from exporter.generate.rule_text import TextValues

BRIDGE = "10m"
"""How long a threshold is remembered while no exporter answers."""


def default_record(family: ThresholdFamily) -> str:
    """Return the name under which the default thresholds of `family` are recorded."""
    # Prometheus' convention for names of recorded series: level, metric and operation, joined by colons.
    return f"{'_'.join((*family.default_labels, 'severity'))}:{family.metric}:default"


def override_record(family: ThresholdFamily) -> str:
    """Return the name under which the tenants' overrides of `family` are recorded."""
    return f"{'_'.join((*family.scope.value, 'severity'))}:{family.metric}:override"


def loosest_record(family: ThresholdFamily) -> str:
    """Return the name of the threshold that is crossed first, of all severities and tenants."""
    # What belongs to a tenant alone has no label left, and no level in the name.
    return f"{'_'.join(family.default_labels) or 'all'}:{family.metric}:loosest"


def threshold_rules(family: ThresholdFamily, filling: TextValues) -> list[dict[str, Any]]:
    """Return the recording rules of a family: defaults, overrides, the loosest; replicas collapsed."""

    def collapse(labels: tuple[str, ...], chosen: str) -> str:
        newest = f"last_over_time({family.metric}[{BRIDGE}]) {chosen}"
        return f"max by ({', '.join((*labels, 'severity'))}) ({newest})"

    first = "min" if family.rising else "max"
    recorded = f"{default_record(family)} or {override_record(family)}"
    expressions = {
        default_record(family): collapse(family.default_labels, DEFAULT_ONLY),
        override_record(family): collapse(family.scope.value, OVERRIDE_ONLY),
        loosest_record(family): f"{first} by ({', '.join(family.default_labels)}) ({recorded})",
    }
    return [{"record": name, "expr": filling.of(text)} for name, text in expressions.items()]


def records(alert: Alert) -> Mapping[str, str]:
    """Return what the alert's rules read recorded, name to expression, in the order of need."""
    if alert.family is None or not alert.observed:
        return alert.records
    return {**alert.records, suspects_record(alert): _suspects(alert, alert.family)}


def suspects_record(alert: Alert) -> str:
    """Return the name under which those beyond the loosest threshold are recorded."""
    if alert.suspects:
        return alert.suspects
    if alert.family is None:
        raise ValueError(f"alert {alert.name} has no family")
    return f"{'_'.join(alert.by)}:{alert.family.metric}:beyond"


def _suspects(alert: Alert, family: ThresholdFamily) -> str:
    # Whoever is beyond a threshold of their own is beyond the loosest one, so none is missed.
    joined = f"{alert.op} on ({', '.join(family.default_labels)}) group_left ()\n  {loosest_record(family)}"
    return f"{_bracket(alert.observed)}\n{joined}"


def compare(alert: Alert, severity: Severity) -> str:
    """Return the condition: beyond the default unless overridden, or beyond the tenant's override.

    An alert without a tenant has only the first half. `group_left ()` keeps the labels of thresholds out
    of the alert's identity.
    """
    if alert.family is None:
        raise ValueError(f"alert {alert.name} has no family")
    observed, chosen = suspects_record(alert), f'{{severity="{severity}"}}'
    default_labels, labels = ", ".join(alert.family.default_labels), ", ".join(alert.family.scope.value)
    default = (
        f"  {observed}\n{alert.op} on ({default_labels}) group_left ()\n"
        f"  {default_record(alert.family)}{chosen}"
    )
    if "tenant" not in alert.by:
        return default
    override = f"{override_record(alert.family)}{chosen}"
    own = f"  {observed}\n{alert.op} on ({labels}) group_left ()\n  {override}"
    exempt = f"unless on ({labels})\n  {override}"
    common = f"{_bracket(default)}\n{exempt}"
    return f"{_bracket(common)}\nor\n{_bracket(own)}"


def _bracket(text: str) -> str:
    inside = "\n".join(f"  {line}" for line in text.splitlines())
    return f"(\n{inside}\n)"
