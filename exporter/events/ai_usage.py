"""Calls to AI services: how many fail, how long they take, what they cost."""

from collections.abc import Iterator

from exporter.core.event import (
    FIRST_SEEN,
    Contribution,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    Money,
    RequiredIdentifier,
    Seconds,
    Tally,
    Text,
)
from exporter.core.event_summary import AI
from exporter.events._ai_usage_alerts import ALERTS
from exporter.events._ai_usage_series import COST, DURATION, FAILURES, REASONS, REQUESTS
from exporter.events._references import reference_of

OK = frozenset({"ok", "success", "succeeded", "completed"})


class AiUsageEvent(EventFields, tag="ai_usage", kw_only=True):
    """A call; `status` is ok, or what went wrong (error, timeout, rate_limited); `cost` in USD."""

    endpoint: RequiredIdentifier
    status: RequiredIdentifier
    duration: Seconds | None = None
    cost: Money | None = None
    request_id: Identifier | None = None
    error: Text | None = None


def read(event: AiUsageEvent, context: LabelContext) -> Iterator[Contribution]:
    """Count a call, its cost and its duration."""
    endpoint = context.label("endpoint", event.endpoint)
    status = event.status.lower()
    reason = "" if status in OK else status if status in REASONS else "error"
    yield Measurement(REQUESTS, (endpoint,))
    for known in REASONS:
        yield Measurement(FAILURES, (endpoint, known), float(known == reason))
    if event.cost is not None:
        yield Measurement(COST, (endpoint,), event.cost)
    if event.duration is not None:
        reference = reference_of("request_id", event.request_id)
        yield Measurement(DURATION, (endpoint,), event.duration, reference)
    yield Tally(AI, endpoint, outcome=reason, seconds=event.duration, amount=event.cost or 0.0)


KIND = EventKind(
    "ai_usage",
    "AI usage",
    AiUsageEvent,
    read,
    (REQUESTS, FAILURES, COST, DURATION),
    example={"endpoint": "fal-ai/flux", "status": "ok"},
    labels={"endpoint": FIRST_SEEN},
    columns=("endpoint", "status", "duration", "cost", "request_id", "error"),
    path="/api/v1/costs",
    alerts=ALERTS,
)
