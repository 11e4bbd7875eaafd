"""Series of Prometheus and Alertmanager themselves that rules read; none is the exporter's own."""

STARTED = "process_start_time_seconds"
"""When a process that is scraped began: its counters began with it."""

SCRAPED = "scrape_samples_post_metric_relabeling"
"""Samples of the last scrape that were kept."""
SAMPLE_LIMIT = "scrape_sample_limit"
"""`sample_limit` of the job; only with the feature extra-scrape-metrics."""

MISSED = "prometheus_rule_group_iterations_missed_total"
RULE_FAILURES = "prometheus_rule_evaluation_failures_total"
LAST_DURATION = "prometheus_rule_group_last_duration_seconds"
GROUP_INTERVAL = "prometheus_rule_group_interval_seconds"

ALERTS_DROPPED = "prometheus_notifications_dropped_total"
ALERT_ERRORS = "prometheus_notifications_errors_total"
ALERTMANAGERS = "prometheus_notifications_alertmanagers_discovered"

NOTIFICATIONS = "alertmanager_notifications_total"
NOTIFICATION_FAILURES = "alertmanager_notifications_failed_total"

MONITORING_SERIES = (
    STARTED,
    SCRAPED,
    SAMPLE_LIMIT,
    MISSED,
    RULE_FAILURES,
    LAST_DURATION,
    GROUP_INTERVAL,
    ALERTS_DROPPED,
    ALERT_ERRORS,
    ALERTMANAGERS,
    NOTIFICATIONS,
    NOTIFICATION_FAILURES,
)
