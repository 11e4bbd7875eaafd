"""The keys of `events:`, as types."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from exporter.config.layout_parts import PUBLIC, RAW, Part

Value = Annotated[str, Meta(min_length=1, max_length=120, extra=PUBLIC)]
LabelAllowList = Annotated[
    tuple[Value, ...] | Annotated[int, Meta(ge=0, le=100_000)],
    Meta(description="The values that may appear, as patterns, or how many of the first seen."),
]


class AppMetricPart(Part, frozen=True, kw_only=True):
    """A metric that apps add to by events of the kind `metric`; its series are integration_app_<name>."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
            max_length=80,
            description="The name that events give; that of a counter ends in _total.",
            extra=PUBLIC,
        ),
    ]
    type: Annotated[Literal["gauge", "counter"], Meta(description="What it is.")] = "gauge"
    help: Annotated[str, Meta(min_length=1, max_length=200, description="What it says.", extra=PUBLIC)]
    labels: Annotated[
        dict[str, LabelAllowList], Meta(description="Its labels, and the values that each may have.")
    ] = {}


class EventsPart(Part, frozen=True, kw_only=True):
    """Events that apps report to POST /api/v1/events."""

    allow: Annotated[
        dict[str, LabelAllowList],
        Meta(description="What may become a label, by label: route, widget, endpoint, release and others."),
    ] = {}
    series_limit: Annotated[
        int,
        Meta(ge=100, le=1_000_000, description="Series of one metric; what is beyond is counted, not kept."),
    ] = 10_000
    metrics: Annotated[tuple[Any, ...], Meta(description="Metrics that apps add to.", extra=RAW)] = ()
