"""One result as exposition text, for people who look at one probe."""

from exporter.core.probe import Result, Target
from exporter.engine.board import State
from exporter.engine.exposition import Exposition
from exporter.engine.vital_series import common_labels, series_of


def explain(target: Target, result: Result) -> str:
    """Return what `result` alone would put on /metrics for `target`, as text."""
    state = State(target)
    state.absorb(result)
    exposition = Exposition()
    exposition.put(target.key, common_labels(target), series_of(state))
    return exposition.render(openmetrics=False, gzip=False).decode()
