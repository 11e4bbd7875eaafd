"""What a dashboard shows of a status page."""

from exporter.core.panel import Panel
from exporter.probes._panels import panel_query
from exporter.probes.statuspage import metrics as m
from exporter.probes.statuspage.alerts import COMPONENT_LEVEL

PANELS = (
    Panel(
        "Components on the vendor's page",
        "0 operational, 1 maintenance, 2 degraded, 3 partial outage, 4 major outage.",
        panel_query(m.COMPONENT, "component"),
        legend="{{integration}} {{tenant}} {{component}}",
        family=COMPONENT_LEVEL,
    ),
    Panel(
        "Unresolved incidents",
        "Incidents that the vendor has reported, by impact.",
        f"{panel_query(m.INCIDENTS, 'impact')} > 0",
        kind="table",
        legend="{{integration}} {{tenant}} {{impact}}",
    ),
    Panel(
        "Overall indicator",
        "0 none, 1 maintenance, 2 minor, 3 major, 4 critical.",
        panel_query(m.INDICATOR),
        kind="stat",
    ),
    Panel(
        "Next maintenance",
        "When the vendor's next scheduled maintenance begins.",
        f"{panel_query(m.NEXT_MAINTENANCE, by='min')} * 1000",
        kind="stat",
        unit="dateTimeFromNow",
    ),
)
