"""What the configuration says of events: what may become a label, and which metrics apps may add to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.app_metric import app_alert_name
from exporter.core.metric import Metric
from exporter.core.threshold import Threshold, ThresholdFamily

SERIES_LIMIT = 10_000

AllowList = tuple[str, ...] | int
"""The values that a label may have, or how many of those that are seen first."""


@dataclass(frozen=True)
class BeaconSite:
    """A web site whose pages may report.

    `key` is public: it is in every page. Events are of `tenant`, whatever a page says. `origins` are the
    pages' scheme, host and port as browsers send them. `sample` is the share of page views that report,
    above 0 and at most 1. Beyond `events_per_minute` nothing of the site is taken.
    """

    key: str
    tenant: str
    origins: frozenset[str]
    sample: float = 1.0
    events_per_minute: int = 1200


@dataclass(frozen=True)
class OffHours:
    """A span of each day in which nobody should work: from `start` to `end` (hh:mm), past midnight too."""

    time_zone: str = "UTC"
    start: str = "20:00"
    end: str = "06:00"


@dataclass(frozen=True)
class AuditSettings:
    """From which score on (0 to 100) an entry of the audit is flagged, and when off hours are."""

    flag_at: int = 60
    off_hours: OffHours = field(default_factory=OffHours)


@dataclass(frozen=True)
class EventSettings:
    """Everything under `events:`.

    `allow` is by label. `metrics` are those of apps by the name that events give, `labels` the values that
    theirs may have, by metric and label, `families` the thresholds of those that have some, by the metric's
    name. `sites` are those whose pages may report, by key.
    """

    allow: Mapping[str, AllowList] = field(default_factory=dict)
    series_limit: int = SERIES_LIMIT
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    labels: Mapping[str, AllowList] = field(default_factory=dict)
    sites: Mapping[str, BeaconSite] = field(default_factory=dict)
    families: Mapping[str, ThresholdFamily] = field(default_factory=dict)
    audit: AuditSettings = field(default_factory=AuditSettings)

    @property
    def alert_names(self) -> frozenset[str]:
        """The names of the alerts that declared metrics bring."""
        found = (app_alert_name(self.metrics[name], rising=one.rising) for name, one in self.families.items())
        return frozenset(found)

    @property
    def alert_labels(self) -> tuple[str, ...]:
        """The labels by which alerts on declared metrics differ, besides those of targets."""
        return tuple(dict.fromkeys(label for name in self.families for label in self.metrics[name].labels))

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The numbers of `families`, which hold for every tenant."""
        return tuple(
            Threshold(family, "", "", "", severity, value)
            for family in self.families.values()
            for severity, value in family.steps.items()
        )
