"""A metric and its samples: the only way a value gets a name."""

import math
import re
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, pairwise
from typing import NamedTuple

# `\Z` and not `$`, which lets a line break at the end through.
NAME = re.compile(r"integration_[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
LABEL = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
# Ours for every series, those of the scrape, and those of histograms and summaries.
RESERVED = frozenset({"integration", "provider", "tenant", "job", "instance", "le", "quantile"})
Labels = tuple[tuple[str, str], ...]
"""Labels of a series, in the order in which they were given: (name, value)."""

HISTOGRAM_SUFFIXES = ("_bucket", "_count", "_sum")
"""Ends of the names of a histogram's series; its family has none of them."""


class Kind(Enum):
    """Type of a metric family, by the word of the exposition formats."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Scope(Enum):
    """What a series speaks of; the value is the labels that its owner adds."""

    def __new__(cls, *labels: str) -> "Scope":
        """Take the labels as they are: of an empty tuple Python 3.11.2 (Debian 12) makes an object()."""
        member = object.__new__(cls)
        member._value_ = labels
        return member

    TARGET = ("integration", "provider", "tenant")
    INTEGRATION = ("integration", "provider")
    TENANT = ("tenant",)
    EXPORTER = ()


@dataclass(frozen=True, slots=True)
class HistogramValue:
    """What was observed since the start: how often within each bucket alone, and the sum of all values.

    `counts` has one number for each of `metric.buckets` and a last one for the values above all of them.
    """

    counts: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        """How many values were observed."""
        return sum(self.counts)

    @property
    def line_values(self) -> tuple[float, ...]:
        """The values of its lines in the formats: buckets, each with those below it, count, sum."""
        return (*accumulate(self.counts), self.count, self.sum)


class Sample(NamedTuple):
    """One value of one series; `labels` are the values of `metric.labels`, in that order."""

    metric: "Metric"
    value: float | HistogramValue
    labels: tuple[str, ...] = ()

    @property
    def number(self) -> float:
        """The value of a gauge or counter; TypeError for a histogram, which has many."""
        if isinstance(self.value, HistogramValue):
            raise TypeError(f"{self.metric} is a histogram and has no single value")
        return self.value


@dataclass(frozen=True)
class Metric:
    """One metric family.

    `labels` are its own labels only; those of `scope` are added by the engine. `unit` must be the
    name's suffix (before `_total`). `dated` marks a fact with a date of its own (an expiry, a
    restriction): it stays after a failed probe until an answer contradicts it. `buckets` are the upper
    bounds of a histogram's buckets, ascending; the last bucket, up to infinity, is implied. Names follow
    https://prometheus.io/docs/practices/naming/.
    """

    name: str
    help: str
    kind: Kind = Kind.GAUGE
    unit: str = ""
    labels: tuple[str, ...] = ()
    scope: Scope = Scope.TARGET
    dated: bool = False
    buckets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a name, unit, help, label or bucket that the rules refuse."""
        if problem := self._name_problem() or self._bucket_problem():
            raise ValueError(f"metric {self.name}: {problem}")

    def _name_problem(self) -> str:
        stem = self.name.removesuffix("_total")
        if not NAME.match(self.name):
            return "the name must be integration_ and lower-case words joined by underscores"
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            return "counters, and only counters, end in _total"
        if self.buckets and self.name.endswith(HISTOGRAM_SUFFIXES):
            return f"{', '.join(HISTOGRAM_SUFFIXES)} end the names of a histogram's series"
        if self.unit and not stem.endswith(f"_{self.unit}"):
            return f"the unit {self.unit} must be the end of the name"
        if not self.unit and stem.endswith(("_seconds", "_bytes", "_ratio", "_usd")):
            return "a name that ends in a unit must declare it"
        if not self.help.endswith("."):
            return "the help must be a sentence that ends with a full stop"
        return next((f"odd label {label!r}" for label in self.labels if not _good_label(label)), "")

    def _bucket_problem(self) -> str:
        if (self.kind is Kind.HISTOGRAM) != bool(self.buckets):
            return "histograms, and only histograms, have buckets"
        if self.dated and self.buckets:
            return "a histogram is no dated fact: the store keeps single numbers"
        # Below zero the sum could fall, which a counter must not; then the formats leave it out.
        if not all(math.isfinite(bound) and bound >= 0 for bound in self.buckets):
            return "bounds of buckets are finite and not negative; the bucket up to infinity is implied"
        if any(low >= high for low, high in pairwise(self.buckets)):
            return "bounds of buckets ascend, each once"
        return ""

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label of a series: those of the scope, then the metric's own."""
        return (*self.scope.value, *self.labels)

    @property
    def series_names(self) -> tuple[str, ...]:
        """What PromQL calls its series: by its name, or by those of a histogram's buckets, count and sum."""
        return tuple(self.name + end for end in HISTOGRAM_SUFFIXES) if self.buckets else (self.name,)

    def __hash__(self) -> int:
        """Hash by name, which each run does: a metric and its name belong together."""
        return hash(self.name)

    def __call__(self, value: float | HistogramValue, **labels: str) -> Sample:
        """Return a sample; the label names must be exactly the declared ones.

        A histogram takes a HistogramValue with a count for each bucket, other kinds take a number.
        """
        if self.buckets or isinstance(value, HistogramValue):
            value = self._require_fit(value)
        else:
            value = float(value)
        if not labels and not self.labels:  # most metrics, at each run of each target
            return Sample(self, value)
        if labels.keys() != set(self.labels):
            raise ValueError(f"metric {self.name} takes the labels {self.labels}, not {tuple(labels)}")
        return Sample(self, value, tuple(str(labels[name]) for name in self.labels))

    def _require_fit(self, value: float | HistogramValue) -> HistogramValue:
        """Return `value`; ValueError if it is not that of a histogram with these buckets."""
        if not isinstance(value, HistogramValue) or not self.buckets:
            raise ValueError(f"metric {self.name}: histograms, and only they, take a HistogramValue")
        if len(value.counts) != len(self.buckets) + 1:
            raise ValueError(
                f"metric {self.name} takes {len(self.buckets) + 1} counts, not {len(value.counts)}"
            )
        return value

    def __str__(self) -> str:
        """Return the name, so that PromQL written as an f-string follows a rename."""
        return self.name


def _good_label(label: str) -> bool:
    return bool(LABEL.match(label)) and label not in RESERVED
