"""What a dashboard shows of a status page."""

from exporter.core.panel import Panel, Tone
from exporter.probes._panels import panel_query
from exporter.probes.statuspage import metrics as m

PANELS = (
    Panel(
        "Components on the vendor's page",
        "What the vendor says of each component of its service.",
        panel_query(m.COMPONENT, "component"),
        kind="states",
        words={
            0: ("Operational", Tone.GOOD),
            1: ("Maintenance", Tone.QUIET),
            2: ("Degraded", Tone.WARNING),
            3: ("Partial outage", Tone.BAD),
            4: ("Major outage", Tone.BAD),
        },
        legend="{{integration}} {{tenant}} {{component}}",
    ),
    Panel(
        "Unresolved incidents",
        "Incidents that the vendor has reported, by impact.",
        f"{panel_query(m.INCIDENTS, 'impact')} > 0",
        kind="table",
        legend="{{integration}} {{tenant}} {{impact}}",
        column="Incidents",
    ),
    Panel(
        "Overall indicator",
        "What the vendor says of its service as a whole.",
        panel_query(m.INDICATOR),
        kind="states",
        words={
            0: ("No incident", Tone.GOOD),
            1: ("Maintenance", Tone.QUIET),
            2: ("Minor", Tone.WARNING),
            3: ("Major", Tone.BAD),
            4: ("Critical", Tone.BAD),
        },
    ),
    Panel(
        "Next maintenance",
        "When the vendor's next scheduled maintenance begins.",
        f"{panel_query(m.NEXT_MAINTENANCE, by='min')} * 1000",
        kind="stat",
        unit="dateTimeFromNow",
    ),
)
