"""Requests that rate limits of apps allowed or blocked."""

from collections.abc import Iterator
from typing import Literal

from exporter.core.event import (
    FIRST_SEEN,
    ROUTES,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    RequiredIdentifier,
)
from exporter.events._rate_limit_alerts import ALERTS
from exporter.events._rate_limit_series import BLOCKS, REQUESTS


class RateLimitEvent(EventFields, tag="rate_limit", kw_only=True):
    """A request that a rate limit judged; `identifier` is stored, never a label."""

    policy: RequiredIdentifier
    endpoint: RequiredIdentifier
    outcome: Literal["allowed", "blocked"]
    identifier: Identifier | None = None


def read(event: RateLimitEvent, context: LabelContext) -> Iterator[Measurement]:
    """Count a request."""
    place = (context.label("policy", event.policy), context.label("route", event.endpoint))
    yield Measurement(REQUESTS, place)
    yield Measurement(BLOCKS, place, float(event.outcome == "blocked"))


KIND = EventKind(
    "rate_limit",
    "Rate limits of apps",
    RateLimitEvent,
    read,
    (REQUESTS, BLOCKS),
    example={"policy": "api", "endpoint": "/api/*", "outcome": "allowed"},
    labels={"policy": FIRST_SEEN, "route": ROUTES},
    columns=("policy", "endpoint", "outcome", "identifier"),
    path="/api/v1/ratelimit-events",
    role="admin",
    alerts=ALERTS,
)
