"""Widgets in customers' pages: do they load, and how long does that take?"""

from collections.abc import Iterator
from typing import Literal

from exporter.core.event import (
    FIRST_SEEN,
    Contribution,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    RequiredIdentifier,
    Seconds,
    Tally,
    Text,
)
from exporter.core.event_summary import WIDGET
from exporter.events._widget_alerts import ALERTS
from exporter.events._widget_series import DURATION, FAILURES, LOADED, REASONS

# A script error comes from a widget that was counted when it loaded.
LOADS = frozenset({"loaded", "load_error", "timeout"})


class WidgetEvent(EventFields, tag="widget", kw_only=True):
    """What became of a widget; `error` is the name of the error, without what the customer entered."""

    widget: RequiredIdentifier
    outcome: Literal["loaded", "load_error", "render_failure", "script_error", "timeout"]
    route: Identifier | None = None
    release: Identifier | None = None
    duration: Seconds | None = None
    error: Text | None = None


def read(event: WidgetEvent, context: LabelContext) -> Iterator[Contribution]:
    """Count a load, or a failure, and how long a load took."""
    widget = context.label("widget", event.widget)
    place = (widget, context.label("release", event.release) if event.release else "")
    yield Measurement(LOADED, place, float(event.outcome in LOADS))
    for reason in REASONS:
        yield Measurement(FAILURES, (*place, reason), float(reason == event.outcome))
    took = event.duration if event.outcome == "loaded" else None
    if took is not None:
        yield Measurement(DURATION, (widget,), took)
    yield Tally(WIDGET, *place, "" if event.outcome == "loaded" else event.outcome, seconds=took)


KIND = EventKind(
    "widget",
    "Widgets",
    WidgetEvent,
    read,
    (LOADED, FAILURES, DURATION),
    example={"widget": "donate", "outcome": "loaded"},
    labels={"widget": FIRST_SEEN, "release": FIRST_SEEN},
    columns=("widget", "outcome", "route", "release", "duration", "error"),
    path="/api/v1/widgets",
    alerts=ALERTS,
)
