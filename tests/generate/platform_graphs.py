"""What rules recorded for graphs of the made-up platform: what is reported of it, by the labels drawn."""

from collections.abc import Iterator

from exporter import registry
from exporter.core.panel import Panel
from tests.generate.dashboards_platform import PHASES, Labels, Row
from tests.generate.platform_vendors import Target, vendor_rows, working


def series(now: float, end: float) -> Iterator[Row]:
    """Yield nothing: an exporter records nothing."""
    yield from ()


def recorded(now: float, end: float) -> Iterator[Row]:
    """Yield what rules recorded at `now` of a platform that is seen at `end`."""
    found: dict[tuple[str, Labels], float] = {}
    for target in working(now, end):
        for panel in registry.probes()[target[1]].panels:
            if panel.record:
                found |= {(panel.record, labels): value for labels, value in _of(panel, target, now)}
    yield from ((name, labels, value) for (name, labels), value in found.items())
    for source in registry.event_sources():
        for panel in registry.sources()[source].panels:
            if panel.record:
                yield panel.record, tuple((name, name) for name in panel.labels), 0.5


def _of(panel: Panel, target: Target, now: float) -> Iterator[tuple[Labels, float]]:
    """Yield the labels and values of one target in a graph; a label that no series has is called like it."""
    metric = panel.record.split(":")[1]
    shown = [(labels, value) for name, labels, value in vendor_rows(target, now) if name == metric]
    phases = [((("phase", phase),), share) for phase, share in PHASES.items()]
    who = dict(zip(("integration", "provider", "tenant"), target, strict=True))
    for labels, value in shown or phases:
        known = who | dict(labels)
        yield tuple((name, known.get(name, name)) for name in panel.labels), value
