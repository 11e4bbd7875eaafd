"""The thresholds of a metric that the configuration declares: names on which series and rules agree."""

from collections.abc import Mapping

from exporter.core.metric import Kind, Metric, Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

PREFIX = "integration_app_"

FAMILY_PREFIX = "app_"
"""Begins the names of thresholds of declared metrics, and of no others."""

UNLIMITED = -float("inf")


def stem_of(metric: Metric) -> str:
    """Return what an app calls the metric, without the end that says that it counts."""
    return metric.name.removeprefix(PREFIX).removesuffix("_total")


def app_family(metric: Metric, steps: Mapping[Severity, float], *, rising: bool) -> ThresholdFamily:
    """Return the thresholds of a declared metric, exported as integration_threshold_app_<name>."""
    what = "What an app adds to it in a minute" if metric.kind is Kind.COUNTER else "Its value"
    return ThresholdFamily(
        f"{FAMILY_PREFIX}{stem_of(metric)}",
        f"{what}, {'above' if rising else 'below'} which {metric} raises an alert.",
        dict(steps),
        rising,
        metric.unit,
        UNLIMITED,
        scope=Scope.TENANT,
    )


def app_alert_name(metric: Metric, *, rising: bool) -> str:
    """Return the name of the alert of a declared metric, such as IntegrationAppJobsWaitingHigh."""
    words = "".join(word.capitalize() for word in stem_of(metric).split("_"))
    return f"IntegrationApp{words}{'High' if rising else 'Low'}"
