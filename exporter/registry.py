"""Finds providers and simulated vendors by looking in their folders; nothing is listed by hand."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from exporter.alerts import COMMON_ALERTS
from exporter.alerts.readings import reading_refused
from exporter.config.catalogue import Catalogue
from exporter.core.alert import Alert
from exporter.core.common_metrics import INTEGRATION_SERIES, SHARED_SERIES, TARGET_SERIES
from exporter.core.metric import Metric
from exporter.core.probe import Probe
from exporter.core.threshold import ThresholdFamily

if TYPE_CHECKING:
    from exporter.sandbox.harness import Vendor


@cache
def probes() -> dict[str, Probe]:
    """Return every provider by name, sorted; a file whose PROBE has another name is an error."""
    found = {name: module.PROBE for name, module in _modules("exporter.probes")}
    for name, probe in found.items():
        if probe.name != name:
            raise ValueError(
                f"exporter/probes/{name}.py defines the provider {probe.name!r}; name the file after it"
            )
    return found


@cache
def sandbox_vendors() -> "dict[str, Vendor]":
    """Return every simulated vendor by name, sorted."""
    return {name: module.VENDOR for name, module in _modules("exporter.sandbox") if hasattr(module, "VENDOR")}


@cache
def alerts() -> tuple[Alert, ...]:
    """Return every alert: of all targets, of several providers, then each provider's own."""
    shared = (alert for some in shared_alerts().values() for alert in some)
    return (*COMMON_ALERTS, *shared, *(alert for probe in probes().values() for alert in probe.alerts))


@cache
def shared_alerts() -> dict[str, tuple[Alert, ...]]:
    """Return the alerts on what several providers measure under names of their own, by rule file."""
    names = {metric.name for probe in probes().values() for metric in probe.metrics}
    return {"readings": (reading_refused(names),)}


@cache
def families() -> dict[str, ThresholdFamily]:
    """Return every family of thresholds by name, as the alerts name them."""
    return {alert.family.name: alert.family for alert in alerts() if alert.family}


@cache
def metrics() -> tuple[Metric, ...]:
    """Return every metric of targets and integrations, each once; thresholds come last."""
    own = (metric for probe in probes().values() for metric in probe.metrics)
    thresholds = (family.metric for family in families().values())
    return tuple(dict.fromkeys((*TARGET_SERIES, *INTEGRATION_SERIES, *SHARED_SERIES, *own, *thresholds)))


@cache
def catalogue() -> Catalogue:
    """Return what a configuration may name."""
    return Catalogue(probes(), families())


def _modules(package: str) -> Iterator[tuple[str, ModuleType]]:
    path = importlib.import_module(package).__path__
    for found in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
        if not found.name.startswith("_"):
            yield found.name, importlib.import_module(f"{package}.{found.name}")
