"""What every provider on the Graph API exports of its version, its token's scopes and refused readings."""

from dataclasses import dataclass
from functools import cache

from exporter.core.common_metrics import SCHEDULE
from exporter.core.metric import Metric
from exporter.probes._readings import refused_metric


@dataclass(frozen=True)
class GraphMetrics:
    """The metrics of one provider."""

    version_end: Metric
    version_deprecated: Metric
    scope_missing: Metric
    reading_refused: Metric

    @property
    def all(self) -> tuple[Metric, ...]:
        """Every one of them."""
        return (self.version_end, self.version_deprecated, self.scope_missing, self.reading_refused)


@cache
def graph_metrics(provider: str) -> GraphMetrics:
    """Return the metrics of `provider`, under its name."""
    prefix = f"integration_{provider}"
    return GraphMetrics(
        version_end=Metric(
            f"{prefix}_api_version_end_timestamp_seconds",
            "When Meta stops serving the API version that is asked for, at the latest; absent if no end was"
            " announced when this exporter was made." + SCHEDULE,
            unit="seconds",
            labels=("version",),
            dated=True,
        ),
        version_deprecated=Metric(
            f"{prefix}_api_version_deprecated",
            "Whether Meta says that it no longer serves the API version that is asked for (1), or not (0)."
            + SCHEDULE,
            labels=("version",),
            dated=True,
        ),
        scope_missing=Metric(
            f"{prefix}_scope_missing",
            "Whether the token lacks a scope that the integration needs (1), or not (0)." + SCHEDULE,
            labels=("scope",),
        ),
        reading_refused=refused_metric(provider),
    )
