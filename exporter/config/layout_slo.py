"""The key `slo:`, of `defaults` and of an integration."""

from typing import Annotated, Literal

from msgspec import Meta

from exporter.config.layout_parts import Part


class SloPart(Part, frozen=True):
    """How available an integration is meant to be; alerts and the error budget follow from it."""

    objective: Annotated[
        Annotated[float, Meta(ge=0, lt=100)] | None,
        Meta(description="Percent of the time in which probes succeed, 99.5 by default; 0 is no objective."),
    ] = None
    window: Annotated[
        Literal["7d", "28d", "30d"] | None,
        Meta(description="Over which time, 30d by default. Prometheus must keep its series as long."),
    ] = None
