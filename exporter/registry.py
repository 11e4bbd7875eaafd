"""Finds providers and simulated vendors by looking in their folders; nothing is listed by hand."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from exporter.alerts import COMMON_SOURCES
from exporter.alerts.reach import reach_of
from exporter.alerts.readings import reading_refused
from exporter.alerts.thresholds import thresholds_missing
from exporter.config.catalogue import Catalogue
from exporter.core.alert import Alert
from exporter.core.event import EventKind, label_limits
from exporter.core.event_metrics import INTAKE_SERIES
from exporter.core.listing import Listing
from exporter.core.metric import Metric
from exporter.core.probe import Probe
from exporter.core.signals import Signals
from exporter.core.threshold import ThresholdFamily, ThresholdReach
from exporter.events._audit_alerts import ALERTS
from exporter.events._audit_series import TRAIL_SERIES
from exporter.signatures import schemes

# For its type alone: an exporter never imports the simulated vendors; `sandbox_vendors` does.
if TYPE_CHECKING:
    from exporter.core.action import ActionFactory
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
def actions() -> "dict[str, ActionFactory]":
    """Return what makes the action of each kind of delivery, by kind, sorted."""
    return {name: module.ACTION for name, module in _modules("exporter.actions")}


@cache
def events() -> dict[str, EventKind]:
    """Return every kind of event by name, sorted; a file whose KIND has another name is an error."""
    found = {name: module.KIND for name, module in _modules("exporter.events")}
    for name, kind in found.items():
        if kind.name != name:
            raise ValueError(
                f"exporter/events/{name}.py defines the kind {kind.name!r}; name the file after it"
            )
    return found


@cache
def lists() -> dict[str, Listing[Any]]:
    """Return every stored list by name: those of the store, then one for each kind of event that is kept."""
    # Here and not above: tables bring SQLAlchemy, and who checks a configuration needs no list.
    from exporter.events._listing import listing_of
    from exporter.store.listings import listings

    of_kinds = (listing_of(kind) for kind in events().values())
    return listings() | {listing.name: listing for listing in of_kinds if listing is not None}


@cache
def sources() -> dict[str, Signals]:
    """Return what each source of series brings, by name: common ones, shared alerts, then each provider.

    The name of a source is that of its rule file. Two sources of one name are an error.
    """
    found = dict(COMMON_SOURCES)
    for name, signals in (*_shared_alerts(), *_events(), *_providers()):
        if name in found:
            raise ValueError(f"two sources of series are called {name!r}: their rules would be one file")
        found[name] = signals
    known = (alert for signals in found.values() for alert in signals.alerts)
    thresholds = thresholds_missing(_families(found).values(), reach_of(probes().values(), known))
    exporter = found["exporter"]
    return {**found, "exporter": replace(exporter, alerts=(*exporter.alerts, thresholds))}


def _families(known: Mapping[str, Signals]) -> dict[str, ThresholdFamily]:
    return {name: family for signals in known.values() for name, family in signals.families.items()}


def _shared_alerts() -> Iterator[tuple[str, Signals]]:
    """Yield the alerts on what several providers measure under names of their own."""
    names = {metric.name for probe in probes().values() for metric in probe.metrics}
    yield "readings", Signals("Readings", alerts=(reading_refused(names),))


def _events() -> Iterator[tuple[str, Signals]]:
    """Yield what apps report: a source for each kind, and one for the way in."""
    yield "events", Signals("Events of apps", metrics=INTAKE_SERIES)
    yield "audit", Signals("Audit", TRAIL_SERIES, ALERTS)
    for name, kind in events().items():
        yield _event_source(name), Signals(kind.title, kind.metrics, kind.alerts, kind.panels)


def _event_source(kind: str) -> str:
    return f"{kind}_events"


@cache
def alert_labels() -> tuple[str, ...]:
    """Return the labels by which alerts on events differ, each once: they are part of who an alert is."""
    found = (label for kind in events().values() for alert in kind.alerts for label in alert.by)
    return tuple(dict.fromkeys(found))


def event_sources() -> tuple[str, ...]:
    """Return the names of the sources that kinds of events are."""
    return tuple(map(_event_source, events()))


def _providers() -> Iterator[tuple[str, Signals]]:
    for name, probe in probes().items():
        yield name, Signals(probe.title, probe.metrics, probe.alerts, probe.panels)


@cache
def alerts() -> tuple[Alert, ...]:
    """Return every alert, in the order of the sources."""
    return tuple(alert for signals in sources().values() for alert in signals.alerts)


@cache
def families() -> dict[str, ThresholdFamily]:
    """Return every family of thresholds by name, as the alerts name them."""
    return _families(sources())


@cache
def reach() -> dict[str, ThresholdReach]:
    """Return which families of thresholds each provider's targets can be compared with, by provider."""
    return reach_of(probes().values(), alerts())


@cache
def metrics() -> tuple[Metric, ...]:
    """Return every metric of the sources, each once; thresholds come last."""
    own = (metric for signals in sources().values() for metric in signals.metrics)
    thresholds = (family.metric for family in families().values())
    # A set would lose the order of the sources.
    return tuple(dict.fromkeys((*own, *thresholds)))


@cache
def catalogue() -> Catalogue:
    """Return what a configuration may name."""
    recorded = (name for alert in alerts() for name in alert.record_names)
    thresholds = (name for family in families().values() for name in family.records)
    graphs = (panel.record for signals in sources().values() for panel in signals.panels if panel.record)
    return Catalogue(
        probes(),
        families(),
        schemes(),
        frozenset(alert.name for alert in alerts()),
        frozenset((*recorded, *thresholds, *graphs)),
        frozenset(label_limits(events().values())),
        reach(),
    )


def _modules(package: str) -> Iterator[tuple[str, ModuleType]]:
    path = importlib.import_module(package).__path__
    for found in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
        # A leading underscore marks what several of them share.
        if not found.name.startswith("_"):
            yield found.name, importlib.import_module(f"{package}.{found.name}")
