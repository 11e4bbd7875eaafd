"""`events:` what apps report: what may become a label, and which metrics they may add to."""

import re
from collections.abc import Iterator
from typing import Any

from exporter.config.document.convert import Converter
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.validate import Validator
from exporter.config.draft import Draft
from exporter.config.layout_events import AppMetricPart, AuditPart, BeaconSitePart, EventsPart, OffHoursPart
from exporter.config.sections.notifications.checks import is_zone
from exporter.core.app_metric import PREFIX, app_alert_name, app_family
from exporter.core.event_settings import AllowList, AuditSettings, BeaconSite, EventSettings, OffHours
from exporter.core.metric import LABEL, RESERVED, Kind, Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

PAGE_LABELS = ("widget", "release", "route")
"""Labels whose values come from pages."""

# As browsers write the header Origin (RFC 6454, section 6.2): in lower case, and nothing behind the port.
_HOST = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(rf"(https?)://(?:{_HOST}(?:\.{_HOST})*|\[[0-9a-f:.]+\])(?::([1-9][0-9]{{0,4}}))?\Z")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def read(draft: Draft, part: EventsPart) -> EventSettings:
    """Return the settings of events."""
    known = draft.context.catalogue.event_labels
    for name in part.allow:
        if name not in known:
            remedy = f"name one of {', '.join(sorted(known))}"
            draft.add_error(("events", "allow", name), "no event has such a label", remedy)
    metrics: dict[str, Metric] = {}
    labels: dict[str, AllowList] = {}
    families: dict[str, ThresholdFamily] = {}
    for index, raw in enumerate(part.metrics):
        found = _metric_part(draft, index, raw)
        if found is None or _is_wrong(draft, index, found, metrics):
            continue
        metrics[found.name] = _metric(found)
        labels |= {f"{found.name}.{label}": allowed for label, allowed in found.labels.items()}
        so_far = EventSettings(metrics=metrics, families=families)
        if family := _family(draft, index, found, metrics[found.name], so_far):
            families[found.name] = family
    sites = _sites(draft, part.beacon.sites)
    if sites:
        draft.context.notes += _open_lists(part)
    audit = _audit(draft, part.audit)
    return EventSettings(dict(part.allow), part.series_limit, metrics, labels, sites, families, audit)


def fields(value: EventSettings) -> dict[str, Any]:
    """Return the settings as the configuration takes them."""
    return {"events": value}


def _audit(draft: Draft, part: AuditPart) -> AuditSettings:
    hours, path = part.off_hours, ("events", "audit", "off_hours")
    if not is_zone(hours.time_zone):
        remedy = "write one such as Europe/Berlin or UTC"
        draft.add_error((*path, "time_zone"), "the time zone is not known", remedy)
        hours = OffHoursPart()
    elif hours.start == hours.end:
        draft.add_error((*path, "end"), "the end is the start", "write another end")
    return AuditSettings(part.flag_at, OffHours(hours.time_zone, hours.start, hours.end))


def _sites(draft: Draft, parts: tuple[BeaconSitePart, ...]) -> dict[str, BeaconSite]:
    sites: dict[str, BeaconSite] = {}
    for index, part in enumerate(parts):
        path = ("events", "beacon", "sites", index)
        if part.key in sites:
            draft.add_error((*path, "key"), "the key is taken by another site", "choose another key")
        for place, origin in enumerate(part.origins):
            remedy = _origin_remedy(origin)
            if remedy:
                what = f"sites[{index}].origins[{place}] is no origin as browsers send it"
                draft.add_error((*path, "origins", place), what, remedy)
        origins = frozenset(part.origins)
        sites[part.key] = BeaconSite(part.key, part.tenant, origins, part.sample, part.events_per_minute)
    return sites


def _origin_remedy(origin: str) -> str:
    """Return how to write the origin, "" where it is right."""
    found = _ORIGIN.match(origin)
    if found is None:
        return (
            "write scheme and host in lower case, and the port where it has one: https://shop.example; "
            "no path, no slash at the end, no *, and international names as xn--..."
        )
    port = int(found[2] or 0)
    if port == _DEFAULT_PORTS[found[1]]:
        return "leave the port out: browsers do where it is the usual one"
    return "" if port < 65_536 else "write a port up to 65535"


def _open_lists(part: EventsPart) -> Iterator[str]:
    """Yield a note for each label that pages could fill with names of their own."""
    for label in PAGE_LABELS:
        if not isinstance(part.allow.get(label), tuple):
            yield (
                f"events.allow.{label} lists no values, and anybody can send events of a page: "
                f"list them, so that others cannot take their places"
            )


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


def _family(
    draft: Draft, index: int, part: AppMetricPart, metric: Metric, known: EventSettings
) -> ThresholdFamily | None:
    """Return the thresholds of a metric; None without any, and where they are wrong or clash with `known`."""
    given = ((level, getattr(part.thresholds, level.value)) for level in Severity)
    steps = {level: float(number) for level, number in given if number is not None}
    path = ("events", "metrics", index, "thresholds")
    if not steps:
        return None
    family = app_family(metric, steps, rising=part.worse == "larger")
    before = len(draft.context.mistakes)
    if wrong := family.disorder(steps):
        remedy = (
            "let a higher severity be the stricter one; where smaller values are worse write worse: smaller"
        )
        draft.add_error(path, wrong, remedy)
    if metric.kind is Kind.COUNTER and min(steps.values()) < 0:
        draft.add_error(path, "a counter never falls", "write how much may be added in a minute")
    name = app_alert_name(metric, rising=family.rising)
    if name in known.alert_names or family.name in {other.name for other in known.families.values()}:
        what = f"the thresholds would be those of two metrics, of which one has the alert {name}"
        draft.add_error((*path[:3], "name"), what, "choose another name")
    return family if len(draft.context.mistakes) == before else None


def _metric(part: AppMetricPart) -> Metric:
    text = part.help if part.help.endswith(".") else part.help + "."
    unit = next(
        (unit for unit in ("seconds", "bytes", "ratio", "usd") if _stem(part).endswith(f"_{unit}")), ""
    )
    kind = Kind.COUNTER if part.type == "counter" else Kind.GAUGE
    return Metric(PREFIX + part.name, text, kind, unit, tuple(part.labels))


def _stem(part: AppMetricPart) -> str:
    return part.name.removesuffix("_total")
