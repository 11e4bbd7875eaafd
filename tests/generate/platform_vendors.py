"""What vendors and the exporter itself report on the made-up platform, and what rules recorded of it."""

from collections.abc import Iterator, Mapping

from exporter import registry
from exporter.alerts import availability, measures, quotas, service_level
from exporter.alerts.call_limits import RATE_LIMIT_LOW
from exporter.core import common_metrics as m
from exporter.core import declines, sms_metrics
from exporter.core.metric import Metric
from exporter.events._decline_alerts import RISE
from exporter.events._payment_alerts import FRAUD_WARNINGS_HIGH
from exporter.probes.resend.alerts import BOUNCES_HIGH
from exporter.probes.stripe import alerts as stripe
from exporter.probes.twilio import alerts as twilio
from tests.generate.dashboards_platform import (
    DAY,
    HOUR,
    INTEGRATIONS,
    MINUTE,
    TROUBLES,
    UNCONFIGURED,
    Labels,
    Row,
)
from tests.generate.platform_alerts import TOKENS
from tests.generate.platform_thresholds import OWN, SOME

Values = Mapping[tuple[str, ...], float]
Target = tuple[str, str, str]
"""Integration, provider, tenant."""

_QUOTA: Values = {("day",): 61.0, ("month",): 2700.0}
_OUTCOMES: Values = {("succeeded",): 168.0, ("failed",): 12.0, ("blocked",): 3.0}
_TRANSACTIONS: Values = {("committed",): 5200.0, ("rolled_back",): 130.0}
VALUES: dict[str, Values] = {
    "integration_quota_used": _QUOTA,
    "integration_quota_limit": {("day",): 100.0, ("month",): 3000.0},
    "integration_quota_reset_timestamp_seconds": {("day",): 9 * HOUR, ("month",): 11 * DAY},
    "integration_rate_limit_remaining": {("api",): 8.0},
    "integration_rate_limit_limit": {("api",): 100.0},
    "integration_prepaid_balance": {("USD",): 42.5},
    "integration_cost_today_usd": {(): 12.4},
    "integration_cost_month_to_date_usd": {(): 320.0},
    "integration_stripe_payments_window": _OUTCOMES,
    "integration_stripe_declines_window": {(one,): 2.0 for one in declines.FAMILIES},
    "integration_stripe_payments_daily": {(): 2400.0},
    "integration_stripe_disputes_window": {(): 4.0},
    "integration_stripe_fraud_warnings_window": {(): 2.0},
    "integration_stripe_payouts_window": {("paid",): 6.0, ("failed",): 1.0},
    "integration_stripe_webhook_endpoints": {("enabled",): 2.0, ("disabled",): 1.0},
    "integration_postgres_connections_used": {(): 82.0},
    "integration_postgres_connections_limit": {(): 97.0},
    "integration_postgres_transactions_window": _TRANSACTIONS,
    "integration_postgres_window_seconds": {(): 600.0},
    "integration_supabase_connections_used": {(): 21.0},
    "integration_supabase_connections_limit": {(): 60.0},
    "integration_supabase_transactions_window": _TRANSACTIONS,
    "integration_supabase_window_seconds": {(): 600.0},
    "integration_supabase_service_up": {("auth",): 1.0, ("rest",): 0.0},
    "integration_resend_emails_window": {("sent",): 900.0, ("delivered",): 870.0, ("bounced",): 18.0},
    "integration_resend_webhook_endpoints": {("enabled",): 1.0, ("disabled",): 1.0},
    "integration_twilio_messages_window": {
        ("sms", "delivered"): 190.0,
        ("sms", "failed"): 11.0,
        ("whatsapp", "delivered"): 70.0,
    },
    "integration_twilio_message_failures_window": {("carrier",): 7.0, ("recipient",): 4.0},
    "integration_twilio_whatsapp_senders": {("online",): 2.0, ("offline",): 1.0},
    "integration_fal_requests_window": {("hour", "succeeded"): 510.0, ("hour", "failed"): 31.0},
}
"""Values of the metrics of providers by their own labels; a moment is said in seconds from now."""
LABELS = {"currency": "USD", "token": "access", "quota": "day", "bucket": "api", "status": "active"}
"""The label of a metric that has no values above; any other one is called like its label."""

WITH_TOKENS = {integration for integration, _, _ in TOKENS}
"""Integrations whose tokens are in the part about tokens."""


def series(now: float, end: float) -> Iterator[Row]:
    """Yield what one exporter shows at `now` of a platform that is seen at `end`."""
    minutes = (now - end + 2000 * HOUR) / MINUTE
    yield from exporter_rows(minutes, now)
    yield from payment_rows(minutes)
    for integration, (provider, _, _, _) in INTEGRATIONS.items():
        own = (("integration", integration), ("provider", provider))
        yield from integration_rows(own, minutes)
    # What is asked for as it is now needs no past, but for what it is compared with.
    if now > end - 2 * MINUTE or now == end - 6 * HOUR:
        yield from threshold_rows()
        for target in working(now, end):
            yield from vendor_rows(target, now)


def recorded(now: float, end: float) -> Iterator[Row]:
    """Yield what rules made of it, and what Prometheus shows of them."""
    yield from prometheus_rows((now - end + 2000 * HOUR) / MINUTE)
    works = set(working(now, end))
    for integration, (provider, tenants, _, days) in INTEGRATIONS.items():
        targets = {
            (integration, provider, tenant) for tenant in tenants if (integration, tenant) not in UNCONFIGURED
        }
        own = (("integration", integration), ("provider", provider))
        yield from recorded_by_integration(own, len(targets), len(targets - works))
        for target in sorted(targets):
            labels = (*own, ("tenant", target[2]))
            yield from recorded_certificates(labels, days)
            if target in works:
                yield from recorded_by_target(target)


def working(now: float, end: float) -> list[Target]:
    """Return the targets that work at `now`."""
    ago = (end - now) / HOUR
    failing = {(name, tenant) for name, tenant, _, start, stop in TROUBLES if start >= ago >= stop}
    return [
        (integration, provider, tenant)
        for integration, (provider, tenants, _, _) in INTEGRATIONS.items()
        for tenant in tenants
        if (integration, tenant) not in failing | UNCONFIGURED
    ]


def vendor_rows(target: Target, now: float) -> Iterator[Row]:
    """Yield what a target that works shows of what its provider measures."""
    integration, provider, tenant = target
    labels = (("integration", integration), ("provider", provider), ("tenant", tenant))
    for metric in registry.probes()[provider].metrics:
        if integration in WITH_TOKENS and "token" in metric.labels:
            continue
        for own, value in _values(metric).items():
            moment = now + value if metric.name.endswith("_timestamp_seconds") else value
            yield metric.name, labels + tuple(zip(metric.labels, own, strict=True)), moment
    yield m.HTTP_STATUS.name, labels, 200.0
    if m.TOKEN_EXPIRY in registry.probes()[provider].metrics and integration not in WITH_TOKENS:
        yield m.TOKEN_REFRESH_FAILURES.name, (*labels, ("token", "access")), 0.0


def _values(metric: Metric) -> Values:
    usual = 5 * DAY if metric.name.endswith("_timestamp_seconds") else 1.0
    return VALUES.get(metric.name) or {tuple(LABELS.get(label, label) for label in metric.labels): usual}


def threshold_rows() -> Iterator[Row]:
    """Yield the thresholds of the integrations that have none yet."""
    for family in registry.families().values():
        if "integration" in family.default_labels and family.name not in OWN:
            for integration, (provider, _, _, _) in INTEGRATIONS.items():
                own = (("integration", integration), ("provider", provider), ("tenant", ""))
                for severity, value in family.steps.items() if integration not in SOME else ():
                    yield family.metric.name, (*own, ("severity", severity.value)), value


def integration_rows(own: Labels, minutes: float) -> Iterator[Row]:
    """Yield the counters and facts of an integration; `minutes` have passed since it was there."""
    # As exporter/engine/integration_counters.py: what cannot apply has no series.
    probe = registry.probes()[own[1][1]]
    if not probe.generic:
        yield m.API_CALLS.name, own, 30 * minutes
    if probe.allowance:
        yield m.DEFERRED.name, own, minutes // 2
    yield m.SLO_OBJECTIVE.name, own, 0.995
    yield m.SLO_WINDOW.name, own, 30 * DAY


def payment_rows(minutes: float) -> Iterator[Row]:
    """Yield what the app reports of payments."""
    for tenant, pace in (("acme", 3.0), ("globex", 1.0)):
        own = (("integration", "payments"), ("provider", "stripe"), ("tenant", tenant))
        yield "integration_payments_total", own, 20 * pace * minutes
        yield "integration_payment_failures_total", (*own, ("reason", "declined")), pace * minutes
        declined = ("family", "funds")
        yield "integration_payment_declines_total", (*own, declined), pace * minutes
        yield "integration_payment_volume_total", (*own, ("currency", "EUR")), 900 * pace * minutes


def exporter_rows(minutes: float, now: float) -> Iterator[Row]:
    """Yield what an exporter shows of itself, and Prometheus of scraping it."""
    start = "integration_exporter_"
    gauges = {
        "config_last_reload_successful": 1.0,
        "targets": 52.0,
        "series": 1900.0,
        "series_duplicates": 0.0,
        "probes_running": 3.0,
        "probe_queue_length": 1.0,
    }
    for name, value in gauges.items():
        yield start + name, (), value
    yield f"{start}build_info", (("version", "1.0.0"), ("pythonversion", "3.11.2")), 1.0
    for name, label, word in (("log_messages", "level", "info"), ("shortages", "resource", "threads")):
        yield f"{start}{name}_total", ((label, word),), minutes
    yield f"{start}task_failures_total", (("task", "schedule"),), minutes // 20
    yield f"{start}probe_lag_seconds_count", (), 40 * minutes
    for edge, share in (("0.01", 30), ("0.1", 39), ("+Inf", 40)):
        yield f"{start}probe_lag_seconds_bucket", (("le", edge),), share * minutes
    source = (("integration", "calendar"), ("source", "http"))
    for name, value in (("refresh_successful", 1.0), ("refused_rows", 0.0), ("doubted", 0.0)):
        yield f"{start}tenants_{name}", source, value
    yield f"{start}tenants_last_refresh_timestamp_seconds", source, now - 200
    yield f"{start}tenants", source[:1], 8.0
    yield from _counted_by_exporter(start, minutes)
    yield from _process(now, minutes)


def _counted_by_exporter(start: str, minutes: float) -> Iterator[Row]:
    for metric in sms_metrics.SMS_SERIES:
        own = tuple((label, "main" if label == "account" else "timeout") for label in metric.labels)
        value = 1_790_000_000.0 if metric.name.endswith("_timestamp_seconds") else minutes // 10
        yield metric.name, own, value


def _process(now: float, minutes: float) -> Iterator[Row]:
    values = {
        "up": 1.0,
        "scrape_duration_seconds": 0.02,
        "scrape_samples_post_metric_relabeling": 2100.0,
        "scrape_sample_limit": 50000.0,
        "process_start_time_seconds": now - minutes * MINUTE,
        "process_open_fds": 80.0,
        "process_max_fds": 65536.0,
        "process_resident_memory_bytes": 93e6,
        "process_cpu_seconds_total": minutes,
    }
    yield from ((name, (), value) for name, value in values.items())


def prometheus_rows(minutes: float) -> Iterator[Row]:
    """Yield what Prometheus shows of the rules that it evaluates."""
    for name, took in (("integration-probes", 0.04), ("integration-quotas", 0.21)):
        own = (
            ("instance", "prometheus:9090"),
            ("job", "prometheus"),
            ("rule_group", f"/etc/prometheus/rules/probes.yml;{name}"),
        )
        yield "prometheus_rule_group_last_duration_seconds", own, took
        yield "prometheus_rule_group_interval_seconds", own, 30.0
        yield "prometheus_rule_evaluation_failures_total", own, 0.0
        yield "prometheus_rule_group_iterations_missed_total", own, minutes // 30


def recorded_by_integration(own: Labels, probed: int, failing: int) -> Iterator[Row]:
    """Yield what rules record of an integration, of whose `probed` targets so many are failing."""
    if not probed:
        return
    share = failing / probed
    yield availability.TARGETS, own, float(probed)
    yield measures.P95, own, 0.4
    yield from ((name, own, share) for name in (service_level.SHARE, service_level.SHARE_5M))
    yield service_level.WINDOW, own, 30 * DAY
    yield service_level.ALLOWED_HOURS, own, 3.6
    yield service_level.BUDGET_LEFT, own, 0.8 - share
    yield service_level.KNOWN_HOURS, own, 12.0
    if dict(own)["provider"] == "stripe":
        yield stripe.FAILED_OF_ALL, own, 12.0 * probed
        yield stripe.VOLUME_OF_ALL, own, 180.0 * probed
        yield from ((RISE, (*own, ("family", one)), 2.0) for one in declines.FAMILIES)


def recorded_by_target(target: Target) -> Iterator[Row]:
    """Yield what rules record of a target that works."""
    integration, provider, tenant = target
    labels = (("integration", integration), ("provider", provider), ("tenant", tenant))
    level = "integration_provider_tenant"
    measured = registry.probes()[provider].metrics
    if m.QUOTA_USED in measured:
        yield quotas.QUOTA_NEAR_LIMIT.suspects_record, (*labels, ("quota", "month")), 0.9
    if m.RATE_LIMIT_REMAINING in measured:
        yield RATE_LIMIT_LOW.suspects_record, (*labels, ("bucket", "api")), 0.08
    if m.PREPAID_BALANCE in measured:
        yield quotas.MONEY, labels, 42.5
        yield quotas.PACE, labels, 42.5 / (9 * DAY)
    if provider == "stripe":
        yield stripe.RATIO, labels, 168 / 180
        yield stripe.VOLUME, labels, 180.0
        for name, value in (
            ("integration_payments_total", 1200.0),
            ("integration_payment_failures_total", 60.0),
        ):
            yield f"{level}:{name}:increase1h", labels, value
        for name in ("integration_payment_disputes_total", "integration_payment_fraud_warnings_total"):
            yield f"{level}:{name}:increase1d", labels, 2.0
        yield f"{level}:integration_payments_total:increase1d", labels, 9600.0
        # Of the two cases one alone is too frequent.
        yield stripe.WARNINGS.suspects_record, labels, 0.006
        yield FRAUD_WARNINGS_HIGH.suspects_record, labels, 0.006
    if provider == "resend":
        yield BOUNCES_HIGH.suspects_record, labels, 0.06
    if provider == "twilio":
        yield twilio.RATIO, (*labels, ("channel", "sms")), 190 / 201
        yield twilio.DELIVERY_LOW.suspects_record, labels, 0.87
        yield twilio.VOLUME, (*labels, ("channel", "sms")), 201.0
    if provider in ("postgres", "supabase"):
        yield f"{level}:integration_{provider}_transactions_window:error_ratio", labels, 130 / 5330


def recorded_certificates(labels: Labels, days: float) -> Iterator[Row]:
    """Yield the certificate of a target if it expires within the loosest of the thresholds."""
    if days and days < 21:
        name = measures.CERTIFICATE_EXPIRING.suspects_record
        yield name, (*labels, ("certificate", "server")), days * DAY
