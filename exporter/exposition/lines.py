"""From samples to lines: the text of one series and the head of one family.

The bytes equal those of prometheus_client. Formats: Prometheus text 0.0.4
(https://prometheus.io/docs/instrumenting/exposition_formats/) and OpenMetrics 1.0
(https://prometheus.io/docs/specs/om/open_metrics_spec/).
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.utils import floatToGoString

from exporter.core.metric import HistogramValue, Kind, Labels, Metric

Series = tuple[Metric, Labels, float | HistogramValue]
"""A metric, the labels that the series has beside those of its key, and its value."""

EOF = b"# EOF\n"

LONGEST_EXEMPLAR = 128
"""Characters that the names and values of an exemplar's labels may have together (OpenMetrics 1.0)."""

LabelLayout = tuple[str, Callable[[list[str]], tuple[str, ...]]]
"""A template for the label part of a line, and what picks its values out of the common and own ones."""


class Exemplar(NamedTuple):
    """One event that was counted: `labels` lead to it, `value` is what it added or was, `at` Unix seconds."""

    labels: Labels
    value: float
    at: float


Exemplars = Mapping[tuple[Metric, Labels], Exemplar]
"""Exemplars by the series that they belong to: (metric, its own labels), of a bucket with `bucket_labels`."""


class Chunk(NamedTuple):
    """The lines that one key has in one family."""

    metric: Metric
    text: bytes


def chunks(common: Labels, series: Iterable[Series]) -> tuple[dict[str, Chunk], int]:
    """Return the lines of one key by family name, and how many series were left out as doubles.

    Of two samples of one series the first is written. A label that `common` has too keeps the common value,
    so that no sample can pose as another key's.
    """
    names, values = tuple([name for name, _ in common]), [_escape(value) for _, value in common]
    plain = _join_labels({name: f'{name}="{value}"' for name, value in zip(names, values, strict=True)})
    # Pieces and a set: events bring thousands of series of one family, and a search of its text for each of
    # them would take the square of that.
    lines: dict[str, tuple[Metric, list[str]]] = {}
    seen: set[tuple[str, str]] = set()
    doubles = 0
    for metric, own, value in series:
        name = metric.name
        if isinstance(value, HistogramValue):
            starts = _histogram_starts(metric, names, values, own)
            numbers: Sequence[float] = value.line_values
        else:
            starts = [name + (_labels(names, values, own) if own else plain)]
            numbers = (value,)
        if (name, starts[0]) in seen:
            doubles += len(starts)
            continue
        seen.add((name, starts[0]))
        pieces = lines[name][1] if name in lines else lines.setdefault(name, (metric, []))[1]
        pieces += [f"{start}{go_float(number)}\n" for start, number in zip(starts, numbers, strict=True)]
    return {name: Chunk(metric, _bytes("".join(pieces))) for name, (metric, pieces) in lines.items()}, doubles


def _histogram_starts(metric: Metric, names: tuple[str, ...], values: list[str], own: Labels) -> list[str]:
    """Return the lines of a histogram up to their values: the buckets, `_count` and `_sum`."""
    template, pick = _layout(names, (*[name for name, _ in own], "le"))
    # No escaped value holds a line break, so this one marks the place of the bound.
    labels = template % pick([*values, *[_escape(value) for _, value in own], "\n"])
    before, after = labels.split("\n")
    bucket = f"{metric.name}_bucket{before}"
    rest = _labels(names, values, own)
    return [
        *[f"{bucket}{bound}{after}" for bound in _bounds(metric.buckets)],
        f"{metric.name}_count{rest}",
        f"{metric.name}_sum{rest}",
    ]


@lru_cache(maxsize=1024)  # one for each histogram
def _bounds(buckets: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(go_float(bound) for bound in (*buckets, math.inf))


def bucket_labels(metric: Metric, own: Labels, value: float) -> Labels:
    """Return `own` and the label `le` of the bucket of `metric` that `value` falls into, for an exemplar."""
    return (*own, ("le", _bounds(metric.buckets)[bisect_left(metric.buckets, value)]))


def go_float(value: float) -> str:
    """Return a number as prometheus_client writes it: 1e+06, NaN, +Inf."""
    # Within these bounds Go and Python agree.
    if 0.0 <= value < 1e6:
        return repr(float(value))
    if 1e9 <= value < 1e10:  # Unix seconds, of which each run of a target brings three
        text = repr(float(value))
        return f"{text[0]}.{text[1:10]}{text[11:]}".rstrip("0.") + "e+09"
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # prometheus_client types it not


def exemplar_suffixes(common: Labels, exemplars: Exemplars) -> dict[str, dict[bytes, bytes]]:
    """Return what exemplars add to lines: by family name, the beginning of a line up to its value to its end.

    Only counters and buckets may have one, and OpenMetrics bounds its labels; ValueError otherwise.
    """
    found: dict[str, dict[bytes, bytes]] = {}
    for (metric, own), exemplar in exemplars.items():
        of_bucket = metric.kind is Kind.HISTOGRAM and any(name == "le" for name, _ in own)
        if metric.kind is not Kind.COUNTER and not of_bucket:
            raise ValueError(f"{metric} is no counter and no bucket, and has no exemplars")
        if not fits(exemplar.labels):
            raise ValueError(f"the labels of an exemplar of {metric} are too long")
        series = f"{metric.name}_bucket" if of_bucket else metric.name
        start = series + _join_labels({name: _pair(name, value) for name, value in (*own, *common)})
        found.setdefault(metric.name, {})[_bytes(start[:-1])] = exemplar_suffix(exemplar)
    return found


def fits(labels: Labels) -> bool:
    """Return whether an exemplar may have these labels."""
    return sum(len(name) + len(value) for name, value in labels) <= LONGEST_EXEMPLAR


def exemplar_suffix(exemplar: Exemplar) -> bytes:
    """Return what an exemplar adds to its line."""
    labels = ",".join(_pair(name, value) for name, value in sorted(exemplar.labels))
    return _bytes(f" # {{{labels}}} {go_float(exemplar.value)} {exemplar.at}")


def add_exemplars(text: bytes, ends: Mapping[bytes, bytes]) -> bytes:
    """Return the lines of `text`, each with the exemplar that `ends` have for it."""
    return b"".join(line[:-1] + ends.get(line.rpartition(b" ")[0], b"") + b"\n" for line in _split(text))


def shape(common: Labels) -> tuple[str, ...]:
    """Return the names of the common labels: two keys of one shape and unlike values share no series."""
    return tuple(sorted(name for name, _ in common))


def head(metric: Metric) -> bytes:
    """Return the HELP and TYPE lines of the text format."""
    text = _escape_newline(metric.help)
    return _bytes(f"# HELP {metric.name} {text}\n# TYPE {metric.name} {metric.kind.value}\n")


def openmetrics_head(metric: Metric, *, stem_taken: bool = False) -> bytes:
    """Return the HELP, TYPE and UNIT lines of OpenMetrics, where a counter's family has no `_total`.

    `stem_taken`: a gauge already has the counter's name without `_total`. A family must not come twice, so
    the counter then goes by its whole name and as of unknown type.
    """
    name, kind, unit = metric.name, metric.kind.value, metric.unit
    if metric.kind is Kind.COUNTER and stem_taken:
        kind, unit = "unknown", ""
    elif metric.kind is Kind.COUNTER:
        name = name.removesuffix("_total")
    lines = f"# HELP {name} {_escape(metric.help)}\n# TYPE {name} {kind}\n"
    return _bytes(lines + (f"# UNIT {name} {unit}\n" if unit else ""))


def drop_duplicates(body: bytes) -> tuple[bytes, int]:
    """Return `body`, lines of one family, without the series that came before, and how many were left out."""
    kept: dict[bytes, bytes] = {}
    lines = body.splitlines(keepends=True) if b"\r" not in body else _split(body)
    for line in lines:
        kept.setdefault(line.rpartition(b" ")[0], line)
    return b"".join(kept.values()), len(lines) - len(kept)


def _split(body: bytes) -> list[bytes]:
    # bytes.splitlines also splits at a carriage return, which a label value may hold as it is.
    return [line + b"\n" for line in body.split(b"\n")[:-1]]


def _bytes(text: str) -> bytes:
    # A lone surrogate (JSON may hold one) has no UTF-8: a question mark is better than no scrape at all.
    return text.encode("utf-8", "replace")


def _labels(names: tuple[str, ...], values: list[str], own: Labels) -> str:
    """Return the label part of a line with labels of its own; `values` are those of `names`, escaped."""
    template, pick = _layout(names, tuple([name for name, _ in own]))
    return template % pick([*values, *[_escape(value) for _, value in own]])


@lru_cache(maxsize=1024)  # there are as many as there are families with labels
def _layout(common: tuple[str, ...], own: tuple[str, ...]) -> LabelLayout:
    place = {name: number for number, name in enumerate((*common, *own))}
    place.update({name: number for number, name in enumerate(common)})  # a common label wins
    order = sorted(place)
    places = [place[name] for name in order]
    template = _join_labels({name: f'{name}="%s"' for name in order})
    return template, lambda values: tuple([values[number] for number in places])


def _pair(name: str, value: str) -> str:
    return f'{name}="{_escape(value)}"'


def _join_labels(pairs: dict[str, str]) -> str:
    """Return the label part of a line up to the value; labels go by name, as prometheus_client sorts them."""
    return f"{{{','.join([pairs[name] for name in sorted(pairs)])}}} " if pairs else " "


def _escape(text: str) -> str:
    if '"' in text or "\\" in text or "\n" in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text


def _escape_newline(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
