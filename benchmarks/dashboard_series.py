"""The series that dashboards read, of 10,000 tenants, and what rules recorded of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from benchmarks.block import Labels, Moments, Shape
from exporter import registry
from exporter.core import common_metrics as m
from exporter.core.declines import FAMILIES
from exporter.core.metric import Kind, Metric, Scope
from exporter.core.panel import MOST
from exporter.core.severity import Severity

SHAPES = 16
"""Series of a metric have so many different courses; one of each tenant."""
EACH = 100
"""One target in so many fails."""
SOME = re.compile(r":(most|least)(_share)?\Z")
"""The end of the name of a record of those that need a look first."""

VALUES: dict[str, tuple[str, ...]] = {
    "phase": ("resolve", "connect", "tls", "processing", "transfer"),
    "family": FAMILIES,
    "channel": ("sms", "whatsapp", "other"),
    "status": ("enabled", "disabled", "online", "offline", "paid"),
    "quota": ("day", "month"),
    "period": ("hour", "today", "month"),
    "permission": ("balance", "events", "webhooks"),
    "reading": ("balance", "events", "webhooks"),
    "reason": ("auth", "timeout"),
    "direction": ("inbound", "outbound"),
    "state": ("valid", "expired", "idle", "active"),
    "le": ("0.05", "0.1", "0.5", "1", "5", "+Inf"),
    "severity": tuple(Severity),
}
"""Values of a metric's own labels; any other label has one value."""
OUTCOMES = {
    "stripe": ("succeeded", "failed", "blocked"),
    "twilio": ("delivered", "undelivered", "failed", "sent", "pending", "other"),
    "resend": ("sent", "delivered", "bounced", "complained", "failed"),
}
"""Values of the label `outcome` by provider; of any other provider two."""
_NAME = re.compile(r"(?<![a-zA-Z0-9_:])[a-zA-Z_:][a-zA-Z0-9_:]*")  # no part of a range: [1h:1m]
_INSTANCE = (("instance", "127.0.0.1:10055"), ("job", "integration-exporter"))


@dataclass(frozen=True)
class Crowd:
    """Who is measured: `tenants` of each of `providers`, and one target of every other provider."""

    tenants: int
    providers: tuple[str, ...]
    moments: Moments

    def targets(self, provider: str) -> Iterator[tuple[str, int]]:
        """Yield the tenants of a provider with their numbers."""
        if provider not in self.providers:
            yield "", 1
            return
        yield from ((f"tenant-{number:05}", number) for number in range(self.tenants))


def series_of(crowd: Crowd, expressions: Sequence[str]) -> Iterator[tuple[Labels, Shape]]:
    """Yield every series whose name is in one of `expressions`, sorted by labels."""
    read = {name for expr in expressions for name in _NAME.findall(expr)}
    by_name = {name: metric for metric in registry.metrics() for name in metric.series_names}
    names = (read & (by_name.keys() | {name for name in read if ":" in name})) | _vendor_names(crowd)
    names |= {name for name in read if name.startswith(("integration_exporter_", "process_", "scrape_"))} | {
        "up"
    }
    for name in sorted(names | {"ALERTS", "ALERTS_FOR_STATE"}):
        found = {
            tuple(sorted((*labels, ("__name__", name)))): shape for labels, shape in _of(name, crowd, by_name)
        }
        yield from sorted(found.items())


def _vendor_names(crowd: Crowd) -> set[str]:
    """Return the names of what vendors report, which the detail of a target asks for by a pattern."""
    return {metric.name for metric in registry.probes()[crowd.providers[0]].metrics}


def _of(name: str, crowd: Crowd, by_name: dict[str, Metric]) -> Iterator[tuple[Labels, Shape]]:
    if name in ("ALERTS", "ALERTS_FOR_STATE"):
        yield from _alerts(name, crowd)
    elif ":" in name:
        yield from _recorded(name, crowd, by_name)
    elif name in by_name:
        yield from _exported(name, by_name[name], crowd)
    else:
        kind = Kind.COUNTER if name.endswith("_total") else Kind.GAUGE
        yield _INSTANCE, _shape(name, kind, 1, crowd.moments)


def _providers_of(metric: Metric, crowd: Crowd) -> list[str]:
    everywhere = {*m.TARGET_SERIES, *m.INTEGRATION_SERIES, m.CERTIFICATE_EXPIRY, m.CHAIN_EXPIRY}
    found = [
        name for name, probe in registry.probes().items() if metric in everywhere or metric in probe.metrics
    ]
    # Series of tokens come with those that renew one; events name the first integration.
    if not found and metric in m.SHARED_SERIES:
        found = [name for name, probe in registry.probes().items() if m.TOKEN_EXPIRY in probe.metrics]
    return found or [crowd.providers[0]]


def _exported(name: str, metric: Metric, crowd: Crowd) -> Iterator[tuple[Labels, Shape]]:
    labels = (*metric.labels, *(("le",) if name.endswith("_bucket") else ()))
    if name.startswith("integration_threshold_"):
        yield from _thresholds(metric, crowd)
        return
    for provider in (
        _providers_of(metric, crowd) if metric.scope in (Scope.TARGET, Scope.INTEGRATION) else ("",)
    ):
        who = (("integration", provider), ("provider", provider)) if provider else ()
        several = metric.scope in (Scope.TARGET, Scope.TENANT)
        for tenant, number in crowd.targets(provider or crowd.providers[0]) if several else (("", 1),):
            if metric is m.FAILURE_INFO and number % EACH:
                continue
            place = (*who, ("tenant", tenant)) if several and tenant else who
            for own in product(*(_values(label, provider) for label in labels)):
                if metric is m.FAILURE_INFO and own != ("auth",):
                    continue
                shape = _shape(name, metric.kind, number, crowd.moments)
                yield (*place, *zip(labels, own, strict=True), *_INSTANCE), shape


def _values(label: str, provider: str) -> tuple[str, ...]:
    if label == "outcome":
        return OUTCOMES.get(provider, ("committed", "rolled_back"))
    return VALUES.get(label, ("x",))


def _thresholds(metric: Metric, crowd: Crowd) -> Iterator[tuple[Labels, Shape]]:
    (family,) = (one for one in registry.families().values() if one.metric is metric)
    for provider in registry.probes() if metric.scope is Scope.TARGET else ("",):
        who = (("integration", provider), ("provider", provider)) if provider else ()
        for severity, value in family.steps.items():
            labels = (*who, ("severity", severity.value), *_INSTANCE)
            yield labels, _constant(value, crowd.moments)


def _recorded(name: str, crowd: Crowd, by_name: dict[str, Metric]) -> Iterator[tuple[Labels, Shape]]:
    level, metric = name.split(":")[0].split("_"), by_name[name.split(":")[1]]
    beyond = ":beyond" in name or name.endswith(("failing", "failing_started"))
    own = [label for label in level if label not in ("all", "integration", "provider", "tenant")]
    anywhere = "integration" in level
    for provider in _providers_of(metric, crowd) if anywhere else ("",):
        who = (("integration", provider), ("provider", provider)) if provider else ()
        several = "tenant" in level
        for tenant, number in crowd.targets(provider or crowd.providers[0]) if several else (("", 1),):
            if (beyond and number % EACH) or (SOME.search(name) and number >= MOST):
                continue
            place = (*who, ("tenant", tenant)) if several and tenant else who
            for values in product(*(VALUES.get(label, ("x",)) for label in own)):
                labels = (*place, *zip(own, values, strict=True))
                yield labels, _shape(name, Kind.GAUGE, number, crowd.moments)


def _alerts(name: str, crowd: Crowd) -> Iterator[tuple[Labels, Shape]]:
    state = (("alertstate", "firing"),) if name == "ALERTS" else ()
    yield (("alertname", "Watchdog"), *state), _constant(1.0, crowd.moments)
    for provider in crowd.providers:
        for tenant, number in crowd.targets(provider):
            if number % EACH == 0:
                who = (("integration", provider), ("provider", provider), ("tenant", tenant))
                labels = (("alertname", "IntegrationTargetFailing"), ("severity", "high"), *who, *state)
                yield labels, _constant(1.0, crowd.moments)


@cache
def _constant(value: float, moments: Moments) -> Shape:
    return (value,) * moments.count


_KNOWN: dict[tuple[str, Kind, int], tuple[float, ...]] = {}


def _shape(name: str, kind: Kind, number: int, moments: Moments) -> Shape:
    """Return the course of a series: one of a few, so that the samples of many are the same bytes."""
    number = 0 if number % EACH == 0 else 1 + number % SHAPES
    key = (name, kind, number)
    if key not in _KNOWN:
        _KNOWN[key] = tuple(_value(name, kind, number, at, moments) for at in range(moments.count))
    return _KNOWN[key]


def _value(name: str, kind: Kind, number: int, at: int, moments: Moments) -> float:
    if kind is Kind.COUNTER or name.endswith(("_total", "_bucket", "_count")):
        return float(at * (1 + number))
    if name == m.SUCCESS.name:
        return float(number > 0)
    if name == m.CONSECUTIVE_FAILURES.name:
        return 0.0 if number else float(5 + at)
    if name.endswith("_timestamp_seconds"):
        ahead = 60.0 if "last" in name else -86_400.0 * (5 + number)
        return moments.start / 1000 + 30 * (at - at % 10) - ahead
    if name in (m.INFO.name, m.CONFIGURED.name) or name.endswith("_info"):
        return 1.0
    # Another value every five minutes, as probes bring it.
    return (10 + number + at // 10 % 7) / 100
