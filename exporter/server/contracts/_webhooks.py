"""Figures of webhooks, as several answers have them."""

from exporter.server.contracts._contract import AnswerPart, DurationSeconds, Natural, Ratio, Reasons


class WebhookCounts(AnswerPart, kw_only=True):
    """Attempts to receive or deliver."""

    attempts: Natural
    failed: Natural
    dead: Natural
    success_ratio: Ratio | None
    p50_seconds: DurationSeconds | None
    p95_seconds: DurationSeconds | None
    reasons: Reasons


class BothWays(WebhookCounts, kw_only=True):
    """The same for each direction as well."""

    inbound: WebhookCounts
    outbound: WebhookCounts
