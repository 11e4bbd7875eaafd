"""Figures of webhooks, as several answers have them."""

from exporter.server.contracts._contract import Answer, Count, Ratio, Reasons, Seconds


class WebhookCounts(Answer, kw_only=True):
    """Attempts to receive or deliver."""

    attempts: Count
    failed: Count
    dead: Count
    success_ratio: Ratio | None
    p50_seconds: Seconds | None
    p95_seconds: Seconds | None
    reasons: Reasons


class BothWays(WebhookCounts, kw_only=True):
    """The same for each direction as well."""

    inbound: WebhookCounts
    outbound: WebhookCounts
