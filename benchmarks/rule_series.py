"""The series that rules read, of targets that are well but for one in a hundred, of apps, and their past."""

import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exporter import registry
from exporter.core import common_metrics
from exporter.core.durations import seconds
from exporter.core.metric import Kind, Metric, Scope
from exporter.exposition import Exposition, Labels, Series

MOMENT = b" 1000000000000\n"
"""What stands for the time, in milliseconds, at the end of each line."""

HEALTHY = {
    common_metrics.CONFIGURED: 1.0,
    common_metrics.SUCCESS: 1.0,
    common_metrics.DURATION: 0.2,
    common_metrics.QUOTA_USED: 10.0,
    common_metrics.QUOTA_LIMIT: 100.0,
    common_metrics.RATE_LIMIT_REMAINING: 90.0,
    common_metrics.RATE_LIMIT_LIMIT: 100.0,
    common_metrics.PREPAID_BALANCE: 1_000.0,
}
GOOD = {"phone_number_owned": 1.0, "can_send": 1.0, "subscribed_apps": 1.0, "phone_quality": 3.0}
"""Values of providers' own metrics, by the end of their names, that are not 0 in a good state."""

_TOKENS = (
    common_metrics.TOKEN_STATE,
    common_metrics.TOKEN_REFRESH_FAILURES,
    common_metrics.TOKEN_REFRESH_LAST_SUCCESS,
)
_EACH = 100
"""One target in so many fails."""

_WINDOW = re.compile(r"([a-z_][a-z0-9_:]*)(?:\{[^}]*\})?\[(\d+[smhdw])\]")


def body(tenants: int, name: str, rules: str) -> tuple[bytes, int]:
    """Return the text of every series of a provider that `rules` (their text) read, and their number.

    Each line ends with MOMENT.
    """
    read = set(re.findall(r"integration_[a-z0-9_]+", rules))
    exposition = Exposition()
    common: Labels = (("integration", name), ("provider", name))
    exposition.put("integration", common, _integration(name, read))
    exposition.put("thresholds", (*common, ("tenant", "")), _thresholds())
    for number in range(tenants):
        labels = (*common, ("tenant", _tenant(number)))
        exposition.put(number, labels, _target(name, read, failing=number % _EACH == 0))
    return _timed(exposition)


def reported_body(tenants: int, provider: str, rules: str) -> tuple[bytes, int]:
    """Return the text of what the apps of so many tenants report, of every kind, as `body` does.

    Events that name an integration name the one of `provider`.
    """
    read = set(re.findall(r"integration_[a-z0-9_]+", rules))
    metrics = [one for one in event_metrics() if one.name in read]
    exposition = Exposition()
    for scope, who in (
        (Scope.TARGET, (("integration", provider), ("provider", provider))),
        (Scope.TENANT, ()),
    ):
        counters = [(one, _own(one), 100.0) for one in metrics if one.scope is scope]
        for number in range(tenants):
            exposition.put((number, scope), (*who, ("tenant", _tenant(number))), counters)
    return _timed(exposition)


def event_metrics() -> tuple[Metric, ...]:
    """Return what events are counted in, of each tenant; histograms have none."""
    found = (metric for kind in registry.events().values() for metric in kind.metrics)
    return tuple(one for one in found if one.kind is Kind.COUNTER)


def _timed(exposition: Exposition) -> tuple[bytes, int]:
    lines = re.sub(rb"(?m)^([^#\n].*)\n", rb"\1" + MOMENT, exposition.render(False, False))
    return lines, sum(exposition.counts().values())


def _tenant(number: int) -> str:
    return f"tenant-{number:05}"


def _integration(provider: str, read: set[str]) -> list[Series]:
    known = (*common_metrics.INTEGRATION_SERIES, *registry.probes()[provider].metrics)
    wanted = (one for one in known if not read.isdisjoint(one.series_names))
    chosen = (one for one in wanted if one.scope is Scope.INTEGRATION)
    return [(metric, _own(metric), 0.0) for metric in dict.fromkeys(chosen)]


def _thresholds() -> list[Series]:
    return [
        (family.metric, (("severity", severity.value),), value)
        for family in registry.families().values()
        for severity, value in family.steps.items()
    ]


def metrics_of(provider: str) -> tuple[Metric, ...]:
    """Return the metrics of a provider's targets: what all have, its own, and of tokens if it has one."""
    own = registry.probes()[provider].metrics
    tokens = _TOKENS if common_metrics.TOKEN_EXPIRY in own else ()
    served = (common_metrics.CERTIFICATE_EXPIRY, common_metrics.CHAIN_EXPIRY)
    shared = (*common_metrics.TARGET_SERIES, *served)
    return tuple(dict.fromkeys(metric for metric in (*shared, *own, *tokens) if metric.scope is Scope.TARGET))


def _target(provider: str, read: set[str], failing: bool) -> Iterator[Series]:
    now = time.time()
    for metric in metrics_of(provider):
        if metric.name not in read:
            continue
        if metric is common_metrics.FAILURE_INFO:
            if failing:
                yield metric, (("reason", "auth"),), 1.0
        elif metric is common_metrics.SUCCESS:
            yield metric, (), float(not failing)
        elif metric is common_metrics.CONSECUTIVE_FAILURES:
            yield metric, (), 5.0 * failing
        else:
            yield metric, _own(metric), _value(metric, now)


def _own(metric: Metric) -> Labels:
    return tuple((label, "x") for label in metric.labels)


def _value(metric: Metric, now: float) -> float:
    if metric in HEALTHY:
        return HEALTHY[metric]
    if metric.name.endswith("_timestamp_seconds"):
        return now if "last" in metric.name else now + 365 * 86_400
    return next((value for end, value in GOOD.items() if metric.name.endswith(end)), 0.0)


@dataclass(frozen=True)
class Past:
    """How far back rules read one name (a metric or a record), and the seconds between its samples."""

    name: str
    window: int
    step: int

    @property
    def metric(self) -> str:
        """The metric, which is the middle part of the name of a record."""
        return self.name.split(":")[1] if ":" in self.name else self.name


def long_pasts(files: Collection[Path], shortest: int, step: int) -> list[Past]:
    """Return what the rules in `files` read over more than `shortest` seconds; scrapes are `step` apart."""
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    paces = {
        rule["record"]: seconds(group["interval"])
        for group in groups
        for rule in group["rules"]
        if "record" in rule
    }
    found: dict[str, int] = {}
    for name, window in _WINDOW.findall("".join(rule["expr"] for group in groups for rule in group["rules"])):
        found[name] = max(found.get(name, 0), seconds(window))
    # What fails here has failed for longer than rules look back: nothing says that it began.
    long = {name: window for name, window in found.items() if window > shortest and "started" not in name}
    return [Past(name, window, paces.get(name, step)) for name, window in long.items()]


@dataclass(frozen=True)
class Crowd:
    """Who is measured: `tenants` of each of `providers`; apps report what `reporting` of them do."""

    tenants: int
    providers: tuple[str, ...]
    reporting: int


def write_past(path: Path, past: Past, crowd: Crowd, end: int) -> int:
    """Write the samples of `past` until `end` (Unix seconds) as OpenMetrics; return how many."""
    scale = 100 if ":" in past.name else 1
    moments = range(end - past.window, end, past.step)
    with path.open("w") as out:
        for labels in _labels_of(past, crowd):
            # Another value every five minutes, as probes bring it; of what is spent, cents of a thousand.
            head = f"{past.name}{{{labels}}}"
            out.writelines(f"{head} {(10 + moment // 300 % 7) / scale} {moment}\n" for moment in moments)
        out.write("# EOF\n")
    return len(moments) * sum(1 for _ in _labels_of(past, crowd))


def _labels_of(past: Past, crowd: Crowd) -> Iterator[str]:
    by_name: Mapping[str, Any] = {name: one for one in registry.metrics() for name in one.series_names}
    metric = by_name[past.metric]
    # None fails as a whole.
    if "all_failing" in past.name:
        return
    level = past.name.split(":")[0].split("_") if ":" in past.name else [*metric.scope.value, *metric.labels]
    own = "".join(f',{label}="x"' for label in metric.labels if label in level)
    # Of failures and thresholds those that fail are recorded, of the rest all.
    few = past.name.endswith((":beyond", ":failing"))
    reported = metric in event_metrics()
    several = (crowd.reporting if reported else crowd.tenants) if "tenant" in level else 1
    for provider in _providers_of(metric, crowd):
        who = f'integration="{provider}",provider="{provider}"' if "integration" in level else ""
        for number in range(0, several, _EACH if few else 1):
            place = (who, f'tenant="{_tenant(number)}"' if "tenant" in level else "")
            yield ",".join(filter(None, place)) + own


def _providers_of(metric: Metric, crowd: Crowd) -> tuple[str, ...]:
    if metric in event_metrics():
        return crowd.providers[:1]
    everywhere = metric in common_metrics.INTEGRATION_SERIES
    return tuple(one for one in crowd.providers if everywhere or metric in metrics_of(one))
