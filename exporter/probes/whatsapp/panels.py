"""What a dashboard shows of WhatsApp business accounts."""

from exporter.core.panel import Panel
from exporter.probes._panels import panel_query
from exporter.probes.whatsapp import metrics as m

PANELS = (
    Panel(
        "Quality of numbers",
        "3 is green, 2 yellow, 1 red. A red number may lose its messaging limit.",
        panel_query(m.PHONE_QUALITY, "phone", by="min"),
        legend="{{integration}} {{tenant}} {{phone}}",
    ),
    Panel(
        "Numbers that can send",
        "2 is available, 1 limited, 0 blocked.",
        panel_query(m.PHONE_CAN_SEND, "phone", by="min"),
        legend="{{integration}} {{tenant}} {{phone}}",
    ),
    Panel(
        "Errors in the health of accounts",
        "What Meta names as the cause where sending is limited or blocked.",
        panel_query(m.HEALTH_ERRORS, "error"),
        legend="{{integration}} {{tenant}} {{error}}",
    ),
    Panel(
        "Templates by status",
        "Paused templates cannot be sent until Meta lifts the pause.",
        panel_query(m.TEMPLATES, "status"),
        legend="{{integration}} {{tenant}} {{status}}",
    ),
    Panel(
        "People per day",
        "To how many people the business may start a conversation in 24 hours.",
        panel_query(m.MESSAGING_LIMIT),
        kind="stat",
    ),
    Panel(
        "Subscribed apps",
        "Apps that get the webhooks of the account. With none, no message comes in.",
        panel_query(m.SUBSCRIBED_APPS),
        kind="stat",
    ),
    Panel(
        "Restricted business accounts",
        "1 where Meta rejected, restricted, disabled or banned the account.",
        panel_query(m.ACCOUNT_RESTRICTED),
        kind="stat",
    ),
    Panel(
        "States of numbers",
        "What Meta reports of each number.",
        panel_query(m.PHONE_INFO, "phone", "status", "name_status", "verification", "mode", "throughput"),
        kind="table",
        legend="{{integration}} {{tenant}} {{phone}}",
    ),
)
