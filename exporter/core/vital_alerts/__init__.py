"""Alerts on the series that every target has, and on the exporter itself."""

from collections.abc import Mapping

from exporter.core.alert import Alert
from exporter.core.vital_alerts.availability import AVAILABILITY
from exporter.core.vital_alerts.measures import MEASURES
from exporter.core.vital_alerts.platform import PLATFORM
from exporter.core.vital_alerts.process import PROCESS
from exporter.core.vital_alerts.quotas import QUOTAS
from exporter.core.vital_alerts.tokens import TOKENS

VITAL_FILES: Mapping[str, tuple[Alert, ...]] = {
    "probes": (*AVAILABILITY, *MEASURES, *TOKENS),
    "exporter": (*PLATFORM, *PROCESS),
    "quotas": QUOTAS,
}
"""The alerts by the rule file they stand in."""

VITAL_ALERTS: tuple[Alert, ...] = tuple(alert for some in VITAL_FILES.values() for alert in some)
