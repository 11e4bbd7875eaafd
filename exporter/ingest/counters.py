"""Counts of what others report, by labels: counters, gauges and histograms, bounded in their number."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from exporter.core.metric import HistogramValue, Kind, Metric
from exporter.core.webhook_metrics import SERIES_DROPPED
from exporter.exposition import Exemplar, Exposition, Series, bucket_labels

SERIES_LIMIT = 10_000
"""Series that a metric has at most, unless the configuration says otherwise."""

LabelValues = tuple[str, ...]
"""Values of `metric.label_names`, in that order: those of the scope come first."""


@dataclass(slots=True)
class _Observations:
    """What a histogram has counted in each bucket alone, the sum, and the newest exemplar of buckets."""

    counts: list[int]
    sum: float = 0.0
    exemplars: dict[int, Exemplar] | None = None

    def mark(self, bucket: int, exemplar: Exemplar) -> None:
        """Let `exemplar` stand for its bucket, unless the one there is of a later event."""
        if self.exemplars is None:
            self.exemplars = {}
        known = self.exemplars.get(bucket)
        # Prometheus takes none that is older than the last.
        if known is None or exemplar.at >= known.at:
            self.exemplars[bucket] = exemplar


@dataclass(slots=True)
class _Group:
    """The series of a metric that have the values of the scope's labels in common, by those of its own."""

    series: dict[LabelValues, float | _Observations] = field(default_factory=dict)
    rendered: int = 0
    """How many of them the exposition has; 0 where they must be put again."""


@dataclass(slots=True)
class _Family:
    metric: Metric
    split: int
    groups: dict[LabelValues, _Group] = field(default_factory=dict)
    dirty: set[LabelValues] = field(default_factory=set)
    size: int = 0


class EventCounters:
    """Keeps one number, or one histogram, for each metric and set of labels, and shows them at a scrape.

    A metric has at most `limit` series: what a new one would have counted is counted as dropped instead.
    It belongs to the loop. Values of labels are of the caller's choice: nothing here bounds a single one.
    """

    def __init__(self, exposition: Exposition, limit: int = SERIES_LIMIT) -> None:
        """Start without series."""
        self.limit = limit
        self._exposition = exposition
        self._families: dict[str, _Family] = {}

    def add(self, metric: Metric, labels: LabelValues, amount: float = 1.0) -> None:
        """Add `amount` to a counter or gauge; 0 makes the series exist, so that its first rise is seen."""
        found = self._find(metric, labels)
        if found is not None:
            series, own = found
            series[own] += amount  # type: ignore[operator] # only `observe` makes observations, of histograms

    def set(self, metric: Metric, labels: LabelValues, value: float) -> None:
        """Give a gauge another value."""
        found = self._find(metric, labels)
        if found is not None:
            series, own = found
            series[own] = value

    def observe(
        self, metric: Metric, labels: LabelValues, value: float, exemplar: Exemplar | None = None
    ) -> None:
        """Count `value` in a histogram; `exemplar` is shown with its bucket until a newer one comes."""
        found = self._find(metric, labels)
        if found is not None:
            series, own = found
            _observe(metric, series[own], value, exemplar)

    def measure(
        self,
        metric: Metric,
        scope: LabelValues,
        own: LabelValues,
        value: float,
        exemplar: Exemplar | None = None,
    ) -> None:
        """Do what the kind of `metric` wants with `value`; `scope` and `own` are its labels, apart.

        An event has several of one scope, and there are many events: nothing is joined to be split again.
        """
        series = self._series(metric, scope, own)
        if series is None:
            return
        kind = metric.kind
        if kind is Kind.COUNTER:
            series[own] += value  # type: ignore[operator] # only histograms have observations
        elif kind is Kind.HISTOGRAM:
            _observe(metric, series[own], value, exemplar)
        else:
            series[own] = value

    def value(self, metric: Metric, labels: LabelValues) -> float | HistogramValue | None:
        """Return what a series has now, None where it does not exist."""
        family = self._families.get(metric.name)
        group = family.groups.get(labels[: family.split]) if family else None
        found = group.series.get(labels[family.split :]) if family and group else None
        return _shown(found) if found is not None else None

    def keep(self, metric: Metric, wanted: Callable[[LabelValues], bool]) -> None:
        """Forget the series of `metric` whose labels `wanted` does not want."""
        family = self._families.get(metric.name)
        for scope, group in list(family.groups.items()) if family else ():
            gone = [own for own in group.series if not wanted((*scope, *own))]
            for own in gone:
                del group.series[own]
            if gone and family:
                family.size -= len(gone)
                group.rendered = 0
                family.dirty.add(scope)

    def show(self) -> Iterator[None]:
        """Bring what changed into the exposition, a group of series at a step."""
        for family in list(self._families.values()):
            while family.dirty:
                self._show(family, family.dirty.pop())
                yield

    def _find(
        self, metric: Metric, labels: LabelValues
    ) -> tuple[dict[LabelValues, float | _Observations], LabelValues] | None:
        """Return the series of a group and the key among them, None where there is no room for a new one."""
        split = len(metric.scope.value)
        own = labels[split:]
        series = self._series(metric, labels[:split], own)
        return None if series is None else (series, own)

    def _series(
        self, metric: Metric, scope: LabelValues, own: LabelValues
    ) -> dict[LabelValues, float | _Observations] | None:
        """Return the series of a group, `own` among them; None where there is no room for a new one."""
        family = self._families.get(metric.name)
        if family is None:
            family = self._families[metric.name] = _Family(metric, len(metric.scope.value))
            if metric is not SERIES_DROPPED:
                # From the start, so that the first rise is one for Prometheus.
                self.add(SERIES_DROPPED, (metric.name,), 0.0)
        group = family.groups.get(scope)
        if group is None or own not in group.series:
            if (len(scope), len(own)) != (family.split, len(metric.labels)):
                raise ValueError(
                    f"metric {metric} takes the labels {metric.label_names}, not {(*scope, *own)}"
                )
            if family.size >= self.limit and metric is not SERIES_DROPPED:
                self.add(SERIES_DROPPED, (metric.name,))
                return None
            group = family.groups.setdefault(scope, _Group())
            group.series[own] = _Observations([0] * (len(metric.buckets) + 1)) if metric.buckets else 0.0
            family.size += 1
        family.dirty.add(scope)
        return group.series

    def _show(self, family: _Family, scope: LabelValues) -> None:
        group, metric = family.groups[scope], family.metric
        key = ("events", metric.name, scope)
        if not group.series:
            del family.groups[scope]
            self._exposition.drop(key)
            return
        values = [_shown(value) for value in group.series.values()]
        # Series are only added behind the others, so their number says whether the lines are the same.
        if group.rendered == len(values) and self._exposition.move(
            key, [(metric.name, _numbers(values))], _places(metric, group.series.values())
        ):
            return
        common = tuple(zip(metric.scope.value, scope, strict=True))
        own = [tuple(zip(metric.labels, labels, strict=True)) for labels in group.series]
        series: list[Series] = [(metric, labels, value) for labels, value in zip(own, values, strict=True)]
        exemplars = {
            (metric, bucket_labels(metric, labels, exemplar.value)): exemplar
            for labels, found in zip(own, group.series.values(), strict=True)
            for exemplar in _exemplars(found).values()
        }
        self._exposition.put(key, common, series, exemplars)
        group.rendered = len(values)


def _observe(
    metric: Metric, observations: float | _Observations, value: float, exemplar: Exemplar | None
) -> None:
    if not isinstance(observations, _Observations):
        raise TypeError(f"{metric} is no histogram")
    bucket = bisect_left(metric.buckets, value)
    observations.counts[bucket] += 1
    observations.sum += value
    if exemplar is not None:
        observations.mark(bucket, exemplar)


def _exemplars(value: float | _Observations) -> Mapping[int, Exemplar]:
    return value.exemplars or {} if isinstance(value, _Observations) else {}


def _places(metric: Metric, series: Iterable[float | _Observations]) -> dict[int, Exemplar]:
    """Return every exemplar of `series` by the place of its line among theirs."""
    if not metric.buckets:
        return {}
    # A line for each bound, then those of the bucket without one, the count and the sum.
    lines = len(metric.buckets) + 3
    return {
        number * lines + bucket: exemplar
        for number, value in enumerate(series)
        for bucket, exemplar in _exemplars(value).items()
    }


def _shown(value: float | _Observations) -> float | HistogramValue:
    return HistogramValue(tuple(value.counts), value.sum) if isinstance(value, _Observations) else value


def _numbers(values: list[float | HistogramValue]) -> list[float]:
    """Return the values of the lines, in their order."""
    lines = (value.line_values if isinstance(value, HistogramValue) else (value,) for value in values)
    return list(chain.from_iterable(lines))
