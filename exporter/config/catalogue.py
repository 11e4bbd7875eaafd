"""What a configuration may name: handed in, because configuration is below the probes."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.core.probe import Probe
from exporter.core.threshold import ThresholdFamily


@dataclass(frozen=True)
class Catalogue:
    """Every provider by name, and every family of thresholds by name."""

    probes: Mapping[str, Probe]
    families: Mapping[str, ThresholdFamily]
