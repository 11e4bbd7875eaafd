"""A metric and its samples: the only way a value gets a name."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

NAME = re.compile(r"integration_[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
LABEL = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
RESERVED = frozenset({"integration", "provider", "tenant", "job", "instance", "le", "quantile"})


class Kind(Enum):
    """Type of a metric family, by the word of the exposition formats."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Scope(Enum):
    """What a series speaks of; the value is the labels that the engine adds."""

    TARGET = ("integration", "provider", "tenant")
    INTEGRATION = ("integration", "provider")
    EXPORTER = ()


class Sample(NamedTuple):
    """One value of one series; `labels` are the values of `metric.labels`, in that order."""

    metric: "Metric"
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """One metric family.

    `labels` are its own labels only; those of `scope` are added by the engine. `unit` must be the
    name's suffix (before `_total`). `dated` marks a fact with a date of its own (an expiry, a
    restriction): it stays after a failed probe until an answer contradicts it. Names follow
    https://prometheus.io/docs/practices/naming/.
    """

    name: str
    help: str
    kind: Kind = Kind.GAUGE
    unit: str = ""
    labels: tuple[str, ...] = ()
    scope: Scope = Scope.TARGET
    dated: bool = False

    def __post_init__(self) -> None:
        """Refuse a name, unit, help or label that the naming rules refuse."""
        if problem := self._problem():
            raise ValueError(f"metric {self.name}: {problem}")

    def _problem(self) -> str:
        stem = self.name.removesuffix("_total")
        if not NAME.match(self.name):
            return "the name must be integration_ and lower-case words joined by underscores"
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            return "counters, and only counters, end in _total"
        if self.unit and not stem.endswith(f"_{self.unit}"):
            return f"the unit {self.unit} must be the end of the name"
        if not self.unit and stem.endswith(("_seconds", "_bytes", "_ratio", "_usd")):
            return "a name that ends in a unit must declare it"
        if not self.help.endswith("."):
            return "the help must be a sentence that ends with a full stop"
        return next((f"odd label {label!r}" for label in self.labels if not _good_label(label)), "")

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label of a series: those of the scope, then the metric's own."""
        return (*self.scope.value, *self.labels)

    def __call__(self, value: float, **labels: str) -> Sample:
        """Return a sample; the label names must be exactly the declared ones."""
        if not labels and not self.labels:  # most metrics, at each run of each target
            return Sample(self, float(value))
        if labels.keys() != set(self.labels):
            raise ValueError(f"metric {self.name} takes the labels {self.labels}, not {tuple(labels)}")
        return Sample(self, float(value), tuple(str(labels[name]) for name in self.labels))

    def __str__(self) -> str:
        """Return the name, so that PromQL written as an f-string follows a rename."""
        return self.name


def _good_label(label: str) -> bool:
    return bool(LABEL.match(label)) and label not in RESERVED
