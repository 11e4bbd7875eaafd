"""What a dashboard shows of a Twilio account."""

from exporter.core.panel import Panel
from exporter.probes._panels import panel_query
from exporter.probes.twilio import metrics as m

PANELS = (
    Panel(
        "Messages by outcome",
        "Outgoing messages with a final outcome, in the window that ended at the last reading.",
        panel_query(m.MESSAGES, "channel", "outcome", matchers='outcome=~"delivered|undelivered|failed"'),
        legend="{{integration}} {{tenant}} {{channel}} {{outcome}}",
    ),
    Panel(
        "Failed messages by family",
        "Messages that did not arrive: account, limit, sender and registration lie with the account,"
        " recipient with the number, carrier with the way, template with WhatsApp's rules, webhook with our"
        " own servers.",
        panel_query(m.FAILURES, "family"),
        legend="{{integration}} {{tenant}} {{family}}",
    ),
    Panel(
        "Failed webhook requests",
        "Requests of the last hour that Twilio could not make to us, by its error code.",
        panel_query(m.WEBHOOK_FAILURES, "code"),
        legend="{{integration}} {{tenant}} {{code}}",
    ),
    Panel(
        "Twilio cost",
        "What today and this month cost so far, in units of the currency.",
        panel_query(m.SPEND, "period", "currency"),
        legend="{{integration}} {{tenant}} {{period}} {{currency}}",
    ),
    Panel(
        "WhatsApp senders by status",
        "Senders that are not online cannot send.",
        f"{panel_query(m.SENDERS, 'status')} > 0",
        kind="table",
        legend="{{integration}} {{tenant}} {{status}}",
        column="Senders",
    ),
    Panel(
        "Concurrent requests",
        "What Twilio saw at the last probe; too many are refused with 429.",
        panel_query(m.CONCURRENT),
    ),
    Panel(
        "Permissions the credential lacks",
        "What depends on these permissions is unknown.",
        f"{panel_query(m.PERMISSION_MISSING, 'permission')} == 1",
        kind="table",
        legend="{{integration}} {{tenant}} {{permission}}",
    ),
)
