"""Holds metrics that depend on options to one name, one help and one label set."""

from collections.abc import Iterable

from exporter.config.load_context import LoadContext
from exporter.config.sections.integrations.build import BuiltTargets
from exporter.core.metric import Metric


def check_clashes(context: LoadContext, built: Iterable[BuiltTargets]) -> None:
    """Refuse options that ask for a metric that exists already with another help, unit or label set."""
    catalogue = context.catalogue
    known: dict[str, Metric] = {
        metric.name: metric for probe in catalogue.probes.values() for metric in probe.metrics
    }
    known.update({family.metric.name: family.metric for family in catalogue.families.values()})
    for integration in built:
        for metric, path, converter in integration.layers.metrics if integration.layers else ():
            first = known.setdefault(metric.name, metric)
            if first != metric:
                converter.add_error(
                    path,
                    f"the metric {metric.name} is also defined with another help, unit or labels",
                    "give it the same help and labels everywhere, or another name",
                )
