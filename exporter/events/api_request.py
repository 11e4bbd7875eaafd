"""Requests that the app answered, and calls that it made to vendors: how many fail, and how slow they are."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from exporter.core.event import (
    ROUTES,
    Contribution,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    RequiredIdentifier,
    Seconds,
    Tally,
)
from exporter.core.event_summary import API
from exporter.events._api_request_alerts import ALERTS
from exporter.events._api_request_series import DURATION, FAILURES, REASONS, REQUESTS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
TIMEOUTS = frozenset({408, 504})


class ApiRequestEvent(EventFields, tag="api_request", kw_only=True):
    """A request; `route` is its template, `status` 0 without an answer. `user` is never a label."""

    route: RequiredIdentifier
    method: Annotated[str, Meta(min_length=1, max_length=20)]
    status: Annotated[int, Meta(ge=0, le=999)]
    duration: Seconds
    trace_id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")] | None = None
    user: Identifier | None = None
    address: Identifier | None = None


def read(event: ApiRequestEvent, context: LabelContext) -> Iterator[Contribution]:
    """Count a request and its duration."""
    method = event.method.upper()
    place = (context.label("route", event.route), method if method in METHODS else "other")
    reason = failure_of(event.status)
    yield Measurement(REQUESTS, place)
    for known in REASONS:
        yield Measurement(FAILURES, (*place, known), float(known == reason))
    reference = ("trace_id", event.trace_id) if event.trace_id else None
    yield Measurement(DURATION, place, event.duration, reference)
    yield Tally(API, place[0], place[1], reason, 1, event.duration)


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
    example={"route": "/orders/{id}", "method": "GET", "status": 200, "duration": 0.05},
    labels={"route": ROUTES},
    columns=("route", "method", "status", "duration", "trace_id", "user", "address"),
    path="/api/v1/requests",
    alerts=ALERTS,
)
