"""Made-up series, and what prometheus_client writes for them."""

from collections.abc import Iterable, Iterator

from hypothesis import strategies as st
from prometheus_client.core import Metric as ClientMetric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.utils import floatToGoString

from exporter.core import common_metrics
from exporter.core.metric import HistogramValue, Kind, Metric
from exporter.exposition import Exposition, Labels, Series

ODD_HELP = Metric("integration_made_cost_usd", 'A "quoted" \\ word,\nand a second line.', unit="usd")
BLOCKS = Metric("integration_made_blocks_total", "Blocks.", Kind.COUNTER)
WAITED = Metric("integration_made_waited_seconds_total", "Waits.", Kind.COUNTER, unit="seconds")
LATENCY = Metric(
    "integration_made_latency_seconds",
    "How long.",
    Kind.HISTOGRAM,
    unit="seconds",
    buckets=(0.0, 0.005, 0.1 + 0.2, 1.0, 1e5, 1e6, 1234567.0, 1e16, 1e300),
)
SIZE = Metric("integration_made_size", "How large.", Kind.HISTOGRAM, labels=("zone",), buckets=(1,))
METRICS = (
    common_metrics.SUCCESS,
    common_metrics.DURATION,
    common_metrics.PROBES,
    common_metrics.INFO,
    ODD_HELP,
    BLOCKS,
    WAITED,
)

Put = tuple[Labels, list[Series]]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", '"', "\\", "\n", "\\n", "\r", 'a"b\\c\nd', "ü", "\N{GRINNING FACE}", "\u2028", "\x85"]
)
values = (
    st.floats()
    | st.integers(-(10**18), 10**18)
    | st.sampled_from([0, -0.0, 1, 1e5, 1e6, 1234567.0, 1e15, 1e16, 1e300, -1e7, 5e-324, 0.1 + 0.2])
)
own_labels = st.dictionaries(st.sampled_from(["reason", "a", "tenant", "zone"]), texts, max_size=3).map(
    lambda found: tuple(found.items())
)
commons = st.tuples(texts, texts).map(lambda pair: (("tenant", pair[0]), ("integration", pair[1])))
narrow = texts.map(lambda text: (("integration", text),))
numbers = st.tuples(st.sampled_from(METRICS), own_labels, values)


def histogram_values(metric: Metric) -> st.SearchStrategy[HistogramValue]:
    size = len(metric.buckets) + 1
    counts = st.lists(st.integers(0, 10**9), min_size=size, max_size=size).map(tuple)
    return st.builds(HistogramValue, counts, st.floats(min_value=0.0))


histograms = st.sampled_from((LATENCY, SIZE)).flatmap(
    lambda metric: st.tuples(st.just(metric), own_labels, histogram_values(metric))
)
series = st.lists(numbers | histograms, max_size=8)
puts = st.lists(st.tuples(commons | narrow, series), max_size=6)


class Samples:
    """The same samples as a collector of prometheus_client: families by name, each series once."""

    def __init__(self, found: Iterable[Put]) -> None:
        self._families: dict[str, ClientMetric] = {}
        seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        for common, samples in found:
            for metric, own, value in samples:
                labels = {**dict(own), **dict(common)}
                identity = (metric.name, tuple(sorted(labels.items())))
                if identity not in seen:
                    seen.add(identity)
                    self._add(self._family(metric), metric, labels, value)

    @staticmethod
    def _add(
        family: ClientMetric, metric: Metric, labels: dict[str, str], value: float | HistogramValue
    ) -> None:
        if not isinstance(value, HistogramValue):
            family.add_sample(metric.name, labels, value)
            return
        below = 0
        for bound, count in zip((*metric.buckets, float("inf")), value.counts, strict=True):
            below += count
            le = str(floatToGoString(bound))  # type: ignore[no-untyped-call]  # prometheus_client has no type
            family.add_sample(f"{metric}_bucket", {**labels, "le": le}, below)
        family.add_sample(f"{metric}_count", labels, below)
        family.add_sample(f"{metric}_sum", labels, value.sum)

    def _family(self, metric: Metric) -> ClientMetric:
        name = metric.name.removesuffix("_total") if metric.kind is Kind.COUNTER else metric.name
        made = ClientMetric(name, metric.help, metric.kind.value, metric.unit)
        return self._families.setdefault(metric.name, made)

    def collect(self) -> Iterator[ClientMetric]:
        yield from (self._families[name] for name in sorted(self._families))


def filled(found: Iterable[Put]) -> Exposition:
    exposition = Exposition()
    for number, (common, samples) in enumerate(found):
        exposition.put(("target", number), common, samples)
    return exposition


def tenant(number: int) -> Labels:
    return (("integration", "payments"), ("provider", "stripe"), ("tenant", f"t{number}"))


def healthy(number: int, at: float = 1.0) -> list[Series]:
    return [
        (common_metrics.SUCCESS, (), 1.0),
        (common_metrics.LAST_RUN, (), 1.7e9 + number + at),
        (common_metrics.PHASE_DURATION, (("phase", "connect"),), 0.25 * at),
        (common_metrics.PHASE_DURATION, (("phase", "tls"),), 0.5 * at),
    ]


def client(samples: Samples, openmetrics: bool) -> bytes:
    # collect() is all that either of them asks of a registry
    body: bytes = generate_openmetrics(samples) if openmetrics else generate_latest(samples)  # type: ignore[no-untyped-call]
    return body
