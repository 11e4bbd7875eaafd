"""The counters of every integration of the current configuration, and their place in the exposition."""

from collections.abc import Iterator, Sequence

from exporter.core import common_metrics
from exporter.core.configuration import Integration
from exporter.core.metric import Metric
from exporter.core.probe import Result, Target
from exporter.engine.counters import CASES, Counters
from exporter.exposition import Exposition


class IntegrationCounters:
    """Counts the runs of each integration; what was counted is shown when it is scraped."""

    def __init__(self, exposition: Exposition) -> None:
        """Start without integrations."""
        self._exposition = exposition
        self._integrations: dict[str, Integration] = {}
        self._counters: dict[str, Counters] = {}
        self._stale: set[str] = set()

    def apply(self, integrations: Sequence[Integration]) -> None:
        """Count for exactly `integrations`; one of the same name and provider goes on counting."""
        new = {integration.name: integration for integration in integrations}
        for name, old in self._integrations.items():
            # With another provider only the name stayed: what was counted is the old provider's.
            if name not in new or new[name].probe != old.probe:
                del self._counters[name]
                self._exposition.drop(("integration", name))
        for name, integration in new.items():
            counters = self._counters.setdefault(name, Counters(integration.critical))
            counters.critical, counters.counted = integration.critical, _counted(integration)
            counters.service_level = integration.service_level
        self._integrations = new
        self._stale = set(new)

    def count(self, target: Target, result: Result) -> None:
        """Count a run of `target`."""
        self._of(target).count(result)

    def count_calls(self, target: Target, calls: int) -> None:
        """Count calls of a run of `target` that was put off."""
        self._of(target).calls += calls

    def count_deferral(self, target: Target) -> None:
        """Count a run of `target` that its call budget did not allow."""
        self._of(target).deferred += 1

    def show(self) -> Iterator[None]:
        """Bring the counters that changed into the exposition, one integration at a step."""
        for name in list(self._integrations):
            integration = self._integrations.get(name)  # a reload may come between two steps
            if integration is None or name not in self._stale:
                continue
            self._stale.discard(name)
            self._counters[name].show(self._exposition, integration)
            yield

    def _of(self, target: Target) -> Counters:
        self._stale.add(target.integration)
        return self._counters[target.integration]


def _counted(integration: Integration) -> frozenset[Metric]:
    """Return what is counted from 0 on of CASES: what can apply to the integration."""
    probe = integration.probe
    applies = {
        common_metrics.SCHEMA_DRIFT: integration.drifts,
        common_metrics.DEFERRED: probe.allowance is not None,
        # The probes of a generic one are its calls.
        common_metrics.API_CALLS: not probe.generic,
    }
    return frozenset(metric for metric in CASES if applies[metric])
