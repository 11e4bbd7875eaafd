"""A made-up platform as OpenMetrics text: twenty-one integrations, eight tenants, some of them in trouble.

It is what the dashboards are tested with, and what their pictures show. Everything is a function of the time,
so that two runs give the same text. Parts of it are files of their own, `platform_*.py`, found by their
names: each has `series(now, end)`, what one exporter shows at `now`, and may have `recorded(now, end)`, what
rules made of it.
"""

import importlib
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from exporter.alerts.webhooks import EVENTS_1H, FAILURES_1H
from tests.generate import more_integrations

NOW = 1_790_000_040.0
"""When the platform is seen, in Unix seconds."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
INTERVAL = 2 * MINUTE
TENANTS = ("acme", "globex", "hooli", "initech", "stark", "umbrella", "wayne", "wonka")
PHASES = {"resolve": 0.04, "connect": 0.13, "tls": 0.22, "processing": 0.52, "transfer": 0.09}

# integration: provider, tenants, usual seconds, days of life of its certificate (0: none is seen)
INTEGRATIONS: dict[str, tuple[str, tuple[str, ...], float, float]] = {
    "ads": ("facebook_ads", TENANTS[:5], 0.61, 61.2),
    "booking-api": ("http", ("",), 0.12, 33.8),
    "calendar": ("google_calendar", TENANTS, 0.34, 58.1),
    "chat": ("whatsapp", TENANTS[:6], 0.48, 74.6),
    "database": ("postgres", ("",), 0.03, 0.0),
    "edge": ("tls", ("",), 0.05, 4.6),
    "images": ("fal", TENANTS[:4], 1.9, 44.0),
    "mail": ("smtp", TENANTS[2:6], 0.27, 16.3),
    "newsletter": ("resend", TENANTS[:3], 0.22, 80.9),
    "partner-feed": ("http", ("",), 0.31, -0.1),
    "payments": ("stripe", TENANTS, 0.29, 66.4),
    "sms": ("twilio", TENANTS, 0.41, 51.7),
    "vendor-status": ("statuspage", ("",), 0.18, 40.3),
    **more_integrations.INTEGRATIONS,
}
UNCONFIGURED = {("chat", tenant) for tenant in TENANTS[:6]} | {("mail", "stark")}
CRITICAL = {"payments", "database", "booking-api"}
# (integration, tenant): reason, hours ago from, hours ago to
TROUBLES: tuple[tuple[str, str, str, float, float], ...] = (
    ("ads", "stark", "permission", 1e6, 0),
    ("booking-api", "", "timeout", 4.1, 3.4),
    ("calendar", "hooli", "permission", 5.2, 0),
    ("calendar", "initech", "auth", 0.42, 0),
    ("images", "acme", "quota", 0.87, 0),
    ("newsletter", "acme", "vendor_error", 0.24, 0),
    ("newsletter", "globex", "vendor_error", 0.26, 0),
    ("newsletter", "hooli", "vendor_error", 0.25, 0),
    ("partner-feed", "", "tls", 2.4, 0),
    ("payments", "wayne", "rate_limited", 1.6, 1.4),
    ("sms", "globex", "auth", 3.17, 0),
    ("sms", "umbrella", "account", 1.31, 0),
    ("sms", "acme", "timeout", 4.05, 3.5),
    *more_integrations.TROUBLES,
)
# alert, severity, integration, tenant, hours since it fires
ALERTS = (
    ("IntegrationDown", "high", "newsletter", "", 0.18),
    ("IntegrationTargetFailing", "high", "ads", "stark", 700.0),
    ("IntegrationTargetFailing", "high", "calendar", "hooli", 5.1),
    ("IntegrationTargetFailing", "high", "calendar", "initech", 0.33),
    ("IntegrationTargetFailing", "high", "images", "acme", 0.8),
    ("IntegrationTargetFailing", "high", "partner-feed", "", 2.3),
    ("IntegrationTargetFailing", "high", "sms", "globex", 3.1),
    ("IntegrationTargetFailing", "high", "sms", "umbrella", 1.2),
    ("IntegrationCertificateExpiring", "critical", "partner-feed", "", 2.4),
    ("IntegrationCertificateExpiring", "high", "edge", "", 57.6),
    ("IntegrationCertificateExpiring", "medium", "edge", "", 393.6),
    ("IntegrationCertificateExpiring", "medium", "mail", "hooli", 112.8),
    ("IntegrationLatencyHigh", "medium", "images", "globex", 0.6),
    *more_integrations.ALERTS,
)
# source: integration, tenant, webhooks a minute, share that the app refuses
SOURCES = {"stripe": ("payments", "", 40.0, 0.0), "twilio": ("sms", "globex", 12.0, 0.3)}
# endpoint: tenant, deliveries a minute, up
ENDPOINTS = {"acme-crm": ("acme", 25.0, True), "wonka-erp": ("wonka", 6.0, False)}
LATENCY = {"medium": 2.0, "high": 5.0}
CERTIFICATE = {"medium": 21 * DAY, "high": 7 * DAY, "critical": 0.0}
Labels = tuple[tuple[str, str], ...]
Row = tuple[str, Labels, float]


@cache
def parts() -> tuple[ModuleType, ...]:
    """Return each part that is a file of its own."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = sorted(one.name for one in found if one.name.startswith("platform_"))
    return tuple(importlib.import_module(f"tests.generate.{name}") for name in names)


@dataclass(frozen=True)
class Platform:
    """The platform as seen at `end` (Unix seconds), exported by `replicas` exporters."""

    end: float
    replicas: int = 1

    def exposition(self, start: float, end: float, step: float) -> Iterator[str]:
        """Yield the lines of an OpenMetrics text with samples from `start` to `end` every `step` seconds."""
        lines: dict[str, list[str]] = {}
        for index in range(int((end - start) / step) + 1):
            at = start + index * step
            for name, labels, value in self.at(at):
                text = ",".join(f'{key}="{worth}"' for key, worth in labels)
                lines.setdefault(name, []).append(f"{name}{{{text}}} {value:.6f} {at:.0f}")
        for name in sorted(lines):
            yield f"# TYPE {name.removesuffix('_total')} {'counter' if name.endswith('_total') else 'gauge'}"
            yield from lines[name]
        yield "# EOF"

    def at(self, now: float) -> Iterator[Row]:
        """Yield every series that a scrape of all replicas brings at `now`, and those of the rules."""
        for replica in range(self.replicas):
            instance = (("instance", f"exporter-{replica}:10055"), ("job", "integration-exporter"))
            for name, labels, value in self._exported(now):
                yield name, labels + instance, value
        for part in parts():
            if hasattr(part, "recorded"):
                yield from part.recorded(now, self.end)
        yield from self._alerts(now)

    def _exported(self, now: float) -> Iterator[Row]:
        yield from self._webhooks(now)
        for part in parts():
            yield from part.series(now, self.end)
        for integration, (provider, tenants, usual, days) in INTEGRATIONS.items():
            own = (("integration", integration), ("provider", provider))
            yield "integration_critical", own, float(integration in CRITICAL)
            yield from self._thresholds(own)
            yield from self._counters(integration, own, now)
            for tenant in tenants:
                labels = (*own, ("tenant", tenant))
                yield "integration_info", (*labels, ("plan", "gold" if tenant < "h" else "free")), 1.0
                configured = (integration, tenant) not in UNCONFIGURED
                yield "integration_configured", labels, float(configured)
                if configured:
                    yield from self._target(integration, tenant, labels, usual, days, now)

    def _webhooks(self, now: float) -> Iterator[Row]:
        minutes = (now - self.end + 2000 * HOUR) / MINUTE
        for source, (integration, tenant, pace, bad) in SOURCES.items():
            own = (("integration", integration), ("provider", INTEGRATIONS[integration][0]))
            place = (*own, ("tenant", tenant), ("source", source))
            inbound = (*place, ("direction", "inbound"))
            yield "integration_webhook_received_total", (*place, ("type", f"{source}.event")), pace * minutes
            yield "integration_webhook_duplicates_total", place, minutes
            yield "integration_webhook_source_since_timestamp_seconds", place, self.end - 1000 * HOUR
            yield "integration_webhook_signature_failures_total", (*place, ("reason", "mismatch")), minutes
            yield "integration_webhook_last_event_timestamp_seconds", inbound, now - 20
            yield "integration_webhook_consecutive_failures", inbound, 4.0 if bad else 0.0
            yield from _counted(own, place, inbound, pace * minutes, bad, source)
        for endpoint, (tenant, pace, up) in ENDPOINTS.items():
            none = (("integration", ""), ("provider", ""))
            place = (*none, ("tenant", tenant), ("endpoint", endpoint))
            outbound = (*none, ("tenant", tenant), ("source", endpoint), ("direction", "outbound"))
            yield "integration_webhook_endpoint_up", place, float(up)
            yield "integration_webhook_endpoint_last_success_timestamp_seconds", place, now - 90
            expiry = "integration_webhook_endpoint_certificate_expiry_timestamp_seconds"
            yield expiry, place, self.end + 12 * DAY
            yield from _counted(none, place, outbound, pace * minutes, 0.0 if up else 1.0, endpoint)

    def _target(
        self, integration: str, tenant: str, labels: Labels, usual: float, days: float, now: float
    ) -> Iterator[Row]:
        trouble = self._trouble(integration, tenant, now)
        run = now - now % INTERVAL
        since = self.end - trouble[1] * HOUR if trouble else run
        yield "integration_probe_success", labels, float(trouble is None)
        yield "integration_probe_last_run_timestamp_seconds", labels, run
        yield "integration_probe_next_run_timestamp_seconds", labels, run + INTERVAL
        if since > self.end - 10 * DAY:
            yield "integration_probe_last_success_timestamp_seconds", labels, since
        failures = math.ceil((run - since) / INTERVAL) + 1 if trouble else 0
        yield "integration_probe_consecutive_failures", labels, float(min(failures, 2016))
        if trouble:
            yield "integration_probe_failure_info", (*labels, ("reason", trouble[0])), 1.0
        yield from self._times(labels, usual, trouble[0] if trouble else "", run)
        if days:
            expiry = self.end + days * DAY
            yield "integration_certificate_expiry_timestamp_seconds", labels, expiry

    def _times(self, labels: Labels, usual: float, reason: str, run: float) -> Iterator[Row]:
        wave = sum(map(ord, "".join(value for _, value in labels))) % 97
        seconds = usual * (1 + 0.16 * math.sin(run / 1700 + wave) + 0.1 * math.sin(run / 311 + wave * 3))
        if self.end - 1.5 * HOUR < run and labels[0][1] == "images":
            seconds *= 1.25
        seconds = 10.0 if reason == "timeout" else seconds
        yield "integration_probe_duration_seconds", labels, seconds
        for phase, share in PHASES.items():
            if reason != "timeout" or phase in ("resolve", "connect", "tls"):
                measured = usual if reason == "timeout" else seconds
                yield (
                    "integration_probe_phase_duration_seconds",
                    (*labels, ("phase", phase)),
                    measured * share,
                )

    def _counters(self, integration: str, own: Labels, now: float) -> Iterator[Row]:
        counted: dict[str, float] = {}
        for name, tenant, reason, start, end in TROUBLES:
            if name == integration and (integration, tenant) not in UNCONFIGURED:
                first = self.end - min(start, 1000) * HOUR
                last = min(now, self.end - end * HOUR if end else now)
                counted[reason] = counted.get(reason, 0.0) + max(0.0, (last - first) // INTERVAL)
        for reason, count in counted.items():
            yield "integration_probe_failures_total", (*own, ("reason", reason)), count
        yield "integration_probes_total", own, (now - self.end + 2000 * HOUR) // INTERVAL

    def _thresholds(self, own: Labels) -> Iterator[Row]:
        for family, steps in (("latency_seconds", LATENCY), ("certificate_expiry_seconds", CERTIFICATE)):
            for severity, value in steps.items():
                yield (
                    f"integration_threshold_{family}",
                    (*own, ("tenant", ""), ("severity", severity)),
                    value,
                )

    def _alerts(self, now: float) -> Iterator[Row]:
        yield "ALERTS", (("alertname", "Watchdog"), ("alertstate", "firing")), 1.0
        for alert, severity, integration, tenant, hours in ALERTS:
            since = self.end - hours * HOUR
            labels: Labels = (("alertname", alert), ("integration", integration))
            labels += (("provider", INTEGRATIONS[integration][0]), ("severity", severity), ("tenant", tenant))
            if now >= since:
                yield "ALERTS", (*labels, ("alertstate", "firing")), 1.0
                yield "ALERTS_FOR_STATE", labels, since

    def _trouble(self, integration: str, tenant: str, now: float) -> tuple[str, float] | None:
        ago = (self.end - now) / HOUR
        for name, who, reason, start, end in TROUBLES:
            if (name, who) == (integration, tenant) and start >= ago and (ago >= end or end == 0):
                return reason, start
        return None


def _counted(
    own: Labels, place: Labels, event: Labels, count: float, bad: float, receiver: str
) -> Iterator[Row]:
    """Yield what attempts leave: `place` has the labels of the receiver, `event` the direction too."""
    direction = event[-1]
    to = (*own, place[2], ("endpoint", receiver), direction)
    yield "integration_webhook_events_total", event, count
    yield "integration_webhook_event_failures_total", (*event, ("reason", "timeout")), count * bad
    yield EVENTS_1H, event, 60.0
    yield FAILURES_1H, event, 60.0 * bad
    yield "integration_webhook_deliveries_total", to, count
    yield "integration_webhook_delivery_failures_total", (*to, ("reason", "timeout")), count * bad
    yield "integration_webhook_backlog", to, 30.0 * bad
    yield "integration_webhook_dead", to, 3.0 * bad
    if bad:
        yield "integration_webhook_oldest_timestamp_seconds", to, 1_790_000_000.0 - HOUR
    for bound, share in (("0.1", 0.5), ("0.5", 0.9), ("+Inf", 1.0)):
        bucket = "integration_webhook_processing_duration_seconds_bucket"
        yield bucket, (*own, *event[3:], ("le", bound)), count * share
        if receiver != "wonka-erp":  # the same series as that of the other endpoint
            yield (
                "integration_webhook_delivery_duration_seconds_bucket",
                (*own, direction, ("le", bound)),
                count * share,
            )
