"""What is exported of a Twilio account. Counts over a window are gauges: they fall as the window moves on."""

from exporter.core.common_metrics import COST_MONTH, COST_TODAY, PREPAID_BALANCE, SCHEDULE
from exporter.core.metric import Metric
from exporter.probes._readings import refused_metric


def _gauge(
    name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = (), dated: bool = False
) -> Metric:
    return Metric(f"integration_twilio_{name}", text + SCHEDULE, unit=unit, labels=labels, dated=dated)


PERMISSION_MISSING = _gauge(
    "permission_missing",
    "Whether the credential may not read something (1), so that what depends on it is absent, or may (0).",
    labels=("permission",),
)
READING_REFUSED = refused_metric("twilio")
INACTIVE = _gauge(
    "account_inactive",
    "Whether Twilio says that the account is suspended, closed or not active (1) or serves it (0).",
    dated=True,
)
TRIAL = _gauge(
    "account_trial", "Whether it is a trial account, which reaches verified numbers only (1), or not (0)."
)
CONCURRENT = _gauge(
    "concurrent_requests", "Concurrent requests of the account that Twilio saw, ours included."
)
REQUEST_DURATION = _gauge(
    "request_duration_seconds",
    "How long the first call of the probe took inside Twilio, by its own account.",
    unit="seconds",
)
SPEND = _gauge(
    "spend",
    "What Twilio charges for today or this month (UTC) so far, in units of its currency.",
    labels=("period", "currency"),
)

MESSAGES = _gauge(
    "messages_window",
    "Outgoing messages in the window by channel (sms, whatsapp, other) and outcome: delivered, undelivered,"
    " failed, sent (may still arrive), pending, other (such as canceled).",
    labels=("channel", "outcome"),
)
FAILURES = _gauge(
    "message_failures_window",
    "Messages in the window that were undelivered or failed, by family of error code.",
    labels=("family",),
)
MESSAGES_WINDOW = _gauge(
    "messages_window_seconds",
    "Length of the window of messages; shorter than configured when the pages read end earlier.",
    unit="seconds",
)
WEBHOOK_FAILURES = _gauge(
    "webhook_failures_window",
    "Requests to our webhooks that failed in the last hour, by Twilio's error code; other for codes nobody"
    " documents.",
    labels=("code",),
)
OTHER_ALERTS = _gauge(
    "other_alerts_window", "Errors in Twilio's Monitor in the last hour that are not about webhooks."
)
TRUNCATED = _gauge(
    "list_truncated",
    "Whether a list held more than the pages read (1), so that its count is a lower bound, or not (0).",
    labels=("list",),
)

SENDERS = _gauge(
    "whatsapp_senders",
    "WhatsApp senders by status: online, offline, pending (being made, verified or reviewed), draft, other.",
    labels=("status",),
)
QUALITY = _gauge(
    "whatsapp_senders_quality",
    "WhatsApp senders by quality rating: high, medium, low, unknown.",
    labels=("rating",),
)
SENDER_LIMIT = _gauge(
    "whatsapp_messaging_limit",
    "Smallest number of customers that one of the WhatsApp senders may write to first in 24 hours.",
)
NUMBER_OWNED = _gauge(
    "phone_number_owned", "Whether the configured phone number belongs to the account (1) or not (0)."
)

METRICS = (
    PREPAID_BALANCE,
    COST_TODAY,
    COST_MONTH,
    PERMISSION_MISSING,
    READING_REFUSED,
    INACTIVE,
    TRIAL,
    CONCURRENT,
    REQUEST_DURATION,
    SPEND,
    MESSAGES,
    FAILURES,
    MESSAGES_WINDOW,
    WEBHOOK_FAILURES,
    OTHER_ALERTS,
    TRUNCATED,
    SENDERS,
    QUALITY,
    SENDER_LIMIT,
    NUMBER_OWNED,
)
