"""What the store knew of targets when the process started, until the first configuration is applied."""

from collections.abc import Iterable, KeysView, Mapping

from exporter.core.common_metrics import SHARED_SERIES
from exporter.core.configuration import Configuration
from exporter.core.metric import Metric, Sample
from exporter.core.probe import Target, TargetKey
from exporter.core.store import Snapshot
from exporter.engine.board import NOT_CONFIGURED, TargetState, restore_state


class SavedStates:
    """Snapshots by target; a target of another provider, or one configured since, starts afresh."""

    def __init__(self, snapshots: Iterable[Snapshot] = ()) -> None:
        """Take what the store has."""
        self._snapshots = {snapshot.key: snapshot for snapshot in snapshots}

    def keys(self) -> KeysView[TargetKey]:
        """Return the targets that the store knows."""
        return self._snapshots.keys()

    def state(self, target: Target, metrics: Mapping[str, Metric]) -> TargetState:
        """Return the first state of `target`; `metrics` are those by name whose samples may be restored."""
        snapshot = self._snapshots.get(target.key)
        if snapshot is None or snapshot.provider != target.provider:
            return TargetState(target)
        facts = (
            Sample(metrics[name], value, labels) for name, labels, value in snapshot.facts if name in metrics
        )
        state = restore_state(target, snapshot, facts)
        if state.status == NOT_CONFIGURED and target.configured:
            return TargetState(target)
        return state


def dated_metrics(configuration: Configuration) -> dict[str, Metric]:
    """Return the metrics by name whose samples outlive a restart."""
    probes = {integration.probe for integration in configuration.integrations}
    metrics = [*SHARED_SERIES, *(metric for probe in probes for metric in probe.metrics)]
    return {metric.name: metric for metric in metrics if metric.dated}
