"""The series of requests."""

from exporter.core.metric import Kind, Metric, Scope

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)

REASONS = ("client", "server", "timeout")

REQUESTS = Metric(
    "integration_api_requests_total",
    "Requests that apps answered; with an integration, calls that they made to it.",
    Kind.COUNTER,
    labels=("route", "method"),
)

FAILURES = Metric(
    "integration_api_request_failures_total",
    "Requests that failed: by the client (4xx), the server (5xx), or too late (408, 504, no answer).",
    Kind.COUNTER,
    labels=("route", "method", "reason"),
)

DURATION = Metric(
    "integration_api_request_duration_seconds",
    "How long requests took.",
    Kind.HISTOGRAM,
    "seconds",
    ("route", "method"),
    Scope.INTEGRATION,
    buckets=BUCKETS,
)
