"""Does every integration have the thresholds that its alerts compare with?"""

from collections.abc import Iterable

from exporter.alerts.cases.thresholds import cases
from exporter.alerts.platform import COMPONENT
from exporter.core.alert import Alert, Runbook
from exporter.core.common_metrics import CONFIGURED
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import DEFAULT_ONLY, ThresholdFamily


def thresholds_missing(families: Iterable[ThresholdFamily]) -> Alert:
    """Return the alert on integrations that lack a default threshold of one of `families`.

    An alert whose threshold is missing stays quiet, so this one looks for each of them. It reads what the
    exporter shows: rules that fail are an alert of Prometheus' own.
    """
    shown = tuple(family for family in families if family.scope is Scope.TARGET)
    every = "\n  and on (integration, provider)\n    ".join(map(_whole, shown))
    return Alert(
        name="IntegrationThresholdsMissing",
        summary="An integration has no thresholds, so its alerts cannot fire.",
        description=(
            "Default thresholds of {{ $labels.integration }} ({{ $labels.provider }}) are missing in "
            "Prometheus."
        ),
        by=("integration", "provider"),
        expr=(
            f"group by (integration, provider) (last_over_time({CONFIGURED}[10m]))\n"
            f"unless on (integration, provider) (\n    {every}\n)"
        ),
        severities=(Severity.HIGH,),
        hold="10m",
        subject="thresholds",
        every="2m",
        cause="staleness",
        labels=COMPONENT,
        cases=cases(shown),
        runbook=_RUNBOOK,
    )


def _whole(family: ThresholdFamily) -> str:
    """Return the integrations that have a default of the family for each of its severities."""
    shown = f"last_over_time({family.metric}[10m]) {DEFAULT_ONLY}"
    each = f"group by (integration, provider, severity) ({shown})"
    return f"count by (integration, provider) ({each}) >= {len(family.steps)}"


_RUNBOOK = Runbook(
    meaning=(
        "The exporter shows the integration, but at least one of the default thresholds that every "
        "integration has is not in Prometheus."
    ),
    impact="Alerts that compare with a missing threshold stay quiet whatever happens.",
    diagnosis=(
        "1. Does the exporter's `/metrics` have `integration_threshold_...` series of the integration?\n"
        "2. If so, does a relabelling or `sample_limit` of Prometheus drop them, and do the recording "
        "rules `integration_provider_severity:...:default` run without error?\n"
        "3. Are exporter and rules of the same version?"
    ),
    mitigation=(
        "Undo the relabelling or load the rule files of the exporter's version, then look at "
        "Prometheus' rule page."
    ),
)
