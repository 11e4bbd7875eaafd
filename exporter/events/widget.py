"""Widgets in customers' pages: do they load, and how long does that take?"""

from collections.abc import Iterator
from typing import Literal

from exporter.core.event import (
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    Seconds,
    Text,
)
from exporter.core.metric import Kind, Metric, Scope

REASONS = ("load_error", "render_failure", "script_error", "timeout")
# A script error comes from a widget that was counted when it loaded.
LOADS = frozenset({"loaded", "load_error", "timeout"})

LOADED = Metric(
    "integration_widget_loads_total",
    "Attempts to load a widget.",
    Kind.COUNTER,
    labels=("widget", "release"),
)
FAILURES = Metric(
    "integration_widget_failures_total",
    "Widgets that could not be loaded or rendered, or whose script failed.",
    Kind.COUNTER,
    labels=("widget", "release", "reason"),
)
DURATION = Metric(
    "integration_widget_load_duration_seconds",
    "How long widgets took to load.",
    Kind.HISTOGRAM,
    "seconds",
    ("widget",),
    Scope.INTEGRATION,
    buckets=(0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0),
)


class WidgetEvent(EventFields, tag="widget", kw_only=True):
    """What became of a widget; `error` is the name of the error, without what the customer entered."""

    widget: Identifier
    outcome: Literal["loaded", "load_error", "render_failure", "script_error", "timeout"]
    route: Identifier | None = None
    release: Identifier | None = None
    duration: Seconds | None = None
    error: Text | None = None


def read(event: WidgetEvent, context: LabelContext) -> Iterator[Measurement]:
    """Count a load, or a failure, and how long a load took."""
    widget = context.label("widget", event.widget)
    place = (widget, context.label("release", event.release) if event.release else "")
    yield Measurement(LOADED, place, float(event.outcome in LOADS))
    for reason in REASONS:
        yield Measurement(FAILURES, (*place, reason), float(reason == event.outcome))
    if event.outcome == "loaded" and event.duration is not None:
        yield Measurement(DURATION, (widget,), event.duration)


KIND = EventKind(
    "widget",
    "Widgets",
    WidgetEvent,
    read,
    (LOADED, FAILURES, DURATION),
    columns=("widget", "outcome", "route", "release", "duration", "error"),
    path="/api/v1/widgets",
)
