"""The series of thresholds, which the rules of alerts compare measured values with."""

from collections.abc import Sequence
from operator import is_

from exporter.core.metric import Labels
from exporter.core.threshold import Threshold
from exporter.exposition import Exposition

ThresholdOwner = tuple[str, str]
"""Integration and provider that a threshold is of, both "" where it belongs to a tenant alone."""


class ThresholdSeries:
    """All thresholds of the configuration in the exposition, those of an integration as one block."""

    def __init__(self, exposition: Exposition) -> None:
        """Start without thresholds."""
        self._exposition = exposition
        self._sources: tuple[Sequence[Threshold], ...] = ()
        self._shown: dict[ThresholdOwner, list[Threshold]] = {}

    def apply(self, sources: tuple[Sequence[Threshold], ...]) -> None:
        """Show exactly the thresholds of `sources`; they change by a reload alone."""
        if len(sources) == len(self._sources) and all(map(is_, sources, self._sources)):
            return
        self._sources = sources
        found: dict[ThresholdOwner, list[Threshold]] = {}
        for source in sources:
            for one in source:
                found.setdefault((one.integration, one.provider), []).append(one)
        for owner in self._shown.keys() - found.keys():
            self._exposition.drop(("thresholds", owner))
        for owner, thresholds in found.items():
            if self._shown.get(owner) != thresholds:
                self._put(owner, thresholds)
        self._shown = found

    def _put(self, owner: ThresholdOwner, thresholds: list[Threshold]) -> None:
        integration, provider = owner
        common: Labels = (("integration", integration), ("provider", provider)) if integration else ()
        series = [(one.family.metric, one.labels, one.value) for one in thresholds]
        self._exposition.put(("thresholds", owner), common, series)
