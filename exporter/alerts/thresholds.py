"""Does every integration have the thresholds that its alerts compare with?"""

from collections.abc import Collection, Iterable, Mapping

from exporter.alerts.cases.thresholds import cases
from exporter.alerts.platform import COMPONENT
from exporter.core.alert import Alert, Runbook
from exporter.core.common_metrics import CRITICAL
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import DEFAULT_ONLY, ThresholdFamily, ThresholdReach

FamiliesByProviders = Mapping[tuple[str, ...], tuple[ThresholdFamily, ...]]
"""Families by the names of the providers that reach them, sorted; no names are all providers."""


def thresholds_missing(families: Iterable[ThresholdFamily], reach: Mapping[str, ThresholdReach]) -> Alert:
    """Return the alert on integrations that lack a default threshold of one of `families` that they reach.

    An alert whose threshold is missing stays quiet, so this one looks for each of them. It reads what the
    exporter shows: rules that fail are an alert of Prometheus' own. Families that only a token reaches are
    left out: which integrations have one the rule does not know.
    """
    shown = by_providers((family for family in families if family.scope is Scope.TARGET), reach)
    return Alert(
        name="IntegrationThresholdsMissing",
        summary="An integration has no thresholds, so its alerts cannot fire.",
        description=(
            "Default thresholds of {{ $labels.integration }} ({{ $labels.provider }}) are missing in "
            "Prometheus."
        ),
        by=("integration", "provider"),
        expr="\nor\n".join(_lacking(providers, some) for providers, some in shown.items()),
        severities=(Severity.HIGH,),
        hold="10m",
        subject="thresholds",
        every="2m",
        cause="staleness",
        labels=COMPONENT,
        cases=cases(shown),
        runbook=_RUNBOOK,
    )


def by_providers(
    families: Iterable[ThresholdFamily], reach: Mapping[str, ThresholdReach]
) -> FamiliesByProviders:
    """Return the families that the same providers always reach together, those of all providers first."""
    found: dict[tuple[str, ...], tuple[ThresholdFamily, ...]] = {(): ()}
    for family in families:
        providers = sorted(name for name, one in reach.items() if family.name in one.always)
        if providers:
            key = () if len(providers) == len(reach) else tuple(providers)
            found[key] = (*found.get(key, ()), family)
    return found


def _lacking(providers: Collection[str], families: Iterable[ThresholdFamily]) -> str:
    """Return the integrations of `providers` that lack a default of one of `families`."""
    chosen = f'{{provider=~"{"|".join(providers)}"}}' if providers else ""
    every = "\n  and on (integration, provider)\n    ".join(map(_whole, families))
    # A series of integrations, not of targets: there are few of them.
    return (
        f"group by (integration, provider) (last_over_time({CRITICAL}{chosen}[10m]))\n"
        f"unless on (integration, provider) (\n    {every}\n)"
    )


def _whole(family: ThresholdFamily) -> str:
    """Return the integrations that have a default of the family for each of its severities."""
    shown = f"last_over_time({family.metric}[10m]) {DEFAULT_ONLY}"
    each = f"group by (integration, provider, severity) ({shown})"
    return f"count by (integration, provider) ({each}) >= {len(family.steps)}"


_RUNBOOK = Runbook(
    meaning=(
        "The exporter shows the integration, but at least one of the default thresholds that all "
        "integrations of its provider have is not in Prometheus."
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
