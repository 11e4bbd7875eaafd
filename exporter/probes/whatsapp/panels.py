"""What a dashboard shows of WhatsApp business accounts."""

from exporter.core.panel import Panel, Tone
from exporter.probes._panels import panel_query
from exporter.probes.whatsapp import metrics as m

PANELS = (
    Panel(
        "Quality of numbers",
        "Meta's rating of each number. A red number may lose its messaging limit.",
        panel_query(m.PHONE_QUALITY, "phone", by="min"),
        kind="states",
        words={3: ("Green", Tone.GOOD), 2: ("Yellow", Tone.WARNING), 1: ("Red", Tone.BAD)},
        legend="{{integration}} {{tenant}} {{phone}}",
    ),
    Panel(
        "Numbers that can send",
        "Whether messages can be sent from each number.",
        panel_query(m.PHONE_CAN_SEND, "phone", by="min"),
        kind="states",
        words={2: ("Available", Tone.GOOD), 1: ("Limited", Tone.WARNING), 0: ("Blocked", Tone.BAD)},
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
        "Whether Meta rejected, restricted, disabled or banned the account.",
        panel_query(m.ACCOUNT_RESTRICTED),
        kind="states",
        words={0: ("Unrestricted", Tone.GOOD), 1: ("Restricted", Tone.BAD)},
    ),
    Panel(
        "States of numbers",
        "What Meta reports of each number.",
        panel_query(m.PHONE_INFO, "phone", "status", "name_status", "verification", "mode", "throughput"),
        kind="table",
        legend="{{integration}} {{tenant}} {{phone}}",
    ),
)
