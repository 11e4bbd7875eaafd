"""Requests that the app answered, and calls that it made to vendors: how many fail, and how slow they are."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from exporter.core.event import EventFields, EventKind, Identifier, LabelContext, Measurement, Seconds
from exporter.core.metric import Kind, Metric, Scope

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
TIMEOUTS = frozenset({408, 504})
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


class ApiRequestEvent(EventFields, tag="api_request", kw_only=True):
    """A request; `route` is its template, `status` 0 without an answer. `user` is never a label."""

    route: Identifier
    method: Annotated[str, Meta(max_length=20)]
    status: Annotated[int, Meta(ge=0, le=999)]
    duration: Seconds
    trace_id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")] | None = None
    user: Identifier | None = None
    address: Identifier | None = None


def read(event: ApiRequestEvent, context: LabelContext) -> Iterator[Measurement]:
    """Count a request and its duration."""
    method = event.method.upper()
    place = (context.label("route", event.route), method if method in METHODS else "other")
    reason = failure_of(event.status)
    yield Measurement(REQUESTS, place)
    for known in REASONS:
        yield Measurement(FAILURES, (*place, known), float(known == reason))
    yield Measurement(DURATION, place, event.duration)


def failure_of(status: int) -> str:
    """Return why a request with that status failed, "" where it did not."""
    if status == 0 or status in TIMEOUTS:
        return "timeout"
    return "server" if status >= 500 else "client" if status >= 400 else ""


KIND = EventKind(
    "api_request",
    "Requests",
    ApiRequestEvent,
    read,
    (REQUESTS, FAILURES, DURATION),
    columns=("route", "method", "status", "duration", "trace_id", "user", "address"),
    path="/api/v1/requests",
)
