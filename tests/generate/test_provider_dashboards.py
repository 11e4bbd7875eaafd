"""A dashboard for each provider, made from what its PROBE brings, and none that shows nothing."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter import registry
from exporter.config.load import load_file
from exporter.core.metric import Scope
from exporter.core.panel import Panel
from exporter.core.signals import Signals
from exporter.generate import bundle, dashboards
from exporter.generate.dashboards import _board, panel_queries, providers
from exporter.generate.dashboards._promql import MOST
from exporter.generate.graph_rules import graph_file
from exporter.generate.rule_text import TextValues
from tests.generate.dashboards_platform import INTEGRATIONS
from tests.generate.dashboards_reading import asking_panels, overlaps, selectors
from tests.generate.test_dashboards import DASHBOARDS

OWN = {name: DASHBOARDS[f"grafana/dashboards/integration-{name}.json"] for name in registry.probes()}
every_provider = pytest.mark.parametrize("provider", OWN)
USED = {
    "payments": "provider: stripe, options: {secret_key: sk_test_x}",
    "site": "provider: http, options: {url: http://127.0.0.1/}",
}


@every_provider
def test_a_provider_has_its_panels_and_what_every_integration_has(provider: str) -> None:
    titles = [panel["title"] for panel in asking_panels(OWN[provider])]
    probe = registry.probes()[provider]
    assert {panel.title for panel in probe.panels} <= set(titles)
    assert {"Failing targets", "Status by integration", "Failing now", "Slowest now"} <= set(titles)
    own = {metric.name for metric in probe.metrics}
    assert ("Tokens by time left" in titles) is ("integration_token_expiry_timestamp_seconds" in own)
    assert ("Quotas by share used" in titles) is ("integration_quota_used" in own)
    assert ("Calls, 1 h" in titles, "Probes, 1 h" in titles) == (not probe.generic, probe.generic)


@every_provider
def test_a_provider_shows_nothing_of_others(provider: str) -> None:
    shared = re.compile(
        "integration_(probe|info|configured|certificate|token|quota|rate|cost|prepaid|critical)"
    )
    for title, expr in panel_queries(OWN[provider]):
        for selector in selectors(expr):
            if shared.match(selector.name) and "_smtp" not in selector.name:
                matchers = {(one.name, one.value) for one in selector.matchers.matchers}
                assert ("provider", provider) in matchers, f"{title}: {expr}"


@every_provider
def test_a_provider_is_marked_with_its_own_alerts(provider: str) -> None:
    alerts = next(one for one in OWN[provider]["annotations"]["list"] if one["name"].startswith("Critical"))
    asked = re.findall(r"ALERTS{([^}]*)}", alerts["expr"])
    assert asked and all(f'provider=~"{provider}"' in matchers for matchers in asked)


@every_provider
def test_a_provider_is_found_by_its_tag_and_has_no_variable_for_itself(provider: str) -> None:
    board = OWN[provider]
    assert board["tags"] == ["integration-exporter-provider"]
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names == ["datasource", "integration", "tenant"]
    assert all(f'provider="{provider}"' in one["query"]["query"] for one in board["templating"]["list"][1:])


def test_the_bars_of_the_overview_lead_to_the_dashboard_of_their_provider() -> None:
    overview = DASHBOARDS["grafana/dashboards/integration-overview.json"]
    (grid,) = (panel for panel in overview["panels"] if panel["title"] == "Status by integration")
    links = json.dumps(grid["fieldConfig"])
    (uid,) = set(re.findall(r"/d/(integration-\$\{__field.labels.provider[^}]*\})", links))
    label = re.compile(r"\$\{[^}]*\}")
    providers_shown = {provider for provider, _, _, _ in INTEGRATIONS.values()}
    assert {label.sub(name, uid) for name in providers_shown} <= {board["uid"] for board in OWN.values()}


def test_two_dashboards_of_one_address_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = _board.Dashboard(providers.uid_of("stripe"), "Another", "One.", ())
    monkeypatch.setattr("exporter.generate.dashboards.slo.build", lambda: twice)
    with pytest.raises(ValueError, match=r"integration-stripe: .*Stripe.*, Another"):
        dashboards.boards()


def test_a_source_that_is_no_provider_has_a_dashboard_if_it_brings_panels() -> None:
    kinds = ("stat", "timeseries", "table", "bargauge")
    panels = tuple(Panel(f"A {kind}", "What it is.", "up", kind=kind, unit="s") for kind in kinds)
    (board,) = providers.boards_of_others(
        {"shown": Signals("Shown", panels=panels), "silent": Signals("Silent")}
    )
    dashboard = json.loads(_board.text_of(board))
    assert [panel["type"] for panel in dashboard["panels"]] == ["row", *kinds]
    assert dashboard["panels"][0]["title"] == "Shown"
    assert overlaps(dashboard) == []
    assert [panel["gridPos"]["w"] for panel in dashboard["panels"][1:]] == [6, 18, 12, 12], "no gap in a line"
    assert [expr for _, expr in panel_queries(dashboard)] == [f"topk({MOST}, up)"] * len(kinds)


def test_a_users_file_has_the_dashboards_of_its_providers_alone(tmp_path: Path) -> None:
    boards = _boards_of(tmp_path, USED)
    assert set(boards) & {f"integration-{name}" for name in registry.probes()} == {
        "integration-http",
        "integration-stripe",
    }
    assert "integration-database" not in boards, "no provider reads a database"
    rows = [panel["title"] for panel in boards["integration-messages"]["panels"] if panel["type"] == "row"]
    assert rows == ["Text messages of alerts", "From the store"]


def test_a_dashboard_of_several_providers_has_the_sections_of_those_in_use(tmp_path: Path) -> None:
    boards = _boards_of(tmp_path, {**USED, "database": "provider: postgres, options: {host: 127.0.0.1}"})
    rows = [panel["title"] for panel in boards["integration-database"]["panels"] if panel["type"] == "row"]
    assert "Inside of PostgreSQL" in rows
    assert "Supabase" not in rows


def _boards_of(folder: Path, integrations: dict[str, str]) -> dict[str, Any]:
    path = folder / "my.yml"
    lines = (f"- {{name: {name}, {rest}}}\n" for name, rest in integrations.items())
    path.write_text("integrations:\n" + "".join(lines))
    files = bundle.user_files(load_file(str(path), registry.catalogue(), {})).files
    texts = (text for name, text in files.items() if name.startswith("grafana/dashboards/"))
    return {board["uid"]: board for board in map(json.loads, texts)}


def test_a_graph_reads_a_record_of_all_tenants_and_the_series_of_those_that_are_picked() -> None:
    many = Panel("A", "What it is.", 'max by (integration, tenant, x) (integration_a{tenant=~"$tenant"})')
    least = replace(many, legend="{{integration}} {{tenant}} {{x}}", least_first=True)
    assert least.record == "integration_tenant_x:integration_a:least"
    assert least.recorded == "bottomk by (integration) (20, max by (integration, tenant, x) (integration_a))"
    assert 'tenant=~"$tenant", instance!~"$tenant"' in least.of_picked_tenants
    assert replace(many, kind="table").record == "", "what is now is read once"
    assert replace(many, scope=Scope.INTEGRATION).record == "", "without tenants it is few"


def test_two_graphs_of_one_record_are_an_error() -> None:
    panel = Panel("A", "What it is.", 'max by (integration, tenant) (integration_a{tenant=~"$tenant"})')
    with pytest.raises(ValueError, match="two graphs are recorded as integration_tenant:integration_a:most"):
        graph_file({"one": Signals("One", panels=(panel, panel))}, TextValues("10m"))
