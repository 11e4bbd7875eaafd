"""Page views: how many, of whom, from where."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from exporter.core.event import EventFields, EventKind, Identifier, LabelContext, Measurement
from exporter.events._traffic_alerts import ALERTS
from exporter.events._traffic_series import COUNTRIES, VIEWS


class TrafficEvent(EventFields, tag="traffic", kw_only=True):
    """Page views of one route; `country` by ISO 3166-1 alpha-2."""

    route: Identifier
    client: Literal["human", "bot", "suspicious"]
    country: Annotated[str, Meta(pattern=r"\A[A-Za-z]{2}\Z")] | None = None
    views: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


def read(event: TrafficEvent, context: LabelContext) -> Iterator[Measurement]:
    """Count page views."""
    yield Measurement(VIEWS, (context.label("route", event.route), event.client), float(event.views))
    if event.country is not None:
        country = context.label("country", event.country.upper())
        yield Measurement(COUNTRIES, (country,), float(event.views))


KIND = EventKind(
    "traffic",
    "Traffic",
    TrafficEvent,
    read,
    (VIEWS, COUNTRIES),
    columns=("route", "client", "country", "views"),
    path="/api/v1/traffic",
    alerts=ALERTS,
)
