"""What a configuration may name: handed in, because configuration is below the probes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.probe import Probe
from exporter.core.signature import Scheme
from exporter.core.threshold import ThresholdFamily


@dataclass(frozen=True)
class Catalogue:
    """Every provider, every family of thresholds and every scheme of signatures, by name.

    `alerts` are the names of all alerts, `records` those of all recorded series, `event_labels` those of
    the allow-lists of events.
    """

    probes: Mapping[str, Probe]
    families: Mapping[str, ThresholdFamily]
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    alerts: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    event_labels: frozenset[str] = frozenset()
