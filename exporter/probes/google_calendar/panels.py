"""What a dashboard shows of Google Calendar connections."""

from exporter.core.panel import Panel, Tone
from exporter.probes._panels import panel_query
from exporter.probes.google_calendar import metrics as m

PANELS = (
    Panel(
        "Calendars by call",
        "How many connections are probed by each call; few scopes leave only the lesser ones.",
        f"count by (integration, call) ({panel_query(m.CALL_INFO, 'call')})",
        legend="{{integration}} {{call}}",
    ),
    Panel(
        "Calendars by role",
        "How many connections have each role on their calendar.",
        f"count by (integration, role) ({panel_query(m.ACCESS_INFO, 'role')})",
        legend="{{integration}} {{role}}",
    ),
    Panel(
        "Calendar scopes that are missing",
        "What the platform needs and the token has not.",
        f"{panel_query(m.SCOPE_MISSING, 'scope')} == 1",
        kind="table",
        legend="{{integration}} {{tenant}} {{scope}}",
    ),
    Panel(
        "Calendars with too few rights",
        "Whether the role on the calendar is below the one that the platform needs.",
        panel_query(m.ACCESS_TOO_LOW),
        kind="states",
        words={0: ("Enough", Tone.GOOD), 1: ("Too few", Tone.BAD)},
    ),
)
