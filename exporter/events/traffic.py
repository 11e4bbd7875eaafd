"""Page views: how many, of whom, from where."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from exporter.core.event import (
    ROUTES,
    Contribution,
    EventFields,
    EventKind,
    LabelContext,
    Measurement,
    RequiredIdentifier,
    Tally,
)
from exporter.core.event_summary import COUNTRY, TRAFFIC
from exporter.events._traffic_alerts import ALERTS
from exporter.events._traffic_series import COUNTRIES, VIEWS


class TrafficEvent(EventFields, tag="traffic", kw_only=True):
    """Page views of one route; `country` by ISO 3166-1 alpha-2."""

    route: RequiredIdentifier
    client: Literal["human", "bot", "suspicious"]
    country: Annotated[str, Meta(pattern=r"\A[A-Za-z]{2}\Z")] | None = None
    views: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


def read(event: TrafficEvent, context: LabelContext) -> Iterator[Contribution]:
    """Count page views."""
    route = context.label("route", event.route)
    yield Measurement(VIEWS, (route, event.client), float(event.views))
    yield Tally(TRAFFIC, route, event.client, number=event.views)
    if event.country is not None:
        country = context.label("country", event.country.upper())
        yield Measurement(COUNTRIES, (country,), float(event.views))
        # Apart from the routes: every route in every country would be too many rows.
        yield Tally(COUNTRY, country, event.client, number=event.views)


KIND = EventKind(
    "traffic",
    "Traffic",
    TrafficEvent,
    read,
    (VIEWS, COUNTRIES),
    example={"route": "/", "client": "human"},
    labels={"route": ROUTES, "country": 300},
    columns=("route", "client", "country", "views"),
    path="/api/v1/traffic",
    alerts=ALERTS,
)
