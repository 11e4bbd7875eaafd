"""What dashboards say beside numbers: colours that mean something, words for nothing, levels of disputes."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from exporter import registry
from exporter.core import common_metrics as m
from exporter.core.severity import Severity
from exporter.generate.dashboards import panel_queries
from exporter.generate.dashboards._promql import rank
from tests.generate.dashboards_asking import Prometheus
from tests.generate.dashboards_platform import NOW, Platform
from tests.generate.dashboards_reading import asking_panels
from tests.generate.test_dashboards import DASHBOARDS

Panel = Mapping[str, Any]
REPORTED = ("api", "events", "ratelimits", "security", "webhooks", "widgets")
"""Boards of what an app may report, and may not."""
ALWAYS = re.compile(r"ALERTS\{|integration_exporter_(ratelimit|store)_")
"""Series that there are whatever is reported: where they are not, something is wrong."""
CASES = {
    "Disputes and fraud warnings of 24 hours, by account",
    "Disputed or warned of in 24 hours, by target",
}


def _board(name: str) -> Mapping[str, Any]:
    return DASHBOARDS[f"grafana/dashboards/integration-{name}.json"]


def _painted(panel: Panel) -> set[str]:
    """Return the legends of a graph that have a colour of their own; dashed lines have more than that."""
    return {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if panel["type"] == "timeseries" and [each["id"] for each in override["properties"]] == ["color"]
    }


PAINTED = [
    pytest.param(dashboard, panel, id=f"{dashboard['uid']}: {panel['title']}")
    for dashboard in DASHBOARDS.values()
    for panel in asking_panels(dashboard)
    if _painted(panel) and "expr" in panel["targets"][0]
]
WORDED = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name in REPORTED
    for panel in asking_panels(_board(name))
    if not all(ALWAYS.search(target.get("expr", "")) for target in panel["targets"])
]


def _label(labels: Mapping[str, str], found: re.Match[str]) -> str:
    return labels.get(found[0], "")


def _legends(dashboard: Mapping[str, Any], panel: Panel, prometheus: Prometheus) -> Iterator[str]:
    queries = [expr for title, expr in panel_queries(dashboard) if title == panel["title"]]
    for target, expr in zip(panel["targets"], queries, strict=True):
        legend = target["legendFormat"]
        if "threshold" not in legend:
            for series in prometheus.ask(expr):
                labels = {f"{{{{{name}}}}}": value for name, value in series["metric"].items()}
                yield re.sub(r"{{\w+}}", partial(_label, labels), legend)


@pytest.mark.parametrize(("dashboard", "panel"), PAINTED)
def test_where_some_lines_have_a_colour_by_their_meaning_all_have(
    dashboard: Mapping[str, Any], panel: Panel, prometheus: Prometheus
) -> None:
    shown = set(_legends(dashboard, panel, prometheus))
    assert shown and shown <= _painted(panel)


@pytest.mark.parametrize("panel", WORDED)
def test_what_no_app_reports_is_said_in_words(panel: Panel) -> None:
    assert panel["fieldConfig"]["defaults"]["noValue"] not in ("", "No data")


@pytest.mark.parametrize("title", sorted(CASES))
def test_disputes_and_warnings_are_judged_by_the_worse_of_the_two(title: str, prometheus: Prometheus) -> None:
    state, *_ = (expr for name, expr in panel_queries(_board("payments")) if name == title)
    found = prometheus.ask(state)
    # The platform has too many warnings, and not too many disputes.
    assert found and {float(series["value"][1]) for series in found} == {rank(Severity.HIGH)}


def test_a_row_of_webhooks_leads_to_its_source_and_its_endpoint_alone() -> None:
    panels = {panel["title"]: str(panel) for panel in asking_panels(_board("webhooks"))}
    for title, name in (("Sources", "source"), ("Endpoints", "endpoint"), ("Failed attempts", "endpoint")):
        assert f"var-{name}=${{__value.raw:percentencode}}" in panels[title]
        assert "var-tenant=${__value.raw:percentencode}" in panels[title]


def test_the_made_up_platform_says_each_thing_once() -> None:
    """Prometheus refuses the second of two samples, but only where a batch ends between them."""
    lines = Platform(NOW, replicas=2).exposition(NOW, NOW, 60)
    series = Counter(line.rsplit(" ", 2)[0] for line in lines if not line.startswith("#"))
    assert [name for name, count in series.items() if count > 1] == []


def test_the_made_up_platform_reports_of_a_provider_only_what_it_has() -> None:
    probes = registry.probes()
    owners: dict[str, set[str]] = {}
    for name, probe in probes.items():
        for series in (series for metric in probe.metrics for series in metric.series_names):
            owners.setdefault(series, set()).add(name)
    owners[m.API_CALLS.name] = {name for name, probe in probes.items() if not probe.generic}
    owners[m.DEFERRED.name] = {name for name, probe in probes.items() if probe.allowance}
    labelled = ((name, dict(labels)) for name, labels, _ in Platform(NOW).at(NOW))
    seen = {(name, own["provider"]) for name, own in labelled if "provider" in own and name in owners}
    assert len(seen) > 100
    assert [(name, provider) for name, provider in sorted(seen) if provider not in owners[name]] == []
