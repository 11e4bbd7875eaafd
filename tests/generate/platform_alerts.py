"""The part of the made-up platform about alerts and tokens: how often they came, how long tokens last."""

from collections.abc import Iterator

from exporter.alerts.tokens import TOKEN_EXPIRING, TOKEN_REFRESH_FAILING
from tests.generate.dashboards_platform import DAY, HOUR, INTEGRATIONS, Labels, Row

# alert: times it fired an hour, share that flapped, share that somebody acknowledged, seconds until resolved
NOISE = {
    "IntegrationTargetFailing": (3.0, 0.1, 0.5, 1900.0),
    "IntegrationLatencyHigh": (9.0, 0.6, 0.0, 700.0),
    "IntegrationCertificateExpiring": (0.5, 0.0, 1.0, 86_000.0),
}
# integration, tenant, token: seconds left, whether the exporter renews it, its state, refreshes that failed
TOKENS: dict[tuple[str, str, str], tuple[float, bool, str, int]] = {
    ("ads", "acme", "access"): (41 * DAY, False, "", 0),
    ("ads", "globex", "access"): (5.5 * DAY, False, "", 0),
    ("ads", "hooli", "access"): (0.4 * DAY, False, "", 0),
    ("ads", "stark", "access"): (-2 * HOUR, False, "", 0),
    ("calendar", "acme", "access"): (0.7 * HOUR, True, "valid", 0),
    ("calendar", "initech", "access"): (0.2 * HOUR, True, "expired", 4),
    ("calendar", "hooli", "access"): (0.9 * HOUR, True, "refused", 1),
    ("chat", "wonka", "access"): (300 * DAY, True, "unknown", 0),
}
STATES = ("valid", "expired", "never_expires", "unknown", "implausible", "refused")


def series(now: float, end: float) -> Iterator[Row]:
    """Yield what one exporter shows at `now` of a platform that is seen at `end`."""
    hours = (now - end) / HOUR + 2000
    for alert, (fired, flapped, acknowledged, seconds) in NOISE.items():
        labels = (("alert", alert),)
        times = fired * hours
        yield "integration_exporter_alerts_fired_total", labels, times
        yield "integration_exporter_alerts_flapped_total", labels, times * flapped
        yield "integration_exporter_alerts_resolved_total", labels, times
        yield "integration_exporter_alerts_resolve_seconds_total", labels, times * seconds
        yield "integration_exporter_alerts_acknowledged_total", labels, times * acknowledged
        yield "integration_exporter_alerts_acknowledge_seconds_total", labels, times * acknowledged * 420
    for state in ("firing", "resolved"):
        yield "integration_exporter_notices_total", (("state", state), ("severity", "high")), 12.5 * hours
    yield "integration_exporter_notices_repeated_total", (), 40 * hours
    yield "integration_exporter_notices_truncated_total", (), 0.5 * hours
    yield "integration_exporter_config_last_reload_success_timestamp_seconds", (), end - HOUR / 2
    vendor: Labels = (("integration", "vendor-status"), ("provider", "statuspage"), ("tenant", ""))
    yield "integration_statuspage_incidents", (*vendor, ("impact", "major")), float(now > end - HOUR / 3)
    yield from _drift(hours)
    yield from _tokens(end)


def _drift(hours: float) -> Iterator[Row]:
    own: Labels = (("integration", "ads"), ("provider", "facebook_ads"))
    yield "integration_probe_schema_drift_total", own, 2 * hours


def recorded(now: float, end: float) -> Iterator[Row]:
    """Yield the tokens that the rules find beyond their loosest threshold."""
    for (integration, tenant, token), (left, ours, _, failures) in TOKENS.items():
        labels: Labels = (("integration", integration), ("provider", INTEGRATIONS[integration][0]))
        labels += (("tenant", tenant), ("token", token))
        if not ours and left < 7 * DAY:
            yield TOKEN_EXPIRING.suspects_record, labels, left + end - now
        if failures >= 3:
            yield TOKEN_REFRESH_FAILING.suspects_record, labels, float(failures)


def _tokens(end: float) -> Iterator[Row]:
    for (integration, tenant, token), (left, ours, state, failures) in TOKENS.items():
        provider = INTEGRATIONS[integration][0]
        labels: Labels = (("integration", integration), ("provider", provider), ("tenant", tenant))
        labels += (("token", token),)
        yield "integration_token_expiry_timestamp_seconds", labels, end + left
        yield "integration_token_refreshable", labels, float(ours)
        if not ours:
            continue
        for one in STATES:
            yield "integration_token_state", (*labels, ("state", one)), float(one == state)
        yield "integration_token_refresh_failures", labels, float(failures)
        yield "integration_token_refresh_last_success_timestamp_seconds", labels, end - 3 * HOUR
        if failures:
            yield "integration_token_refresh_failure_info", (*labels, ("reason", "auth")), 1.0
