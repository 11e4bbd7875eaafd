"""What is exported of a status page."""

from exporter.core.common_metrics import SCHEDULE
from exporter.core.metric import Metric


def _gauge(name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    return Metric(f"integration_statuspage_{name}", text + SCHEDULE, unit=unit, labels=labels)


INDICATOR = _gauge(
    "indicator",
    "What the page says of the vendor as a whole: 0 none, 1 maintenance, 2 minor, 3 major, 4 critical.",
)
COMPONENT = _gauge(
    "component_status",
    "What the page says of a component: 0 operational, 1 under maintenance, 2 degraded performance,"
    " 3 partial outage, 4 major outage.",
    labels=("component",),
)
COMPONENTS_HIDDEN = _gauge(
    "components_hidden", "Components that would be shown but are beyond the option max_components."
)
COMPONENTS_MISSING = _gauge(
    "components_missing", "Entries of the option components that the page does not have (any more)."
)
INCIDENTS = _gauge(
    "incidents",
    "Unresolved incidents by impact: none, minor, major, critical, maintenance, other. Where components are"
    " chosen, those that name only other components are not counted.",
    labels=("impact",),
)
MAINTENANCES = _gauge(
    "maintenances",
    "Announced maintenances by state: scheduled, in_progress, verifying, other.",
    labels=("state",),
)
NEXT_MAINTENANCE = _gauge(
    "next_maintenance_timestamp_seconds",
    "When the next scheduled maintenance begins; absent if none is announced.",
    unit="seconds",
)

METRICS = (
    INDICATOR,
    COMPONENT,
    COMPONENTS_HIDDEN,
    COMPONENTS_MISSING,
    INCIDENTS,
    MAINTENANCES,
    NEXT_MAINTENANCE,
)
