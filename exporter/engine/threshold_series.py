"""The series of thresholds, which the rules of alerts compare measured values with."""

from collections.abc import Iterable

from exporter.core.threshold import Threshold
from exporter.exposition import Exposition


class ThresholdSeries:
    """All thresholds of the configuration in the exposition."""

    def __init__(self, exposition: Exposition) -> None:
        """Start without thresholds."""
        self._exposition = exposition

    def apply(self, thresholds: Iterable[Threshold]) -> None:
        """Show exactly `thresholds`: they are one block, for they change by a reload alone."""
        series = [(threshold.family.metric, threshold.labels, threshold.value) for threshold in thresholds]
        self._exposition.put("thresholds", (), series)
