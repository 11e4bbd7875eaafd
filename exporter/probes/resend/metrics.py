"""What is exported of a Resend account, besides the quotas and rate limits that all providers share."""

from exporter.core.common_metrics import (
    QUOTA_LIMIT,
    QUOTA_RESET,
    QUOTA_USED,
    RATE_LIMIT_LIMIT,
    RATE_LIMIT_REMAINING,
    RATE_LIMIT_RESET,
    SCHEDULE,
)
from exporter.core.metric import Metric
from exporter.probes._readings import refused_metric


def _gauge(name: str, text: str, *, labels: tuple[str, ...] = ()) -> Metric:
    return Metric(f"integration_resend_{name}", text + SCHEDULE, labels=labels)


ALLOCATION_USED = _gauge(
    "allocation_used",
    "How many things of a kind the account has: contacts, segments, broadcasts, domains.",
    labels=("resource",),
)
ALLOCATION_LIMIT = _gauge(
    "allocation_limit",
    "How many things of a kind the account may have; absent where there is no limit.",
    labels=("resource",),
)
DOMAINS = _gauge(
    "domains",
    "Sending domains by status: verified, pending, not_started, partially_verified, partially_failed,"
    " temporary_failure (its records are gone; Resend looks for them for 72 hours before it fails), failed,"
    " other. Those the configuration ignores are not counted.",
    labels=("status",),
)
WEBHOOK_ENDPOINTS = _gauge(
    "webhook_endpoints",
    "Webhook endpoints by status: enabled, disabled. Those the configuration ignores are not counted.",
    labels=("status",),
)
EMAILS = _gauge(
    "emails_window",
    "E-mails of the last 24 hours by outcome: sent (all), delivered, bounced, complained, failed.",
    labels=("outcome",),
)
PERMISSION_MISSING = _gauge(
    "permission_missing",
    "Whether the key lacks a permission to read (1), so that what depends on it is absent, or not (0).",
    labels=("permission",),
)
READING_REFUSED = refused_metric("resend")
TRUNCATED = _gauge(
    "list_truncated",
    "Whether a list held more than the pages read (1), so that its count is a lower bound, or not (0).",
    labels=("list",),
)

METRICS = (
    QUOTA_USED,
    QUOTA_LIMIT,
    QUOTA_RESET,
    RATE_LIMIT_REMAINING,
    RATE_LIMIT_LIMIT,
    RATE_LIMIT_RESET,
    ALLOCATION_USED,
    ALLOCATION_LIMIT,
    DOMAINS,
    WEBHOOK_ENDPOINTS,
    EMAILS,
    PERMISSION_MISSING,
    READING_REFUSED,
    TRUNCATED,
)
