"""What is exported of a Stripe account. Counts over a window are gauges: they fall as the window moves on."""

from exporter.core.common_metrics import SCHEDULE
from exporter.core.metric import Metric
from exporter.probes._readings import refused_metric


def _gauge(
    name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = (), dated: bool = False
) -> Metric:
    return Metric(f"integration_stripe_{name}", text + SCHEDULE, unit=unit, labels=labels, dated=dated)


BALANCE_AVAILABLE = _gauge(
    "balance_available", "Money that can be paid out, in units of its currency.", labels=("currency",)
)
BALANCE_PENDING = _gauge(
    "balance_pending", "Money that is not yet available, in units of its currency.", labels=("currency",)
)
LIVEMODE = _gauge("livemode", "Whether the key belongs to live mode (1) or to test mode (0).")
API_VERSION = _gauge(
    "api_version_info", "Version of the API that is asked for; always 1.", labels=("version",)
)
PERMISSION_MISSING = _gauge(
    "permission_missing",
    "Whether the key lacks a permission to read (1), so that what depends on it is absent, or not (0).",
    labels=("permission",),
)

READING_REFUSED = refused_metric("stripe")

CHARGES_ENABLED = _gauge("charges_enabled", "Whether the account can take payments (1) or not (0).")
PAYOUTS_ENABLED = _gauge("payouts_enabled", "Whether the account can pay out (1) or not (0).")
DETAILS_SUBMITTED = _gauge(
    "details_submitted", "Whether the account's details were submitted (1) or not (0)."
)
RESTRICTED = _gauge(
    "account_restricted",
    "Whether the account cannot take payments or pay out, or Stripe says why it disabled it (1), or not (0).",
    dated=True,
)
REQUIREMENTS = _gauge(
    "requirements",
    "Pieces of information that Stripe waits for, by state: past_due, currently_due.",
    labels=("state",),
)
REQUIREMENTS_DEADLINE = _gauge(
    "requirements_deadline_timestamp_seconds",
    "When what is currently due must be there; absent if there is no deadline.",
    unit="seconds",
    dated=True,
)
CAPABILITIES_INACTIVE = _gauge("capabilities_inactive", "Capabilities of the account that are inactive.")

WEBHOOK_ENDPOINTS = _gauge(
    "webhook_endpoints",
    "Webhook endpoints by status: enabled, disabled. Those the configuration ignores are not counted.",
    labels=("status",),
)
UNDELIVERED = _gauge(
    "events_undelivered",
    "Events of the last three days that some webhook endpoint has not taken within 15 minutes.",
)
UNDELIVERED_OLDEST = _gauge(
    "events_undelivered_oldest_timestamp_seconds",
    "When the oldest undelivered event that was read was created; absent if there is none.",
    unit="seconds",
)

PAYMENTS = _gauge(
    "payments_window",
    "Attempts to charge in the window, by outcome: succeeded, failed, blocked (by the vendor's own rules).",
    labels=("outcome",),
)
DECLINES = _gauge(
    "declines_window", "Failed charges in the window by family of decline code.", labels=("family",)
)
PAYMENTS_WINDOW = _gauge(
    "payments_window_seconds",
    "Length of the window of payments and declines; shorter than configured when the pages read end earlier.",
    unit="seconds",
)
PAYMENTS_DAILY = _gauge(
    "payments_daily",
    "Successful charges of the last 24 hours, extrapolated where the pages read reach back less far.",
)
FRAUD_WARNINGS = _gauge("fraud_warnings_window", "Early fraud warnings of the last 24 hours.")
DISPUTES = _gauge("disputes_window", "Disputes opened in the last 24 hours.")
PAYOUTS = _gauge(
    "payouts_window",
    "Payouts created in the last seven days by status: paid, pending, in_transit, canceled, failed, other.",
    labels=("status",),
)
TRUNCATED = _gauge(
    "list_truncated",
    "Whether a list held more than the pages read (1), so that its count is a lower bound, or not (0).",
    labels=("list",),
)

METRICS = (
    BALANCE_AVAILABLE,
    BALANCE_PENDING,
    LIVEMODE,
    API_VERSION,
    PERMISSION_MISSING,
    READING_REFUSED,
    CHARGES_ENABLED,
    PAYOUTS_ENABLED,
    DETAILS_SUBMITTED,
    RESTRICTED,
    REQUIREMENTS,
    REQUIREMENTS_DEADLINE,
    CAPABILITIES_INACTIVE,
    WEBHOOK_ENDPOINTS,
    UNDELIVERED,
    UNDELIVERED_OLDEST,
    PAYMENTS,
    DECLINES,
    PAYMENTS_WINDOW,
    PAYMENTS_DAILY,
    FRAUD_WARNINGS,
    DISPUTES,
    PAYOUTS,
    TRUNCATED,
)
