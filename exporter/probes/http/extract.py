"""Turns parts of a JSON body into samples, as the configuration asks."""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from exporter.core.common_metrics import SCHEDULE
from exporter.core.metric import Metric, Sample
from exporter.core.probe import Kit
from exporter.probes.http.expect import search
from exporter.probes.http.options import Extract

MOST_SERIES = 100
"""Series of one extracted metric; what is more is left out, as the probe's log says."""

LONGEST_LABEL = 128
UNITS = ("seconds", "bytes", "ratio", "usd")

BODY_BYTES = Metric(
    "integration_http_response_body_bytes",
    "Size of the last answer's body, unpacked." + SCHEDULE,
    unit="bytes",
)
REDIRECTS = Metric("integration_http_redirects", "Redirects followed to the last answer." + SCHEDULE)
PROTOCOL = Metric(
    "integration_http_protocol_info",
    "Protocol versions of the last answer; tls is empty without TLS; always 1." + SCHEDULE,
    labels=("http", "tls"),
)
EXTRACTED = Metric(
    "integration_http_extracted_series",
    f"Series found for an extracted metric; those beyond {MOST_SERIES}, or repeated, are left "
    "out." + SCHEDULE,
    labels=("name",),
)
METRICS = (BODY_BYTES, REDIRECTS, PROTOCOL, EXTRACTED)
OWN_NAMES = frozenset(metric.name for metric in METRICS)


@lru_cache(maxsize=1024)  # most answers are as long as the last one
def body_bytes(size: int) -> Sample:
    """Return the sample of the size of an answer's body."""
    return BODY_BYTES(size)


@lru_cache(maxsize=64)
def redirects(count: int) -> Sample:
    """Return the sample of how many redirects led to an answer."""
    return REDIRECTS(count)


@lru_cache(maxsize=64)  # one for each pair of versions that servers speak
def protocol(http: str, tls: str) -> Sample:
    """Return the sample of the protocol versions of an answer."""
    return PROTOCOL(1, http=http, tls=tls)


@lru_cache(maxsize=4096)
def metric_of(name: str, text: str, labels: tuple[str, ...]) -> Metric:
    """Return the metric `integration_http_<name>`; its unit is the name's ending, if that is one."""
    ending = name.rpartition("_")[2]
    return Metric(
        f"integration_http_{name}",
        text,
        unit=ending if ending in UNITS and ending != name else "",
        labels=tuple(sorted(labels)),
    )


Redact = Callable[[str], str]
"""Takes the credentials out of a text."""


def samples(items: tuple[Extract, ...], document: Any, kit: Kit, redact: Redact = str) -> Iterator[Sample]:
    """Yield the extracted values; what is missing, null or no number is left out and counts as drift.

    Every label goes through `redact`, because servers may send back what they were sent.

    With `each`, path and labels look into every element of the list it finds, one series per element. Two
    parallel lists would not do: JMESPath leaves nulls out of projections, so that they could be out of step.
    """
    for item in items:
        metric = metric_of(item.metric, item.help, tuple(item.labels))
        found = search(item.each, document) if item.each else [document]
        if isinstance(found, list):
            yield from _series(metric, item, found, kit, redact)
        else:
            kit.trace.drift.append(item.each)


def _series(metric: Metric, item: Extract, elements: list[Any], kit: Kit, redact: Redact) -> Iterator[Sample]:
    seen: dict[tuple[str, ...], float] = {}
    left_out = 0
    for element in elements:
        number = number_of(search(item.path, element))
        labels = tuple(label_of(search(item.labels[name], element), redact) for name in metric.labels)
        if number is None:
            kit.trace.drift.append(item.path)
        # The same series twice would make the whole exposition invalid.
        elif labels in seen or len(seen) >= MOST_SERIES:
            left_out += 1
        else:
            seen[labels] = number
    yield EXTRACTED(len(seen) + left_out, name=metric.name)
    yield from (Sample(metric, number, labels) for labels, number in seen.items())
    if left_out:
        kit.log(f"{metric.name}: left out {left_out} series, repeated or above {MOST_SERIES}")


def number_of(value: Any) -> float | None:
    """Return the number that `value` is, or says as text; booleans are 0 and 1; None for anything else."""
    if not isinstance(value, (bool, int, float, str)) or value == "":
        return None
    try:
        number = float(value)
    # OverflowError: integers of JSON have no upper limit, floats have.
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def label_of(value: Any, redact: Redact = str) -> str:
    """Return the text of a label: true and false in JSON's way, "" for null, and never very long.

    It is redacted before it is cut: half a credential would not be recognized as one.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return redact(str(value))[:LONGEST_LABEL]
