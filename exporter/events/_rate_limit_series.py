"""The series of rate limits of apps."""

from exporter.core.metric import Kind, Metric, Scope

REQUESTS = Metric(
    "integration_ratelimit_requests_total",
    "Requests that a rate limit judged.",
    Kind.COUNTER,
    labels=("policy", "endpoint"),
    scope=Scope.TENANT,
)

BLOCKS = Metric(
    "integration_ratelimit_blocks_total",
    "Requests that a rate limit blocked.",
    Kind.COUNTER,
    labels=("policy", "endpoint"),
    scope=Scope.TENANT,
)
