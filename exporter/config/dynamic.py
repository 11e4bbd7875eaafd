"""Holds metrics that depend on options to one name, one help and one label set."""

from collections.abc import Iterable

from exporter.config.integrations import Built
from exporter.config.reading import Reading
from exporter.core.metric import Metric


def blame_clashes(reading: Reading, built: Iterable[Built]) -> None:
    """Blame options that ask for a metric that exists already with another help, unit or label set."""
    catalogue = reading.catalogue
    known: dict[str, Metric] = {
        metric.name: metric for probe in catalogue.probes.values() for metric in probe.metrics
    }
    known.update({family.metric.name: family.metric for family in catalogue.families.values()})
    for integration in built:
        for metric, path, fitter in integration.layers.metrics if integration.layers else ():
            first = known.setdefault(metric.name, metric)
            if first != metric:
                fitter.blame(
                    path,
                    f"the metric {metric.name} is also defined with another help, unit or labels",
                    "give it the same help and labels everywhere, or another name",
                )
