"""What the apps of the made-up platform report, as series: most of it well, some of it in trouble.

Tenant globex is in trouble: its checkout fails, its widget is broken since a release, somebody tries
passwords, bots crawl it, and most of its usual visitors stay away.
"""

from collections.abc import Iterator

from exporter import registry
from exporter.core.event import EventKind
from exporter.events._auth_alerts import FAILURES_5M
from exporter.events._traffic_alerts import BOTS_HIGH
from tests.generate.dashboards_platform import ENDPOINTS, INTEGRATIONS, SOURCES

MINUTE, HOUR = 60.0, 3600.0
Labels = tuple[tuple[str, str], ...]
Row = tuple[str, Labels, float]

TENANTS = ("acme", "globex", "initech", "wonka")
ILL = "globex"
NONE = (("integration", ""), ("provider", ""))
# route, method: requests a minute, usual seconds, share that fails at the tenant in trouble
ROUTES = {
    ("/checkout", "POST"): (12.0, 0.24, 0.2),
    ("/bookings/{id}", "GET"): (60.0, 0.05, 0.001),
    ("/search", "GET"): (30.0, 2.4, 0.002),
}
# integration, provider, route, method: calls a minute, usual seconds, share that fails
CALLS = {
    ("payments", "stripe", "/v1/payment_intents", "POST"): (11.0, 0.31, 0.01),
    ("sms", "twilio", "/Messages.json", "POST"): (8.0, 0.42, 0.15),
}
# endpoint: calls a minute, usual seconds, share that fails, US dollars a call
AI = {"describe-room": (6.0, 1.8, 0.01, 0.004), "translate": (20.0, 0.6, 0.08, 0.0006)}
# widget, release: loads a minute, share of each failure
WIDGETS = {
    ("booking", "2026.10"): (30.0, 0.004),
    ("booking", "2026.11"): (40.0, 0.1),
    ("donate", ""): (9.0, 0.0),
}
FAILURES = ("load_error", "render_failure", "script_error", "timeout")
CLIENTS = {"human": 40.0, "bot": 6.0, "suspicious": 0.5}
COUNTRIES = {"DE": 0.6, "FR": 0.25, "US": 0.15}
METHODS = {"password": 4.0, "passkey": 2.0}
CLASSES = {"privilege": 0.1, "export": 0.4, "sign_in": 6.0, "delete": 0.3, "read": 9.0}
# policy, endpoint: requests a minute, share that is blocked
POLICIES = {("login", "shop/login"): (8.0, 0.3), ("api", "/api/v1/status"): (20.0, 0.0)}
KINDS = {"api_request": 460.0, "payment": 11.0, "widget": 79.0, "traffic": 186.0, "auth": 24.0, "audit": 16.0}
# integration: provider, tenant, bucket, calls left, calls in all
BUCKETS = {
    "newsletter": ("resend", "acme", "requests", 4.0, 100.0),
    "chat": ("whatsapp", "acme", "messages", 80.0, 100.0),
}
TOLD = {*KINDS, "ai_usage", "rate_limit", "webhook"}
"""Kinds that have their part in the story."""
BOUNDS = ((0.25, 0.2), (1.0, 0.6), (2.0, 0.95), (5.0, 1.0))
"""Multiples of the usual time, and the share of what is quicker."""


def series(now: float, end: float) -> Iterator[Row]:
    """Yield what one exporter shows at `now` of what apps reported to it; `end` is when the story ends."""
    yield from _recorded()
    minutes = (now - end + 2000 * HOUR) / MINUTE
    for part in (_requests, _calls, _ai, _widgets, _traffic, _sign_ins, _audit, _limits, _intake):
        yield from part(minutes)
    yield from _webhook_facts(end)
    for name, kind in registry.events().items():
        if name not in TOLD:
            yield from _other(kind, minutes)
    for integration, (provider, tenant, bucket, left, most) in BUCKETS.items():
        labels = (
            ("integration", integration),
            ("provider", provider),
            ("tenant", tenant),
            ("bucket", bucket),
        )
        yield "integration_rate_limit_remaining", labels, left
        yield "integration_rate_limit_limit", labels, most
        yield "integration_rate_limit_reset_timestamp_seconds", labels, end + HOUR


def _recorded() -> Iterator[Row]:
    """Yield what rules recorded: failed sign-ins, views of 15 minutes, and what is usual at that hour."""
    for tenant in TENANTS:
        labels = (("tenant", tenant),)
        yield FAILURES_5M, labels, 300.0 if tenant == ILL else 5.0
        yield "tenant:integration_page_views_total:increase15m", labels, 90.0 if tenant == ILL else 600.0
        if tenant == ILL:
            yield BOTS_HIGH.suspects_record, labels, 0.6
        # A customer of the last weeks has no three weeks yet.
        if tenant != "wonka":
            yield "tenant:integration_page_views_total:usual_low", labels, 520.0
            yield "tenant:integration_page_views_total:usual_high", labels, 700.0
            yield "tenant:integration_page_views_total:times_usual", labels, 0.17 if tenant == ILL else 1.0
        for country, share in COUNTRIES.items():
            name = "tenant_country:integration_page_views_by_country_total:share_1w"
            yield name, (*labels, ("country", country)), share if tenant != ILL else 0.1


def _requests(minutes: float) -> Iterator[Row]:
    for (route, method), (pace, seconds, share) in ROUTES.items():
        place = (("route", route), ("method", method))
        for tenant in TENANTS:
            labels = (*NONE, ("tenant", tenant), *place)
            yield "integration_api_requests_total", labels, pace * minutes
            for reason, part in (
                ("client", 0.02),
                ("server", share if tenant == ILL else 0.001),
                ("timeout", 0.0),
            ):
                failed = pace * minutes * part
                yield "integration_api_request_failures_total", (*labels, ("reason", reason)), failed
        count = pace * minutes * len(TENANTS)
        yield from _buckets("integration_api_request_duration_seconds", (*NONE, *place), seconds, count)


def _calls(minutes: float) -> Iterator[Row]:
    for (integration, provider, route, method), (pace, seconds, share) in CALLS.items():
        own = (("integration", integration), ("provider", provider))
        place = (("route", route), ("method", method))
        labels = (*own, ("tenant", "acme"), *place)
        yield "integration_api_requests_total", labels, pace * minutes
        failed = pace * minutes * share
        yield "integration_api_request_failures_total", (*labels, ("reason", "timeout")), failed
        yield from _buckets(
            "integration_api_request_duration_seconds", (*own, *place), seconds, pace * minutes
        )


def _ai(minutes: float) -> Iterator[Row]:
    for endpoint, (pace, seconds, share, cost) in AI.items():
        place = (("endpoint", endpoint),)
        labels = (*NONE, ("tenant", "acme"), *place)
        yield "integration_ai_requests_total", labels, pace * minutes
        yield "integration_ai_cost_usd_total", labels, pace * minutes * cost
        failed = pace * minutes * share
        yield "integration_ai_request_failures_total", (*labels, ("reason", "rate_limited")), failed
        yield from _buckets(
            "integration_ai_request_duration_seconds", (*NONE, *place), seconds, pace * minutes
        )


def _widgets(minutes: float) -> Iterator[Row]:
    for (widget, release), (pace, share) in WIDGETS.items():
        for tenant in TENANTS:
            labels = (*NONE, ("tenant", tenant), ("widget", widget), ("release", release))
            yield "integration_widget_loads_total", labels, pace * minutes
            for reason in FAILURES:
                failed = pace * minutes * share * (1.0 if tenant == ILL else 0.02)
                yield "integration_widget_failures_total", (*labels, ("reason", reason)), failed
    for widget, pace in (("booking", 280.0), ("donate", 36.0)):
        place = (*NONE, ("widget", widget))
        yield from _buckets("integration_widget_load_duration_seconds", place, 0.6, pace * minutes)


def _traffic(minutes: float) -> Iterator[Row]:
    for tenant in TENANTS:
        own = (*NONE, ("tenant", tenant))
        for route, _ in ROUTES:
            for client, pace in CLIENTS.items():
                seen = pace * (10.0 if client == "bot" and tenant == ILL else 1.0)
                yield (
                    "integration_page_views_total",
                    (*own, ("route", route), ("client", client)),
                    seen * minutes,
                )
        for country, share in COUNTRIES.items():
            views = 120.0 * share * minutes
            yield "integration_page_views_by_country_total", (*own, ("country", country)), views


def _sign_ins(minutes: float) -> Iterator[Row]:
    for tenant in TENANTS:
        for method, pace in METHODS.items():
            labels = (*NONE, ("tenant", tenant), ("method", method))
            tried = 30.0 if tenant == ILL and method == "password" else 0.1
            yield "integration_sign_ins_total", labels, (pace + tried) * minutes
            yield "integration_sign_in_failures_total", labels, tried * minutes


def _audit(minutes: float) -> Iterator[Row]:
    for tenant in TENANTS:
        own = (("tenant", tenant),)
        for action, pace in CLASSES.items():
            yield "integration_audit_events_total", (*own, ("action_class", action)), pace * minutes
        ill = tenant == ILL
        for pattern in ("credential_stuffing", "score"):
            yield "integration_audit_flags_total", (*own, ("pattern", pattern)), 0.02 * minutes * ill
        yield "integration_audit_unreviewed", own, 3.0 * ill
        yield "integration_audit_unreviewed_risk", own, 85.0 * ill
    yield "integration_audit_chain_entries", (), 16.0 * minutes


def _limits(minutes: float) -> Iterator[Row]:
    for (policy, endpoint), (pace, share) in POLICIES.items():
        for tenant in ("", ILL):
            labels = (("tenant", tenant), ("policy", policy), ("endpoint", endpoint))
            yield "integration_ratelimit_requests_total", labels, pace * minutes
            yield "integration_ratelimit_blocks_total", labels, pace * minutes * share
    yield "integration_exporter_ratelimit_storage_healthy", (), 1.0
    yield "integration_exporter_ratelimit_storage_failures", (), 2.0
    yield "integration_exporter_ratelimit_blocks", (), 3.0
    yield "integration_exporter_ratelimit_identifiers", (), 240.0


def _intake(minutes: float) -> Iterator[Row]:
    for kind, pace in KINDS.items():
        own = (("kind", kind),)
        yield "integration_exporter_events_total", own, pace * minutes
        yield "integration_exporter_events_duplicate_total", own, 0.1 * minutes
        rejected = 0.5 * minutes
        yield "integration_exporter_events_rejected_total", (*own, ("reason", "bad_value")), rejected
    dropped = "integration_exporter_event_series_dropped_total"
    yield dropped, (("metric", "integration_api_requests_total"),), 0.2 * minutes
    yield "integration_exporter_store_healthy", (), 1.0
    store = {"failed_writes": 0, "failed_reads": 0, "dropped": 0, "waiting": 12, "lag_seconds": 0.4}
    for name, value in {**store, "size_bytes": 48_000_000}.items():
        yield f"integration_exporter_store_{name}", (), float(value)


def _webhook_facts(end: float) -> Iterator[Row]:
    """Yield limits of silence, endpoints that are disabled, and what the exporter does about alerts."""
    for source, (integration, tenant, _, _) in SOURCES.items():
        own = (("integration", integration), ("provider", INTEGRATIONS[integration][0]))
        place = (*own, ("tenant", tenant), ("source", source))
        yield "integration_webhook_silence_limit_seconds", place, 6 * HOUR
    for endpoint, (tenant, _, up) in ENDPOINTS.items():
        disabled = (*NONE, ("tenant", tenant), ("endpoint", endpoint))
        yield "integration_webhook_endpoint_disabled", disabled, float(not up)
    yield "integration_exporter_alertmanager_up", (), 1.0
    yield "integration_exporter_maintenance_active", (("name", "releases"),), 1.0
    yield "integration_exporter_notices_last_timestamp_seconds", (), end - 40
    yield "integration_exporter_escalations_total", (("severity", "critical"),), 4.0


def _other(kind: EventKind, minutes: float) -> Iterator[Row]:
    """Yield a series of each metric of a kind that this story knows nothing about."""
    for metric in kind.metrics:
        own = {"tenant": "acme", "integration": "", "provider": ""}
        labels = tuple((label, own.get(label, "any")) for label in metric.label_names)
        if metric.buckets:
            yield from _buckets(metric.name, labels, metric.buckets[0], 3 * minutes)
        else:
            yield metric.name, labels, 3 * minutes


def _buckets(name: str, labels: Labels, usual: float, count: float) -> Iterator[Row]:
    for times, share in BOUNDS:
        yield f"{name}_bucket", (*labels, ("le", f"{usual * times:g}")), count * share
    yield f"{name}_bucket", (*labels, ("le", "+Inf")), count
