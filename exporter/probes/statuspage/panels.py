"""What a dashboard shows of a status page."""

from exporter.core.panel import Panel
from exporter.probes.statuspage import metrics as m

_CHOSEN = 'integration=~"$integration",tenant=~"$tenant"'

PANELS = (
    Panel(
        "Components on the vendor's page",
        "0 operational, 1 maintenance, 2 degraded, 3 partial outage, 4 major outage.",
        f"max by (integration, tenant, component) ({m.COMPONENT}{{{_CHOSEN}}})",
        legend="{{integration}} {{tenant}} {{component}}",
    ),
    Panel(
        "Unresolved incidents",
        "Incidents that the vendor has told of, by impact.",
        f"max by (integration, tenant, impact) ({m.INCIDENTS}{{{_CHOSEN}}}) > 0",
        kind="table",
        legend="{{integration}} {{tenant}} {{impact}}",
    ),
    Panel(
        "Overall indicator",
        "0 none, 1 maintenance, 2 minor, 3 major, 4 critical.",
        f"max by (integration, tenant) ({m.INDICATOR}{{{_CHOSEN}}})",
        kind="stat",
    ),
    Panel(
        "Next maintenance",
        "When the vendor's next scheduled maintenance begins.",
        f"min by (integration, tenant) ({m.NEXT_MAINTENANCE}{{{_CHOSEN}}}) * 1000",
        kind="stat",
        unit="dateTimeFromNow",
    ),
)
