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


def threshold_rules(family: ThresholdFamily, filling: TextValues) -> list[dict[str, Any]]:
    """Return the recording rules of a family: defaults, overrides, the loosest; replicas collapsed."""

    def collapse(labels: tuple[str, ...], chosen: str) -> str:
        newest = f"last_over_time({family.metric}[{BRIDGE}]) {chosen}"
        return f"max by ({', '.join((*labels, 'severity'))}) ({newest})"

    first = "min" if family.rising else "max"
    recorded = f"{family.default_record} or {family.override_record}"
    expressions = {
        family.default_record: collapse(family.default_labels, DEFAULT_ONLY),
        family.override_record: collapse(family.scope.value, OVERRIDE_ONLY),
        family.loosest_record: f"{first} by ({', '.join(family.default_labels)}) ({recorded})",
    }
    return [{"record": name, "expr": filling.of(text)} for name, text in expressions.items()]


def records(alert: Alert) -> Mapping[str, str]:
    """Return what the alert's rules read recorded, name to expression, in the order of need."""
    if alert.family is None or not alert.observed:
        return alert.records
    return {**alert.records, alert.suspects_record: _suspects(alert, alert.family)}


def _suspects(alert: Alert, family: ThresholdFamily) -> str:
    # Whoever is beyond a threshold of their own is beyond the loosest one, so none is missed.
    joined = f"{alert.op} on ({', '.join(family.default_labels)}) group_left ()\n  {family.loosest_record}"
    return f"{_bracket(alert.observed)}\n{joined}"


def compare(alert: Alert, severity: Severity) -> str:
    """Return the condition: beyond the default unless overridden, or beyond the tenant's override.

    An alert without a tenant has only the first half. `group_left ()` keeps the labels of thresholds out
    of the alert's identity. What the severity has besides comes last.
    """
    compared = _compare(alert, severity)
    besides = alert.besides.get(severity)
    return f"{compared}\nor\n{_bracket(besides)}" if besides else compared


def _compare(alert: Alert, severity: Severity) -> str:
    if alert.family is None:
        raise ValueError(f"alert {alert.name} has no family")
    observed, chosen = alert.suspects_record, f'{{severity="{severity}"}}'
    default_labels, labels = ", ".join(alert.family.default_labels), ", ".join(alert.family.scope.value)
    default = (
        f"  {observed}\n{alert.op} on ({default_labels}) group_left ()\n"
        f"  {alert.family.default_record}{chosen}"
    )
    if "tenant" not in alert.by:
        return default
    override = f"{alert.family.override_record}{chosen}"
    own = f"  {observed}\n{alert.op} on ({labels}) group_left ()\n  {override}"
    exempt = f"unless on ({labels})\n  {override}"
    common = f"{_bracket(default)}\n{exempt}"
    return f"{_bracket(common)}\nor\n{_bracket(own)}"


def _bracket(text: str) -> str:
    inside = "\n".join(f"  {line}" for line in text.splitlines())
    return f"(\n{inside}\n)"
