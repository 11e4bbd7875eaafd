"""Every column of a table and every title is in sight in a window that is 1,280 pixels wide."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from exporter import registry
from exporter.core.panel import Panel
from exporter.core.signals import Signals
from exporter.generate import dashboards
from exporter.generate.dashboards import _board, providers
from exporter.generate.dashboards._looks import ARROW, LETTER, PADDING
from tests.generate.dashboards_reading import (
    asking_panels,
    columns_of,
    least_width,
    own_widths,
    title_width_at,
    width_at,
)
from tests.generate.test_dashboards import DASHBOARDS, OVERVIEW, every_dashboard

PAGE = 1280
TITLE_LETTER = 7.5
"""Pixels of a letter in the title of a panel, on average."""
TABLES = [
    pytest.param(panel, id=f"{dashboard['uid']}: {panel['title']}")
    for dashboard in DASHBOARDS.values()
    for panel in asking_panels(dashboard)
    if panel["type"] == "table"
]
every_table = pytest.mark.parametrize("panel", TABLES)


@every_table
def test_no_column_of_a_table_is_cut_off(panel: dict[str, Any]) -> None:
    assert least_width(panel, columns_of(panel)) <= width_at(PAGE, panel)


@every_table
def test_the_title_of_a_column_fits_it(panel: dict[str, Any]) -> None:
    sorted_by = {each["displayName"] for each in panel["options"].get("sortBy", ())}
    least = panel["fieldConfig"]["defaults"]["custom"]["minWidth"]
    own = own_widths(panel)
    for title in columns_of(panel):
        # A title is broken between words, and a word is not.
        longest = max(map(len, title.split() if _wraps_title(panel, title) else [title]))
        needed = longest * LETTER + PADDING + (ARROW if title in sorted_by else 0)
        assert needed <= own.get(title, least), title


def _wraps_title(panel: Mapping[str, Any], title: str) -> bool:
    return any(
        override["matcher"]["options"] == title
        and {"id": "custom.wrapHeaderText", "value": True} in override["properties"]
        for override in panel["fieldConfig"]["overrides"]
    )


@every_dashboard
def test_the_title_of_a_panel_is_not_cut_off(path: str) -> None:
    panels = list(asking_panels(DASHBOARDS[path]))
    room = {panel["title"]: title_width_at(PAGE, panel) / TITLE_LETTER for panel in panels}
    assert [title for title, letters in room.items() if len(title) > letters] == []


@every_table
def test_a_table_of_several_queries_says_when_it_has_no_row(panel: dict[str, Any]) -> None:
    ways = [one["id"] for one in panel["transformations"]]
    several = len(panel["targets"]) > 1
    # Joined by `merge` alone what is empty keeps its headers, and Grafana shows those in place of the words.
    assert ("partitionByValues" in ways) is several
    assert ways.index("organize") == len(ways) - 1
    assert panel["fieldConfig"]["defaults"]["noValue"]


@every_table
def test_a_value_that_is_always_one_takes_no_column(panel: dict[str, Any]) -> None:
    expr = panel["targets"][0].get("expr", "")
    constant = "_info{" in expr or expr.rstrip(")").endswith("== 1")
    assert not (constant and "Value" in columns_of(panel))


def test_the_longest_name_of_an_alert_fits_its_column() -> None:
    (panel,) = (panel for panel in OVERVIEW["panels"] if panel["title"] == "Firing alerts")
    others = [column for column in columns_of(panel) if column != "Alert"]
    room = width_at(PAGE, panel) - least_width(panel, others)
    names = {alert.name.removeprefix("Integration") for alert in registry.alerts()}
    assert len(names) > 20
    assert max(map(len, names)) * LETTER + PADDING <= room


def test_names_of_integrations_and_tenants_are_wrapped_and_words_are_not() -> None:
    wrapped = {
        (panel["title"], override["matcher"]["options"])
        for panel in OVERVIEW["panels"]
        if panel["type"] == "table"
        for override in panel["fieldConfig"]["overrides"]
        if {"id": "custom.wrapText", "value": True} in override["properties"]
    }
    # A row is as high as the plain value needs, so that a wrapped sentence in its place would be cut.
    assert ("Failing now", "Reason") not in wrapped
    for title in ("Failing now", "Firing alerts", "Slowest now", "Certificates by time left"):
        assert {(title, "Integration"), (title, "Tenant")} <= wrapped


@pytest.mark.parametrize(
    ("expr", "width"),
    [
        ("max by (integration, tenant, a) (x)", 12),
        ("max by (integration, tenant, a, b) (x)", 24),
        ("max by (integration, tenant, a, b) (x_info{})", 12),
        ("max by (integration, tenant, a, b, c) (x_info{})", 24),
        ("max by (integration, tenant, a, b) (x) == 1", 12),
    ],
)
def test_a_providers_table_is_as_wide_as_its_labels_need(expr: str, width: int) -> None:
    panel = Panel("A", "What it is.", expr, kind="table")
    beside = Panel("B", "What is beside it.", "up", kind="table")  # else it takes the whole line
    (board,) = providers.boards_of_others({"shown": Signals("Shown", panels=(panel, beside))})
    panel = json.loads(_board.text_of(board))["panels"][1]
    assert panel["gridPos"]["w"] == width
    assert least_width(panel, columns_of(panel)) <= width_at(PAGE, panel)


def test_every_dashboard_with_tables_is_judged() -> None:
    assert {path for path in dashboards.files() if path.endswith(".json")} == set(DASHBOARDS)
    assert len(TABLES) >= 8
