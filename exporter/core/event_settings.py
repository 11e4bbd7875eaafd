"""What the configuration says of events: what may become a label, and which metrics apps may add to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.metric import Metric

FIRST_SEEN = 50
"""Values of a label that may appear where the configuration lists none."""

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
class EventSettings:
    """Everything under `events:`.

    `allow` is by label. `metrics` are those of apps by the name that events give, `labels` the values that
    theirs may have, by metric and label. `sites` are those whose pages may report, by key.
    """

    allow: Mapping[str, AllowList] = field(default_factory=dict)
    series_limit: int = SERIES_LIMIT
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    labels: Mapping[str, AllowList] = field(default_factory=dict)
    sites: Mapping[str, BeaconSite] = field(default_factory=dict)
