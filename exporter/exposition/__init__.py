"""The body of /metrics: kept as finished text, joined at the scrape."""

from exporter.core.metric import Labels
from exporter.exposition.exposition import Exposition, Turns
from exporter.exposition.lines import Exemplar, Exemplars, Series, bucket_labels, fits
from exporter.exposition.negotiation import CONTENT_TYPES, Format, negotiate
from exporter.exposition.own_process import registry_text

__all__ = [
    "CONTENT_TYPES",
    "Exemplar",
    "Exemplars",
    "Exposition",
    "Format",
    "Labels",
    "Series",
    "Turns",
    "bucket_labels",
    "fits",
    "negotiate",
    "registry_text",
]
