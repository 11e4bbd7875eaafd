"""What a dashboard shows of a Resend account, besides its quotas."""

from functools import partial

from exporter.core.panel import Panel
from exporter.probes._panels import panel_query
from exporter.probes.resend import metrics as m

_query = partial(panel_query, provider="resend")

PANELS = (
    Panel(
        "Resend: E-mails by outcome",
        "What became of the e-mails of the last 24 hours.",
        _query(m.EMAILS, "outcome"),
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "Resend: Domains by status",
        "Mail is sent only from domains that are verified.",
        _query(m.DOMAINS, "status"),
        legend="{{integration}} {{tenant}} {{status}}",
    ),
    Panel(
        "Resend: Disabled endpoints",
        "Endpoints that Resend no longer calls.",
        _query(m.WEBHOOK_ENDPOINTS, matchers='status="disabled"'),
        kind="stat",
    ),
    Panel(
        "Resend: Permissions the key lacks",
        "What depends on these permissions is unknown.",
        f"{_query(m.PERMISSION_MISSING, 'permission')} == 1",
        kind="table",
        legend="{{integration}} {{tenant}} {{permission}}",
    ),
)
