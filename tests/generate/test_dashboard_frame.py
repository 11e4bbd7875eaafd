"""What all dashboards share: variables and marks said once, links that carry them, what a panel must say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.generate.dashboards import _board
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards._links import VALUE, cell, label, link_to
from exporter.generate.dashboards._marks import LOADED
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._queries import fill_in
from exporter.generate.dashboards._store_panels import LACKS, NEEDS, log
from exporter.generate.dashboards._variables import CHOICES
from tests.generate.dashboards_asking import Prometheus, knowing
from tests.generate.dashboards_platform import NOW
from tests.generate.dashboards_reading import asking_panels, selectors
from tests.generate.series_known import series_names
from tests.generate.test_dashboards import DASHBOARDS, every_dashboard, every_panel

UP = PanelQuery("up")
UIDS = {dashboard["uid"] for dashboard in DASHBOARDS.values()}


def _links(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "targetBlank" in node and "url" in node:
            yield node["url"]
        for part in node.values():
            yield from _links(part)
    elif isinstance(node, list):
        for part in node:
            yield from _links(part)


LINKS = [
    pytest.param(dashboard, url, id=f"{dashboard['uid']} {number}")
    for dashboard in DASHBOARDS.values()
    for number, url in enumerate(sorted(set(_links(dashboard["panels"]))))
]
every_link = pytest.mark.parametrize(("dashboard", "url"), LINKS)


def _variables(dashboard: dict[str, Any]) -> set[str]:
    return {variable["name"] for variable in dashboard["templating"]["list"]}


def test_a_link_carries_the_time_range_and_what_was_picked() -> None:
    url = link_to("integration-errors", tenant=VALUE)
    assert url == (
        "/d/integration-errors?${__url_time_range}&${datasource:queryparam}&${integration:queryparam}"
        "&${provider:queryparam}&var-tenant=${__value.raw:percentencode}"
    )
    assert link_to("a", carry=()) == "/d/a?${__url_time_range}&${datasource:queryparam}"
    assert cell("tenant") == "${__data.fields.tenant:percentencode}"
    assert label("tenant") == "${__field.labels.tenant:percentencode}"


@every_link
def test_a_link_leads_to_a_dashboard_that_there_is_with_variables_that_it_has(
    dashboard: dict[str, Any], url: str
) -> None:
    if not url.startswith("/d/"):
        return
    uid, _, query = url.removeprefix("/d/").partition("?")
    if "${" not in uid:
        assert uid in UIDS
        (target,) = (one for one in DASHBOARDS.values() if one["uid"] == uid)
        assert set(re.findall(r"var-(\w+)=", query)) <= _variables(target)
    assert "${__url_time_range}" in query
    assert set(re.findall(r"\$\{(\w+):queryparam\}", query)) <= _variables(dashboard)


def test_from_a_status_bar_of_the_overview_it_is_two_clicks_to_the_failures_of_a_target() -> None:
    overview = DASHBOARDS["grafana/dashboards/integration-overview.json"]
    panels = {panel["title"]: json.dumps(panel) for panel in overview["panels"]}
    # A bar has a menu of two links: one click opens it, one follows. A row's reason has one link.
    failures = "/d/integration-errors?${__url_time_range}"
    assert failures in panels["Status by integration"]
    assert failures in panels["Failing now"]
    row = "var-integration=${__data.fields.integration:percentencode}&var-tenant=${__data.fields.tenant:"
    assert row in panels["Failing now"]


@every_dashboard
def test_every_dashboard_links_to_the_others_with_time_and_what_they_can_take(path: str) -> None:
    links = DASHBOARDS[path]["links"]
    found = [(link["tags"], link["includeVars"]) for link in links]
    assert found[:2] == [(["integration-exporter"], True), (["integration-exporter-provider"], False)]
    assert found[2:] in ([(["integration-exporter-target"], False)], [])
    assert all(link["type"] == "dashboards" and link["keepTime"] for link in links)


@every_dashboard
def test_a_variable_that_several_dashboards_have_is_the_same_in_all(path: str) -> None:
    names = [variable["name"] for variable in DASHBOARDS[path]["templating"]["list"]]
    before: list[str] = []
    for variable in DASHBOARDS[path]["templating"]["list"]:
        narrowed = 'provider="' in str(variable.get("query"))  # on the dashboard of a provider
        if (
            not narrowed
            and variable["name"] in CHOICES
            and f"label_values({CHOICES[variable['name']].metric}" in str(variable)
        ):
            built = CHOICES[variable["name"]].build(before).build()
            assert variable["query"] == built.query
        before.append(variable["name"])
    assert len(names) == len(set(names))


@every_dashboard
def test_marks_are_alerts_loads_and_incidents_over_the_graphs(path: str) -> None:
    _, *marks = DASHBOARDS[path]["annotations"]["list"]
    assert [mark["name"] for mark in marks] == [
        "Critical and high alerts",
        "Configuration loaded",
        "Incidents of vendors",
    ]
    graphs = [panel["id"] for panel in DASHBOARDS[path]["panels"] if panel["type"] == "timeseries"]
    values = dict.fromkeys(_variables(DASHBOARDS[path]), ".*")
    for mark in marks:
        assert mark["filter"] == {"exclude": False, "ids": graphs}
        expr = fill_in(mark["expr"], {**values, "__interval": "1m"})
        assert {selector.name for selector in selectors(expr)} <= series_names()


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus in which the last minute brought an alert, a load and an incident."""
    of = 'integration="pay",provider="stripe",tenant=""'
    before, now = f"{NOW - 60:.0f}", f"{NOW:.0f}"
    lines = [
        f'ALERTS{{alertname="IntegrationDown",alertstate="firing",severity="high",{of}}} 1 {now}',
        f"{LOADED} {NOW - 7200} {before}",
        f"{LOADED} {NOW - 30} {now}",
        f'integration_statuspage_incidents{{impact="major",{of}}} 0 {before}',
        f'integration_statuspage_incidents{{impact="major",{of}}} 2 {now}',
        "# EOF",
    ]
    with knowing(lines, NOW, tmp_path_factory.mktemp("tsdb")) as it:
        yield it


@pytest.mark.parametrize(
    ("number", "value"), [(1, 1.0), (2, (NOW - 30) * 1000), (3, 2.0)], ids=["alert", "load", "incident"]
)
def test_a_mark_is_where_it_began(number: int, value: float, hour: Prometheus) -> None:
    overview = DASHBOARDS["grafana/dashboards/integration-overview.json"]
    values = dict.fromkeys(_variables(overview), ".*")
    expr = fill_in(overview["annotations"]["list"][number]["expr"], {**values, "__interval": "1m"})
    assert hour.value(expr) == value
    # What goes on is no new mark; the time of a load is the mark itself.
    if number != 2:
        assert Prometheus(hour.address, NOW + 60).ask(expr) == []


@pytest.mark.parametrize(
    "change", [{"title": ""}, {"text": "No sentence"}, {"unit": ""}], ids=["title", "sentence", "unit"]
)
def test_a_panel_that_does_not_explain_itself_is_an_error(change: dict[str, str]) -> None:
    given = {"title": "A", "text": "What it is.", "unit": "s", **change}
    words = {"title": given["title"], "text": given["text"], "unit": given["unit"]}
    with pytest.raises(ValueError, match="it needs a title, a sentence of description and a unit"):
        show.lines(words["title"], words["text"], (UP,), size=(12, 8), unit=words["unit"])


def test_a_colour_without_a_word_is_an_error() -> None:
    column = TableColumn("A", "State", words={"1": ("", show.GOOD)})
    with pytest.raises(ValueError, match="a colour has a word beside it"):
        show.rows("A", "What it is.", ("up",), (column,), size=(12, 8))


def test_more_queries_than_letters_are_an_error() -> None:
    with pytest.raises(ValueError, match="at most 8 queries"):
        show.lines("A", "What it is.", (UP,) * 9, size=(12, 8), unit="s")


def test_a_threshold_is_a_dashed_line_in_the_colour_of_its_severity() -> None:
    family = ThresholdFamily("made_seconds", "Made.", {Severity.HIGH: 1}, unit="seconds")
    limits = show.limits_of(family, 1000)
    assert limits.expr.endswith("* 1000")
    for panel in (
        show.lines("A", "What it is.", (UP,), size=(12, 8), unit="ms", limits=limits),
        show.stacked("B", "What it is.", UP, size=(12, 8), unit="ms", step="1m", limits=limits),
    ):
        drawn = json.loads(_board.text_of(_board.Dashboard("a", "A", "A.", (_board.Section("", (panel,)),))))
        (made,) = drawn["panels"]
        assert made["targets"][1]["legendFormat"] == "{{severity}} threshold"
        names = [override["matcher"]["options"] for override in made["fieldConfig"]["overrides"]]
        assert names == [f"{severity} threshold" for severity in Severity]
        assert all("custom.lineStyle" in str(one) for one in made["fieldConfig"]["overrides"])
    with pytest.raises(ValueError, match="limits of a graph have the legend"):
        show.lines("A", "What it is.", (UP,), size=(12, 8), unit="s", limits=PanelQuery("up", "limit"))


@every_panel
def test_a_link_of_a_bar_reads_labels_and_no_cells(panel: dict[str, Any]) -> None:
    assert panel["type"] == "table" or "__data.fields" not in " ".join(_links(panel))


@every_panel
def test_a_cell_that_a_link_of_its_row_reads_has_no_dash_in_place_of_nothing(panel: dict[str, Any]) -> None:
    if panel["type"] != "table":
        return
    # Grafana puts the dash into the address: a tenant of that name has no failures.
    read = set(re.findall(r"\$\{__data\.fields\.(\w+):", " ".join(_links(panel))))
    (options,) = (one["options"] for one in panel["transformations"] if one["id"] == "organize")
    titles = {options["renameByName"].get(name, name) for name in read}
    assert read <= options["includeByName"].keys()
    overrides = {
        override["matcher"]["options"]: {one["id"]: one["value"] for one in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
    }
    # A cell of nothing else has the words of the whole table.
    for title in options["renameByName"].values():
        assert overrides[title]["noValue"] == ("" if title in titles else "—")


@every_panel
def test_a_colour_that_means_a_state_has_a_word(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    mappings = [*defaults.get("mappings", ())]
    for override in panel["fieldConfig"]["overrides"]:
        mappings += [
            one for each in override["properties"] if each["id"] == "mappings" for one in each["value"]
        ]
    words = [one for one in mappings if one["type"] != "special"]
    assert all(result["text"] for one in words for result in one["options"].values())
    colours = {step["color"] for step in defaults.get("thresholds", {}).get("steps", ())}
    # The number itself is the word of a count.
    assert len(colours) < 2 or panel["type"] == "stat"


@every_panel
def test_a_bar_gauge_without_a_bar_has_no_edge_of_one(panel: dict[str, Any]) -> None:
    """Grafana draws it in the colour of no value, beside the words."""
    hidden = {"match": "null", "result": {"color": "panel-bg", "index": 0}}
    special = [
        one for one in panel["fieldConfig"]["defaults"].get("mappings", ()) if one["type"] == "special"
    ]
    assert [one["options"] for one in special] == ([hidden] if panel["type"] == "bargauge" else [])


def test_a_panel_of_the_store_says_what_it_needs_and_the_others_do_not() -> None:
    made = log("A", "What it is.", "SELECT 1 AS a", (TableColumn("a", "A"),), size=(24, 8), empty="No row")
    board = _board.Dashboard("a", "A", "A.", (_board.Section("", (made,)),), variables=())
    (panel,) = json.loads(_board.text_of(board))["panels"]
    assert panel["description"] == f"What it is. {NEEDS}"
    assert panel["fieldConfig"]["defaults"]["noValue"] == f"No row, or {LACKS}"
    for dashboard in DASHBOARDS.values():
        for one in asking_panels(dashboard):
            asks = any("rawSql" in target for target in one["targets"])
            assert (NEEDS in one["description"]) is asks
            assert (LACKS in one["fieldConfig"]["defaults"].get("noValue", "")) is asks
        assert ("store" in _variables(dashboard)) is ("rawSql" in json.dumps(dashboard))


def test_the_page_names_the_need_where_it_is_explained() -> None:
    assert "## Panels from the store" in (Path(__file__).parents[2] / "docs/dashboards.md").read_text()
