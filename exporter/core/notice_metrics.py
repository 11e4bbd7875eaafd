"""The series of the history of alerts."""

from exporter.core.metric import Kind, Metric, Scope

NOTICES = Metric(
    "integration_exporter_notices_total",
    "Notices of Alertmanager that were new and are stored, by state and severity.",
    Kind.COUNTER,
    labels=("state", "severity"),
    scope=Scope.EXPORTER,
)
REPEATED = Metric(
    "integration_exporter_notices_repeated_total",
    "Notices of Alertmanager that were stored before: repeats, and those of another Alertmanager.",
    Kind.COUNTER,
    scope=Scope.EXPORTER,
)
TRUNCATED = Metric(
    "integration_exporter_notices_truncated_total",
    "Alerts that Alertmanager left out of its messages, because these would have been too long.",
    Kind.COUNTER,
    scope=Scope.EXPORTER,
)
LAST_NOTICE = Metric(
    "integration_exporter_notices_last_timestamp_seconds",
    "When this process last stored what Alertmanager sent.",
    unit="seconds",
    scope=Scope.EXPORTER,
)

NOTICE_SERIES = (NOTICES, REPEATED, TRUNCATED, LAST_NOTICE)
