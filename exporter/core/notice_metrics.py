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

ALERTS_FIRED = Metric(
    "integration_exporter_alerts_fired_total",
    "How often each alert began to fire, by the notices that this process stored.",
    Kind.COUNTER,
    labels=("alert",),
    scope=Scope.EXPORTER,
)
ALERTS_FLAPPED = Metric(
    "integration_exporter_alerts_flapped_total",
    "How often each alert began to fire again soon after it was resolved.",
    Kind.COUNTER,
    labels=("alert",),
    scope=Scope.EXPORTER,
)
ALERTS_RESOLVED = Metric(
    "integration_exporter_alerts_resolved_total",
    "How often each alert was resolved.",
    Kind.COUNTER,
    labels=("alert",),
    scope=Scope.EXPORTER,
)
RESOLVE_SECONDS = Metric(
    "integration_exporter_alerts_resolve_seconds_total",
    "Seconds from the start of each alert to its resolution, all together.",
    Kind.COUNTER,
    unit="seconds",
    labels=("alert",),
    scope=Scope.EXPORTER,
)
ALERTS_ACKNOWLEDGED = Metric(
    "integration_exporter_alerts_acknowledged_total",
    "How often each alert was acknowledged, several times in a row counted once.",
    Kind.COUNTER,
    labels=("alert",),
    scope=Scope.EXPORTER,
)
ACKNOWLEDGE_SECONDS = Metric(
    "integration_exporter_alerts_acknowledge_seconds_total",
    "Seconds from the start of each alert to its first acknowledgement, all together.",
    Kind.COUNTER,
    unit="seconds",
    labels=("alert",),
    scope=Scope.EXPORTER,
)

ALERT_SERIES = (
    ALERTS_FIRED,
    ALERTS_FLAPPED,
    ALERTS_RESOLVED,
    RESOLVE_SECONDS,
    ALERTS_ACKNOWLEDGED,
    ACKNOWLEDGE_SECONDS,
)
"""Those of single alerts, by name."""

NOTICE_SERIES = (NOTICES, REPEATED, TRUNCATED, LAST_NOTICE, *ALERT_SERIES)
