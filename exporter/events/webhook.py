"""Webhooks that the app processed or sent by itself: how long that took, and whether it worked."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from exporter.core import webhook_metrics as m
from exporter.core.event import (
    FIRST_SEEN,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    RequiredIdentifier,
    Seconds,
    Text,
)
from exporter.events._references import reference_of

REASONS = {"failed": "app", "timeout": "timeout", "refused": "refused"}


class WebhookEvent(EventFields, tag="webhook", kw_only=True):
    """A webhook: `processed` (inbound), `delivered` (outbound), or what went wrong."""

    source: RequiredIdentifier
    outcome: Literal["processed", "delivered", "failed", "timeout", "refused"]
    direction: Literal["inbound", "outbound"] = "inbound"
    type: Identifier | None = None
    duration: Seconds | None = None
    attempt: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    event_id: Identifier | None = None
    error: Text | None = None


def read(event: WebhookEvent, context: LabelContext) -> Iterator[Measurement]:
    """Count a webhook, unless it came through us: then the way in or the forwarding has counted it."""
    known = event.direction == "inbound" and event.source in context.sources
    source = event.source if known else context.label("source", event.source)
    place = (source, event.direction)
    if not known:
        reason = REASONS.get(event.outcome)
        yield Measurement(m.EVENTS, place)
        yield Measurement(m.EVENT_FAILURES, (*place, reason or "app"), float(reason is not None))
    # The answer of an app to what is forwarded shows how long it took; of others the event alone does.
    if event.duration is not None and not (known and context.sources[event.source]):
        reference = reference_of("event_id", event.event_id)
        yield Measurement(m.PROCESSING_DURATION, place, event.duration, reference)


KIND = EventKind(
    "webhook",
    "Webhooks of apps",
    WebhookEvent,
    read,
    (m.EVENTS, m.EVENT_FAILURES, m.PROCESSING_DURATION),
    example={"source": "shop", "outcome": "processed"},
    labels={"source": FIRST_SEEN},
    columns=("source", "direction", "type", "outcome", "duration", "attempt", "event_id", "error"),
    path="/api/v1/webhook-events",
    retention="webhooks",
    durable=True,
)
