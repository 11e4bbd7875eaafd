"""One result as exposition text, for people who look at one probe."""

from exporter.core.probe import Result, Target
from exporter.engine.board import TargetState
from exporter.engine.series import common_labels, series_of
from exporter.exposition import Exposition


def explain(target: Target, result: Result) -> str:
    """Return what `result` alone would put on /metrics for `target`, as text."""
    state = TargetState(target)
    state.absorb(result)
    exposition = Exposition()
    exposition.put(target.key, common_labels(target), series_of(state))
    return exposition.render(openmetrics=False, gzip=False).decode()
