"""Counters by integration: the only place where runs are counted."""

from collections import Counter
from dataclasses import dataclass, field

from exporter.core import common_metrics
from exporter.core.configuration import Integration
from exporter.core.metric import Labels, Metric
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.core.service_level import USUAL_WINDOW, ServiceLevel
from exporter.exposition import Exemplar, Exemplars, Exposition
from exporter.exposition.lines import Series

CASES = frozenset({common_metrics.SCHEMA_DRIFT, common_metrics.API_CALLS, common_metrics.DEFERRED})
"""Counters of what does not happen to every integration."""


@dataclass
class Counters:
    """Counts of one integration since the start.

    `counted` are those of CASES that can apply: they are shown from 0 on. `failures` has the reasons that
    there were: a counter of each reason from 0 on would be a fourth of the answer where integrations have one
    target each, and no rule needs it. `last` are the newest failures by reason: their trace ids lead from a
    rise on a graph to the story of a run. `last_rare` are the `rare_values` of when all series were last
    shown, empty if never.
    """

    critical: bool
    counted: frozenset[Metric] = CASES - {common_metrics.DEFERRED}
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    probes: int = 0
    drift: int = 0
    calls: int = 0
    deferred: int = 0
    failures: Counter[Reason] = field(default_factory=Counter)
    last: dict[Reason, Exemplar] = field(default_factory=dict)
    last_rare: tuple[float, ...] = ()

    def count(self, result: Result) -> None:
        """Count one run; a target that is not configured was not run."""
        self.calls += result.calls
        if result.reason is Reason.NOT_CONFIGURED:
            return
        self.probes += 1
        self.drift += len(result.drift)
        if result.reason is not None:
            self.failures[result.reason] += 1
            if result.trace_id:
                # The end of the run, not its start: runs end in the order in which they are counted, and
                # Prometheus takes no exemplar that is older than the last.
                end = round(result.at + result.duration_seconds, 3)
                self.last[result.reason] = Exemplar((("trace_id", result.trace_id),), 1.0, end)

    def rare_values(self) -> tuple[float, ...]:
        """Return what a good run leaves as it is; when it is not `last_rare`, all series are to be shown."""
        level = self.service_level
        failures = sum(self.failures.values())
        return (self.critical, level.objective, level.window, self.drift, self.deferred, failures)

    def show(self, exposition: Exposition, integration: Integration) -> None:
        """Bring what changed since the last time into the exposition."""
        key, labels = ("integration", integration.name), integration_labels(integration)
        rare = self.rare_values()
        if rare != self.last_rare:
            self.last_rare = rare
            exposition.put(key, labels, self.series(), self.exemplars())
        elif not exposition.move(key, [(metric.name, (value,)) for metric, _, value in self.usual_series()]):
            exposition.update(key, labels, self.usual_series())

    def usual_series(self) -> list[tuple[Metric, Labels, float]]:
        """Return the series that every run changes."""
        found = [(common_metrics.PROBES, self.probes)]
        if common_metrics.API_CALLS in self.counted:
            found.append((common_metrics.API_CALLS, self.calls))
        return [(metric, (), float(number)) for metric, number in found]

    def series(self) -> list[Series]:
        """Return the series, without the labels of the integration."""
        # From 0 on, because rules look for their increase: the first one must be seen.
        numbers = ((common_metrics.SCHEMA_DRIFT, self.drift), (common_metrics.DEFERRED, self.deferred))
        rare = [(metric, number) for metric, number in numbers if number or metric in self.counted]
        plain: list[Series] = [
            (common_metrics.CRITICAL, (), float(self.critical)),
            *self._service_level(),
            *self.usual_series(),
            *((metric, (), float(number)) for metric, number in rare),
        ]
        failed = [
            (common_metrics.PROBE_FAILURES, (("reason", reason.value),), float(n))
            for reason, n in self.failures.items()
        ]
        return [*plain, *failed]

    def _service_level(self) -> list[Series]:
        level = self.service_level
        if not level.objective:
            return []
        found: list[Series] = [(common_metrics.SLO_OBJECTIVE, (), level.objective)]
        if level.window != USUAL_WINDOW:  # rules know it
            found.append((common_metrics.SLO_WINDOW, (), level.window))
        return found

    def exemplars(self) -> Exemplars:
        """Return the newest failure of each reason that failed, by its series."""
        return {
            (common_metrics.PROBE_FAILURES, (("reason", reason.value),)): exemplar
            for reason, exemplar in self.last.items()
        }


def integration_labels(integration: Integration) -> Labels:
    """Return the labels that every series of an integration carries."""
    return (("integration", integration.name), ("provider", integration.probe.name))
