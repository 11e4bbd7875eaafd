"""What a dashboard shows of a Resend account, besides its quotas."""

from exporter.core.metric import Metric
from exporter.core.panel import Panel
from exporter.probes.resend import metrics as m

_CHOSEN = 'integration=~"$integration",tenant=~"$tenant",provider="resend"'


def _shown(metric: Metric, *labels: str, matchers: str = "") -> str:
    kept = ", ".join(("integration", "tenant", *labels))
    chosen = f"{_CHOSEN},{matchers}" if matchers else _CHOSEN
    return f"max by ({kept}) ({metric}{{{chosen}}})"


PANELS = (
    Panel(
        "Resend: E-mails by outcome",
        "What became of the e-mails of the last 24 hours.",
        _shown(m.EMAILS, "outcome"),
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "Resend: Domains by status",
        "Mail is sent only from domains that are verified.",
        _shown(m.DOMAINS, "status"),
        legend="{{integration}} {{tenant}} {{status}}",
    ),
    Panel(
        "Resend: Disabled webhook endpoints",
        "Endpoints that Resend no longer calls.",
        _shown(m.WEBHOOK_ENDPOINTS, matchers='status="disabled"'),
        kind="stat",
    ),
    Panel(
        "Resend: Permissions the key lacks",
        "What depends on these permissions is unknown.",
        f"{_shown(m.PERMISSION_MISSING, 'permission')} == 1",
        kind="table",
        legend="{{integration}} {{tenant}} {{permission}}",
    ),
)
