"""Which metrics a configuration exports, and of which integrations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.config.sections.integrations.build import BuiltTargets
from exporter.core.common_metrics import INTEGRATION_SERIES, TARGET_SERIES
from exporter.core.metric import Metric

Exporter = tuple[str, str, str]
"""Name and provider of an integration, and the first of its tenants, "" without any."""


@dataclass(frozen=True)
class ExportedMetric:
    """A metric and the integrations that export it."""

    metric: Metric
    exporters: tuple[Exporter, ...]


def exported_metrics(built: Iterable[BuiltTargets]) -> Mapping[str, ExportedMetric]:
    """Return every metric of the integrations by name."""
    found: dict[str, tuple[Metric, list[Exporter]]] = {}
    for one in built:
        tenant = one.targets[0].tenant if one.targets else ""
        exporter = (one.integration.name, one.integration.probe.name, tenant)
        own = [metric for metric, _, _ in one.layers.metrics] if one.layers else []
        # Once: rows of tenants that ask for the same metric each name it.
        for metric in dict.fromkeys(
            (*TARGET_SERIES, *INTEGRATION_SERIES, *one.integration.probe.metrics, *own)
        ):
            found.setdefault(metric.name, (metric, []))[1].append(exporter)
    return {name: ExportedMetric(metric, tuple(some)) for name, (metric, some) in found.items()}
