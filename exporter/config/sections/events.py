"""`events:` what apps report: what may become a label, and which metrics they may add to."""

from typing import Any

from exporter.config.document.convert import Converter
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.validate import Validator
from exporter.config.draft import Draft
from exporter.config.layout_events import AppMetricPart, EventsPart
from exporter.core.event_settings import AllowList, EventSettings
from exporter.core.metric import LABEL, RESERVED, Kind, Metric

LABELS = (
    *("route", "widget", "endpoint", "release", "country", "currency", "source", "policy", "auth_method"),
    "action_class",
)
"""Labels of events that an allow-list may name."""

PREFIX = "integration_app_"


def read(draft: Draft, part: EventsPart) -> EventSettings:
    """Return the settings of events."""
    for name in part.allow:
        if name not in LABELS:
            remedy = f"name one of {', '.join(LABELS)}"
            draft.add_error(("events", "allow", name), "no event has such a label", remedy)
    metrics: dict[str, Metric] = {}
    labels: dict[str, AllowList] = {}
    for index, raw in enumerate(part.metrics):
        found = _metric_part(draft, index, raw)
        if found is None or _is_wrong(draft, index, found, metrics):
            continue
        metrics[found.name] = _metric(found)
        labels |= {f"{found.name}.{label}": allowed for label, allowed in found.labels.items()}
    return EventSettings(dict(part.allow), part.series_limit, metrics, labels)


def fields(value: EventSettings) -> dict[str, Any]:
    """Return the settings as the configuration takes them."""
    return {"events": value}


def _metric_part(draft: Draft, index: int, raw: Any) -> AppMetricPart | None:
    converter = Converter(draft.context, draft.source, prefix=("events", "metrics", index))
    validator = Validator(part_schema(AppMetricPart))
    return convert_section(converter, raw, AppMetricPart, validator, instead={"name": "metric"}, depth=2)[0]


def _is_wrong(draft: Draft, index: int, part: AppMetricPart, known: dict[str, Metric]) -> bool:
    path = ("events", "metrics", index)
    before = len(draft.context.mistakes)
    if part.name in known:
        draft.add_error((*path, "name"), "the name is taken by another metric", "choose another name")
    if (part.type == "counter") != part.name.endswith("_total"):
        remedy = "add _total to the name of a counter, and leave it out of others"
        draft.add_error((*path, "name"), "counters, and only counters, end in _total", remedy)
    for label in part.labels:
        if not LABEL.match(label) or label in RESERVED:
            remedy = "write lower-case words joined by underscores, none that every series has"
            draft.add_error((*path, "labels", label), "the label has an odd or reserved name", remedy)
    return len(draft.context.mistakes) > before


def _metric(part: AppMetricPart) -> Metric:
    text = part.help if part.help.endswith(".") else part.help + "."
    unit = next(
        (unit for unit in ("seconds", "bytes", "ratio", "usd") if _stem(part).endswith(f"_{unit}")), ""
    )
    kind = Kind.COUNTER if part.type == "counter" else Kind.GAUGE
    return Metric(PREFIX + part.name, text, kind, unit, tuple(part.labels))


def _stem(part: AppMetricPart) -> str:
    return part.name.removesuffix("_total")
