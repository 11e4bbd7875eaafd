"""Sources of series: rules, reference pages and dashboards find all of them in one place."""

import re
from collections.abc import Iterator

import pytest

from exporter import registry
from exporter.alerts import COMMON_SOURCES
from exporter.core.metric import Metric
from exporter.core.panel import Panel
from exporter.core.signals import Signals
from exporter.generate import bundle, reference

PANELS = [panel for source in registry.sources().values() for panel in source.panels]
VARIABLES = {"integration", "provider", "tenant"}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    registry.sources.cache_clear()


def test_every_provider_is_a_source_and_every_source_with_alerts_has_a_rule_file() -> None:
    sources = registry.sources()
    own = {"readings", "events", "audit", *registry.event_sources()}
    assert {*COMMON_SOURCES, *own, *registry.probes()} == sources.keys()
    for name, probe in registry.probes().items():
        assert sources[name] == Signals(probe.title, probe.metrics, probe.alerts, probe.panels)
    rule_files = bundle.rule_files()
    assert {name for name, source in sources.items() if source.alerts} == rule_files.keys() - {
        "thresholds",
        "graphs",
    }


def test_two_sources_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.sources.cache_clear()
    monkeypatch.setattr(registry, "COMMON_SOURCES", {"stripe": Signals("Another")})
    with pytest.raises(ValueError, match="two sources of series are called 'stripe'"):
        registry.sources()


def test_a_source_to_come_has_its_part_of_the_reference() -> None:
    made = Metric("integration_made_requests", "Requests that were made.")
    pages = reference.pages({"made": Signals("Made", (made,))}, {}, (), (), {})
    assert "## Made\n" in pages["docs/reference/metrics.md"]
    assert "Requests that were made." in pages["docs/reference/metrics.md"]
    assert "## Provider" not in pages["docs/reference/metrics.md"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: re.sub(r"\W+", "-", panel.title))
def test_a_panel_filters_by_the_variables_of_its_scope_and_no_others(panel: Panel) -> None:
    """A variable that the series have no label for would hide them all."""
    used = set(re.findall(r"\$(\w+)", panel.expr)) & VARIABLES
    assert used - {"provider"} == set(panel.variables)
    assert used <= set(panel.scope.value)
