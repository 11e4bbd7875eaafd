"""The keys of `events:`, as types."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from exporter.config.layout_parts import PUBLIC, RAW, TENANT_PATTERN, Part
from exporter.core.notifications import CLOCK, ZONE

Value = Annotated[str, Meta(min_length=1, max_length=120, extra=PUBLIC)]
LabelAllowList = Annotated[
    tuple[Value, ...] | Annotated[int, Meta(ge=0, le=100_000)],
    Meta(description="The values that may appear, as patterns, or how many of the first seen."),
]


AppThreshold = Annotated[float, Meta(ge=-1e15, le=1e15)]


class AppThresholdsPart(Part, frozen=True, kw_only=True):
    """Numbers beyond which a declared metric raises an alert; of a counter, what is added in a minute."""

    critical: Annotated[AppThreshold | None, Meta(description="Beyond it the alert is critical.")] = None
    high: Annotated[AppThreshold | None, Meta(description="Beyond it the alert is high.")] = None
    medium: Annotated[AppThreshold | None, Meta(description="Beyond it the alert is medium.")] = None
    low: Annotated[AppThreshold | None, Meta(description="Beyond it the alert is low.")] = None


class AppMetricPart(Part, frozen=True, kw_only=True):
    """A metric that apps add to by events of the kind `metric`; its series are integration_app_<name>."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
            max_length=80,
            description="The name that events give; that of a counter ends in _total.",
            extra=PUBLIC,
        ),
    ]
    type: Annotated[Literal["gauge", "counter"], Meta(description="What it is.")] = "gauge"
    help: Annotated[str, Meta(min_length=1, max_length=200, description="What it says.", extra=PUBLIC)]
    labels: Annotated[
        dict[str, LabelAllowList], Meta(description="Its labels, and the values that each may have.")
    ] = {}
    thresholds: Annotated[
        AppThresholdsPart, Meta(description="Numbers by severity; they become an alert of this metric.")
    ] = AppThresholdsPart()
    worse: Annotated[
        Literal["larger", "smaller"], Meta(description="Which values are beyond the thresholds.")
    ] = "larger"


class BeaconSitePart(Part, frozen=True, kw_only=True):
    """A web site whose pages report by the script /app/w.js."""

    key: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{4,64}$",
            description="The site's public name, in the address of the script; no secret.",
            extra=PUBLIC,
        ),
    ]
    tenant: Annotated[
        str, Meta(pattern=TENANT_PATTERN, description="Whose widgets they are.", extra=PUBLIC)
    ] = ""
    origins: Annotated[
        tuple[Annotated[str, Meta(max_length=300, extra=PUBLIC)], ...],
        Meta(min_length=1, max_length=100, description="Pages that may report: https://shop.example."),
    ]
    sample: Annotated[
        float, Meta(gt=0, le=1, description="Share of page views that report, above 0 and at most 1.")
    ] = 1.0
    events_per_minute: Annotated[
        int, Meta(ge=100, le=100_000, description="Events of the site a minute; what is beyond is refused.")
    ] = 1200


class BeaconPart(Part, frozen=True, kw_only=True):
    """What browsers report by POST /app/w."""

    sites: Annotated[tuple[BeaconSitePart, ...], Meta(description="Sites whose pages may report.")] = ()


class OffHoursPart(Part, frozen=True, kw_only=True):
    """When nobody should work: every day from `start` to `end`."""

    time_zone: Annotated[str, Meta(description=ZONE)] = "UTC"
    start: Annotated[str, Meta(pattern=CLOCK, description="hh:mm.")] = "20:00"
    end: Annotated[str, Meta(pattern=CLOCK, description="hh:mm; before `start` it is on the next day.")] = (
        "06:00"
    )


class AuditPart(Part, frozen=True, kw_only=True):
    """How entries of the audit are judged; the rules are on the page of audit rules."""

    flag_at: Annotated[
        int, Meta(ge=1, le=100, description="Risk score from which on a person must review an entry.")
    ] = 60
    off_hours: Annotated[OffHoursPart, Meta(description="When changes are unusual.")] = OffHoursPart()


class EventsPart(Part, frozen=True, kw_only=True):
    """Events that apps report to POST /api/v1/events."""

    allow: Annotated[
        dict[str, LabelAllowList],
        Meta(description="What may become a label, by label: route, widget, endpoint, release and others."),
    ] = {}
    series_limit: Annotated[
        int,
        Meta(ge=100, le=1_000_000, description="Series of one metric; what is beyond is counted, not kept."),
    ] = 10_000
    metrics: Annotated[tuple[Any, ...], Meta(description="Metrics that apps add to.", extra=RAW)] = ()
    beacon: Annotated[BeaconPart, Meta(description="Events from pages in browsers.")] = BeaconPart()
    audit: Annotated[AuditPart, Meta(description="The risk score of the audit.")] = AuditPart()
