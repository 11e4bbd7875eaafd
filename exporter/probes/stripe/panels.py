"""What a dashboard shows of a Stripe account."""

from exporter.core.panel import Panel, Tone
from exporter.probes._panels import panel_query
from exporter.probes.stripe import metrics as m

PANELS = (
    Panel(
        "Payments by outcome",
        "Attempts to charge in the window that ended at the last reading.",
        panel_query(m.PAYMENTS, "outcome"),
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "Declines by family",
        "Failed charges in the window: processing lies with the vendor, card_data and authentication with the"
        " checkout, fraud and velocity with an attack, funds and issuer with the customers.",
        panel_query(m.DECLINES, "family"),
        legend="{{integration}} {{tenant}} {{family}}",
    ),
    Panel(
        "Available balance",
        "Money that can be paid out, in units of its currency, of those with the least.",
        panel_query(m.BALANCE_AVAILABLE, "currency"),
        legend="{{integration}} {{tenant}} {{currency}}",
        least_first=True,
    ),
    Panel(
        "Undelivered events",
        "Events that wait for one of our webhook endpoints for more than 15 minutes.",
        panel_query(m.UNDELIVERED),
        kind="stat",
    ),
    Panel(
        "Disabled webhook endpoints",
        "Endpoints that Stripe no longer calls.",
        panel_query(m.WEBHOOK_ENDPOINTS, matchers='status="disabled"'),
        kind="stat",
    ),
    Panel(
        "Restricted accounts",
        "Whether the account cannot take payments or pay out.",
        panel_query(m.RESTRICTED),
        kind="states",
        words={0: ("Unrestricted", Tone.GOOD), 1: ("Restricted", Tone.BAD)},
    ),
    Panel(
        "Permissions the key lacks",
        "What depends on these permissions is unknown.",
        f"{panel_query(m.PERMISSION_MISSING, 'permission')} == 1",
        kind="table",
        legend="{{integration}} {{tenant}} {{permission}}",
    ),
)
