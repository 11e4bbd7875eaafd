"""Dashboards: well made, checked in as generated, and every panel answered by a real Prometheus."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.generate import dashboards
from exporter.generate.dashboards import _board, _promql, panel_queries
from exporter.generate.dashboards._panels import rows
from exporter.generate.dashboards._promql import MOST
from exporter.generate.dashboards._variables import DATASOURCE, STORE
from tests.generate.dashboards_asking import Prometheus, knowing
from tests.generate.dashboards_platform import ALERTS, INTEGRATIONS, NOW, TROUBLES, UNCONFIGURED
from tests.generate.dashboards_reading import asking_panels, overlaps, selectors, through_sdk
from tests.generate.series_known import series_names

ROOT = Path(__file__).parents[2]
FILES = dashboards.files()
TEXTS = {path: text for path, text in FILES.items() if path.endswith(".json")}
DASHBOARDS: dict[str, dict[str, Any]] = {path: json.loads(text) for path, text in TEXTS.items()}
OVERVIEW = DASHBOARDS["grafana/dashboards/integration-overview.json"]
ONE = {"integration": "payments", "tenant": "acme"}
"""What is picked where only one can be."""
MOST_OF_PAGES = {"Status by integration": 100, "Facts": 80, "Dates": 20}
"""Panels with pages, or a bar to scroll, and how much of a platform they show at most."""
QUERIES = [
    pytest.param(title, expr, id=f"{dashboard['uid']}: {title} {number}")
    for dashboard in DASHBOARDS.values()
    for number, (title, expr) in enumerate(panel_queries(dashboard))
]
READ = [
    pytest.param(title, expr, id=f"{dashboard['uid']}: {title} {number}")
    for dashboard in DASHBOARDS.values()
    for number, (title, expr) in enumerate(panel_queries(dashboard, ONE))
]
PANELS = [
    pytest.param(panel, id=f"{dashboard['uid']}: {panel['title']}")
    for dashboard in DASHBOARDS.values()
    for panel in asking_panels(dashboard)
]
every_query = pytest.mark.parametrize(("title", "expr"), QUERIES)
every_panel = pytest.mark.parametrize("panel", PANELS)
every_dashboard = pytest.mark.parametrize("path", sorted(DASHBOARDS))
FAILING = [trouble for trouble in TROUBLES if trouble[4] == 0]


def test_the_files_that_are_checked_in_are_those_that_are_generated() -> None:
    found = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "grafana").rglob("*.*")}
    assert found == FILES, "run: integration-exporter generate"


def test_generating_twice_gives_the_same_text() -> None:
    assert dashboards.files() == FILES


def test_no_two_dashboards_share_an_address_or_a_title() -> None:
    for key in ("uid", "title"):
        values = [dashboard[key] for dashboard in DASHBOARDS.values()]
        assert len(set(values)) == len(values)


@every_dashboard
def test_a_dashboard_is_in_the_model_that_file_provisioning_reads(path: str) -> None:
    dashboard = DASHBOARDS[path]
    assert dashboard["schemaVersion"] == 42
    assert "apiVersion" not in dashboard and "spec" not in dashboard
    assert Path(path).stem == dashboard["uid"]
    assert dashboard["title"].startswith("Integrations / ")
    assert dashboard["description"]
    assert dashboard["editable"] is False
    assert dashboard["refresh"] == "1m"
    kinds = ("integration-exporter", "integration-exporter-provider", "integration-exporter-target")
    assert dashboard["tags"] in ([kind] for kind in kinds)


@every_dashboard
def test_the_sdk_reads_a_dashboard_and_writes_the_same(path: str) -> None:
    assert _board.clean_up(through_sdk(TEXTS[path])) == DASHBOARDS[path]


@every_dashboard
def test_panels_have_ids_and_titles_of_their_own_and_room(path: str) -> None:
    panels = list(DASHBOARDS[path]["panels"])
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places = Counter(panel["title"] for panel in panels)
    assert [title for title, count in places.items() if count > 1] == []
    assert overlaps(DASHBOARDS[path]) == []


@every_panel
def test_a_panel_says_what_it_shows_in_which_unit_and_from_where(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] in (DATASOURCE.to_json(), STORE.to_json())
    assert panel["targets"]
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] in ("timeseries", "bargauge"):
        assert 0 in (defaults.get("min"), defaults.get("custom", {}).get("axisSoftMin")), (
            "an axis starts at zero"
        )


@every_dashboard
def test_every_variable_is_used_and_every_one_used_is_defined(path: str) -> None:
    defined = {variable["name"] for variable in DASHBOARDS[path]["templating"]["list"]}
    shown = json.dumps({key: DASHBOARDS[path][key] for key in ("panels", "annotations", "templating")})
    used = set(re.findall(r"\$\{?([a-z][a-z_]*)\b", shown))
    assert used == defined


@every_dashboard
def test_variables_offer_all_and_follow_the_time_range(path: str) -> None:
    variables = DASHBOARDS[path]["templating"]["list"]
    sources = [variable for variable in variables if variable["type"] == "datasource"]
    assert variables[: len(sources)] == sources, "first where data comes from"
    assert sources[0]["query"] == "prometheus"
    for variable in variables[len(sources) :]:
        assert variable["refresh"] == 2
        everything = (variable["multi"], variable["includeAll"], variable.get("allValue"))
        # A target is looked at in detail one at a time.
        assert everything == ((False, False, None) if path.endswith("-detail.json") else (True, True, ".*"))


@every_query
def test_a_query_asks_only_for_series_that_exist(title: str, expr: str) -> None:
    # What a vendor reports of a single target is found by a pattern over names.
    assert {selector.name for selector in selectors(expr)} - {None} <= series_names()


@every_query
def test_a_query_returns_data_of_a_platform_in_trouble(title: str, expr: str, prometheus: Prometheus) -> None:
    assert prometheus.ask(expr)


@every_query
def test_a_query_shows_no_replica_apart(title: str, expr: str, prometheus: Prometheus) -> None:
    assert not {"instance", "job"} & {label for series in prometheus.ask(expr) for label in series["metric"]}


@pytest.mark.parametrize(("title", "expr"), READ)
def test_a_query_gives_no_more_than_a_reader_can_take(title: str, expr: str, prometheus: Prometheus) -> None:
    assert len(prometheus.ask(expr)) <= MOST_OF_PAGES.get(title, MOST)


@pytest.mark.parametrize(
    ("title", "count"),
    [
        ("Failing targets", len(FAILING)),
        ("Tenants affected", len({tenant for _, tenant, *_ in FAILING})),
        ("Integrations hit", len({integration for integration, *_ in FAILING})),
        (
            "Critical and high",
            len({(a, i, t) for a, s, i, t, _ in ALERTS if s in ("critical", "high")}),
        ),
        ("Not configured", len(UNCONFIGURED)),
        ("Overdue probes", 0),
    ],
)
def test_a_count_counts_each_target_once_however_many_replicas_there_are(
    title: str, count: int, prometheus: Prometheus
) -> None:
    assert prometheus.value(dict(panel_queries(OVERVIEW))[title]) == count


def test_overdue_counts_all_targets_that_are_probed_once_the_exporter_sleeps(prometheus: Prometheus) -> None:
    late = dict(panel_queries(OVERVIEW))["Overdue probes"].replace("time()", f"({NOW} + 3600)")
    assert prometheus.value(late) == sum(len(tenants) for _, tenants, *_ in INTEGRATIONS.values()) - len(
        UNCONFIGURED
    )


def test_the_failing_are_shown_with_reason_and_since(prometheus: Prometheus) -> None:
    since, failures = _both(OVERVIEW, "Failing now")
    shown = {_target(series): series for series in prometheus.ask(since)}
    assert {key: series["metric"]["reason"] for key, series in shown.items()} == {
        (integration, tenant): reason for integration, tenant, reason, *_ in FAILING
    }
    assert float(shown["sms", "globex"]["value"][1]) == pytest.approx((NOW - 3.17 * 3600) * 1000)
    assert float(shown["ads", "stark"]["value"][1]) == 0, "never worked"
    assert {_target(series) for series in prometheus.ask(failures)} == set(shown)


def test_an_alert_is_shown_once_at_its_highest_severity(prometheus: Prometheus) -> None:
    severity, since = _both(OVERVIEW, "Firing alerts")
    shown = {(series["metric"]["alert"], *_target(series)): series for series in prometheus.ask(severity)}
    assert len(shown) == len({(alert, integration, tenant) for alert, _, integration, tenant, _ in ALERTS})
    assert shown["CertificateExpiring", "edge", ""]["value"][1] == "3"
    began = {(series["metric"]["alert"], *_target(series)): series for series in prometheus.ask(since)}
    assert began.keys() == shown.keys()
    assert float(began["CertificateExpiring", "edge", ""]["value"][1]) == (NOW - 57.6 * 3600) * 1000


def test_a_certificate_is_judged_by_the_thresholds_in_force(prometheus: Prometheus) -> None:
    level, left = _both(OVERVIEW, "Certificates by time left")
    levels = {series["metric"]["integration"]: series["value"][1] for series in prometheus.ask(level)}
    assert levels.pop("partner-feed") == "4", "expired"
    assert levels.pop("edge") == "3", "below seven days"
    assert levels.pop("mail") == "2", "below twenty-one days"
    assert set(levels.values()) == {"0"}
    seconds = {series["metric"]["integration"]: float(series["value"][1]) for series in prometheus.ask(left)}
    assert seconds["edge"] == pytest.approx(4.6 * 86_400, rel=0.01)


def test_a_tenants_own_threshold_wins_over_the_default(tmp_path: Path) -> None:
    family = registry.families()["certificate_expiry_seconds"]
    series = {
        'days{integration="a",provider="p",tenant="lax"}': 900000.0,
        'days{integration="a",provider="p",tenant="strict"}': 2000000.0,
        'days{integration="a",provider="p",tenant="usual"}': 900000.0,
    }
    for tenant, value in (("", 1000000.0), ("lax", 800000.0), ("strict", 3000000.0)):
        labels = f'integration="a",provider="p",tenant="{tenant}",severity="medium"'
        series[f"{family.metric}{{{labels}}}"] = value
    lines = [f"{key} {value} {NOW:.0f}" for key, value in series.items()]
    with knowing([*lines, "# EOF"], NOW, tmp_path) as asked:
        found = asked.ask(_promql.level("max by (integration, provider, tenant) (days)", family))
    assert {row["metric"]["tenant"]: row["value"][1] for row in found} == {
        "lax": "0",
        "strict": "2",
        "usual": "2",
    }


def test_no_alert_is_counted_as_none_only_while_rules_are_evaluated(tmp_path: Path) -> None:
    expr = dict(panel_queries(OVERVIEW))["Critical and high"]
    watchdog = 'ALERTS{alertname="Watchdog",alertstate="firing"} 1'
    lines = [f"{watchdog} {NOW - 3600:.0f}", f"up 1 {NOW:.0f}", "# EOF"]
    with knowing(lines, NOW, tmp_path) as asked:
        assert asked.ask(expr) == []
        assert asked.value(expr.replace("}", "} offset 1h")) == 0


def test_a_variable_that_no_dashboard_defines_is_an_error() -> None:
    panel = rows("A", "A.", ('up{x="$nothing"}',), (), size=(24, 8))
    board = _board.Dashboard("a", "A", "A.", (_board.Section("", (panel,)),))
    with pytest.raises(ValueError, match=r"\$nothing is not defined"):
        panel_queries(_board.text_of(board))


def test_there_is_every_folder_that_grafana_looks_for_when_it_starts() -> None:
    folders = {path.split("/")[2] for path in FILES if path.startswith("grafana/provisioning/")}
    # It logs an error for each that lacks.
    assert folders == {"alerting", "dashboards", "datasources", "plugins"}
    rules = yaml.safe_load(FILES["grafana/provisioning/alerting/integration-exporter.yaml"])
    assert rules == {"apiVersion": 1}, "rules are evaluated by Prometheus alone"


def test_the_provisioning_files_name_what_the_dashboards_use() -> None:
    sources = yaml.safe_load(FILES["grafana/provisioning/datasources/integration-exporter.yaml"])
    provider = yaml.safe_load(FILES["grafana/provisioning/dashboards/integration-exporter.yaml"])
    (store,) = yaml.safe_load(FILES["grafana/provisioning/datasources/integration-store.yaml"])["datasources"]
    prometheus, alertmanager = sources["datasources"]
    defaults = {
        variable["query"]: (variable["current"]["text"], variable["current"]["value"])
        for dashboard in DASHBOARDS.values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "datasource"
    }
    assert defaults == {one["type"]: (one["name"], one["uid"]) for one in (prometheus, store)}
    assert prometheus["jsonData"]["alertmanagerUid"] == alertmanager["uid"]
    assert not any(source["editable"] for source in (prometheus, alertmanager, store))
    assert provider["providers"][0]["allowUiUpdates"] is False
    own = [prometheus["url"], alertmanager["url"], provider["providers"][0]["options"]["path"]]
    own += [store["url"], store["user"], *store["secureJsonData"].values()]
    own += [store["jsonData"]["database"], store["jsonData"]["sslmode"]]
    for text in own:
        assert re.fullmatch(r"\$\{INTEGRATION_[A-Z_]+\}", text)
        assert text[2:-1] in (ROOT / "docs/dashboards.md").read_text()


def _both(dashboard: dict[str, Any], title: str) -> tuple[str, str]:
    first, second = (expr for name, expr in panel_queries(dashboard) if name == title)
    return first, second


def _target(series: dict[str, Any]) -> tuple[str, str]:
    return series["metric"].get("integration", ""), series["metric"].get("tenant", "")
