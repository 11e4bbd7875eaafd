"""The series of calls to AI services."""

from exporter.core.metric import Kind, Metric, Scope

REASONS = ("error", "timeout", "rate_limited")

REQUESTS = Metric(
    "integration_ai_requests_total", "Calls to AI services.", Kind.COUNTER, labels=("endpoint",)
)

FAILURES = Metric(
    "integration_ai_request_failures_total",
    "Calls to AI services that failed.",
    Kind.COUNTER,
    labels=("endpoint", "reason"),
)

COST = Metric(
    "integration_ai_cost_usd_total",
    "What calls to AI services cost, as apps report it.",
    Kind.COUNTER,
    "usd",
    ("endpoint",),
)

DURATION = Metric(
    "integration_ai_request_duration_seconds",
    "How long calls to AI services took.",
    Kind.HISTOGRAM,
    "seconds",
    ("endpoint",),
    Scope.INTEGRATION,
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
