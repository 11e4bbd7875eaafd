"""Alerts on the series that every target has, and on the exporter itself."""

from collections.abc import Mapping

from exporter.alerts.availability import AVAILABILITY
from exporter.alerts.measures import MEASURES
from exporter.alerts.platform import PLATFORM
from exporter.alerts.process import PROCESS
from exporter.alerts.quotas import QUOTAS
from exporter.alerts.tokens import TOKENS
from exporter.core.alert import Alert

COMMON_RULE_FILES: Mapping[str, tuple[Alert, ...]] = {
    "probes": (*AVAILABILITY, *MEASURES, *TOKENS),
    "exporter": (*PLATFORM, *PROCESS),
    "quotas": QUOTAS,
}
"""The alerts by the rule file they stand in."""

COMMON_ALERTS: tuple[Alert, ...] = tuple(alert for some in COMMON_RULE_FILES.values() for alert in some)
