"""Values of metrics that the configuration declares: what an app wants to add."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, field

from exporter.core.event import (
    EventError,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    RequiredIdentifier,
)


class MetricEvent(EventFields, tag="metric", kw_only=True):
    """A value: what a gauge is now, or by how much a counter rises."""

    name: RequiredIdentifier
    value: Annotated[float, Meta(ge=-1e15, le=1e15)]
    labels: dict[str, Identifier] = field(default_factory=dict)


def read(event: MetricEvent, context: LabelContext) -> Iterator[Measurement]:
    """Take the value of a declared metric; another one is refused."""
    metric = context.declared(event.name)
    if metric is None:
        raise EventError("unknown_metric", "/name", "no metric of that name is declared in events.metrics")
    if event.labels.keys() != set(metric.labels):
        raise EventError("bad_labels", "/labels", f"the metric has the labels {', '.join(metric.labels)}")
    if metric.name.endswith("_total") and event.value < 0:
        raise EventError("bad_value", "/value", "a counter cannot fall")
    labels = tuple(context.label(f"{event.name}.{name}", event.labels[name]) for name in metric.labels)
    yield Measurement(metric, labels, event.value)


KIND = EventKind(
    "metric",
    "Metrics of apps",
    MetricEvent,
    read,
    (),
    example={"name": "jobs_waiting", "value": 3, "labels": {"queue": "mail"}},
    retention=None,
)
