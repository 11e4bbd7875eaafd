"""A dashboard panel that a provider, or another source of series, brings with it."""

import re
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


MOST = 20
"""Rows of a table and lines of a graph: enough to act on, and bounded at ten thousand tenants."""
_METRIC = re.compile(r"integration_[a-z0-9_]+(?={)")
_OF_TENANT = 'tenant=~"$tenant"'
_NOT_ALL = 'instance!~"$tenant"'
_PICKED = re.compile(r'(?:integration|provider|tenant)=~"\$\w+",?\s*')

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
    and `table`: in a `stat` those of several targets have no room. `column` is the title of its numbers. With
    `least_first` the smallest numbers need a look first: money or a share that should be large.
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
    least_first: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the dashboard variables that must filter `expr`."""
        return tuple(label for label in self.scope.value if label != "provider")

    @property
    def legend_format(self) -> str:
        """Grafana's legend format: its own, or the labels of the scope."""
        return self.legend or " ".join(f"{{{{{label}}}}}" for label in self.variables)

    @property
    def worst(self) -> str:
        """The aggregation that leaves those that need a look first: the worst of states, else the largest."""
        low_is_bad = bool(self.words) and self.words[min(self.words)][1] is Tone.BAD
        return "bottomk" if low_is_bad or self.least_first else "topk"

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the legend names: those of what `expr` gives."""
        return tuple(re.findall(r"{{(\w+)}}", self.legend_format))

    @property
    def record(self) -> str:
        """The name under which rules record what is drawn over hours of all tenants, "" where that is few."""
        read = _METRIC.search(self.expr)
        if self.kind not in ("timeseries", "states") or "tenant" not in self.scope.value or not read:
            return ""
        operation = "least" if self.worst == "bottomk" else "most"
        share = "_share" * (" / " in self.expr)
        return f"{'_'.join(self.labels)}:{read[0]}:{operation}{share}"

    @property
    def recorded(self) -> str:
        """The expression of the record: those of each integration that need a look first."""
        everyone = re.sub(r",?{}|,(?=})", "", _PICKED.sub("", self.expr))
        return f"{self.worst} by (integration) ({MOST}, {everyone})"

    @property
    def of_picked_tenants(self) -> str:
        """`expr` of the tenants that the reader picked, nothing while that is all of them."""
        # No tenant is called like a host with its port, and any instance is like `.*`.
        return self.expr.replace(_OF_TENANT, f"{_OF_TENANT}, {_NOT_ALL}")
