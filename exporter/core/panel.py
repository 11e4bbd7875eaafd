"""A dashboard panel that a provider, or another source of series, brings with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.core.metric import Scope
from exporter.core.threshold import ThresholdFamily


class Tone(StrEnum):
    """How good a value is: each has a colour of its own in a dashboard."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    QUIET = "quiet"


ToneWord = tuple[str, Tone]
"""What a value that stands for a state is called, and how good it is."""


@dataclass(frozen=True)
class Panel:
    """One panel: what it asks Prometheus and how the answer is shown.

    `kind` is one of `stat`, `timeseries`, `states` (bars over time with a word in each), `table`, `bargauge`.
    `unit` is a Grafana unit (`s`, `percentunit`, `currencyUSD`, `short`, `dateTimeFromNow`). `scope` is that
    of the metrics in `expr`, which filters them by the dashboard variable of each of its labels, as a regular
    expression: `tenant=~"$tenant"`; only `$provider` may be left out. `legend` is a Grafana legend format, ""
    for the labels of the scope. `family` are the thresholds that judge what a `timeseries` shows, in the same
    unit: they are drawn as dashed lines. `words` say what each value means where it is a state, for `states`
    and `table`: in a `stat` those of several targets have no room. `column` is the title of its numbers.
    """

    title: str
    description: str
    expr: str
    kind: str = "timeseries"
    unit: str = "short"
    legend: str = ""
    scope: Scope = Scope.TARGET
    family: ThresholdFamily | None = None
    words: Mapping[int, ToneWord] = field(default_factory=dict)
    column: str = "Value"

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the dashboard variables that must filter `expr`."""
        return tuple(label for label in self.scope.value if label != "provider")

    @property
    def legend_format(self) -> str:
        """Grafana's legend format: its own, or the labels of the scope."""
        return self.legend or " ".join(f"{{{{{label}}}}}" for label in self.variables)
