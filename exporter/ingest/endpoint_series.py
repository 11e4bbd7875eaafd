"""How endpoints answer, as series: of those alone that are there."""

from collections.abc import Iterable

from exporter.core import webhook_metrics as m
from exporter.core.metric import Metric
from exporter.endpoints.entry import EndpointEntry
from exporter.ingest.counters import EventCounters, LabelValues


def show_endpoints(counters: EventCounters, entries: Iterable[EndpointEntry]) -> None:
    """Set the series of each endpoint, and forget those of endpoints that are gone or never answered."""
    values: dict[Metric, dict[LabelValues, float]] = {
        metric: {} for metric in (m.ENDPOINT_UP, m.ENDPOINT_LAST_SUCCESS, m.ENDPOINT_CERTIFICATE)
    }
    for entry in entries:
        place: LabelValues = ("", "", entry.endpoint.tenant, entry.endpoint.name)
        facts = entry.facts
        if facts is None or facts.up is None:
            continue
        values[m.ENDPOINT_UP][place] = float(facts.up and entry.sends)
        if facts.last_success is not None:
            values[m.ENDPOINT_LAST_SUCCESS][place] = facts.last_success
        if facts.certificate_expiry is not None:
            values[m.ENDPOINT_CERTIFICATE][place] = facts.certificate_expiry
    for metric, found in values.items():
        counters.keep(metric, found.__contains__)
        for place, value in found.items():
            if counters.value(metric, place) != value:
                counters.set(metric, place, value)
