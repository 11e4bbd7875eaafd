"""What is to be read on dashboards: bars at their time, whole shares, short legends, words in both themes."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from exporter.core.severity import Severity
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards._looks import FEW, place_legend
from tests.generate.dashboards_reading import asking_panels, width_at
from tests.generate.test_dashboards import DASHBOARDS

Panel = Mapping[str, Any]
PANELS = [(board, panel) for board in DASHBOARDS.values() for panel in asking_panels(board)]
BEFORE, AFTER = -1, 1
WHOLE = {"percentunit": 1, "percent": 100}
LEAST_CONTRAST = 3.5
LABEL = re.compile(r"{{(\w+)}}")
LEAST_LEFT = 220
"""Pixels of a graph and its axis that names beside it leave."""
# Grafana 12: packages/grafana-data/src/themes/createVisualizationColors.ts, in the light and the dark theme.
COLOURS = {
    "red": ("#E02F44", "#F2495C"),
    "semi-dark-red": ("#C4162A", "#E02F44"),
    "orange": ("#FF780A", "#FF9830"),
    "semi-dark-orange": ("#FA6400", "#FF780A"),
    "dark-orange": ("#E55400", "#FA6400"),
    "yellow": ("#F2CC0C", "#FADE2A"),
    "dark-yellow": ("#CC9D00", "#E0B400"),
    "green": ("#56A64B", "#73BF69"),
    "semi-dark-green": ("#37872D", "#56A64B"),
    "blue": ("#3274D9", "#5794F2"),
    "semi-dark-blue": ("#1F60C4", "#3274D9"),
    "text": ("#24292E", "#CCCCDC"),
}
PAGES = ("#FFFFFF", "#181B1F")
"""What is behind a panel's words in the two themes."""


def overrides(panel: Panel) -> Iterator[dict[str, Any]]:
    """Yield the options that each override sets, by name."""
    for override in panel["fieldConfig"]["overrides"]:
        yield {one["id"]: one["value"] for one in override["properties"]}


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return how much two colours differ, as WCAG 2 has it: from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _written(panel: Panel) -> Iterator[str]:
    """Yield the colours that words and numbers of a table, and names and lines of thresholds, have."""
    for options in overrides(panel):
        for mapping in options.get("mappings", ()):
            yield from (result["color"] for result in mapping["options"].values())
        if "custom.lineStyle" in options:
            yield options["color"]["fixedColor"]


def _named(rule: Callable[[Panel], bool]) -> list[str]:
    """Return the panels that a rule finds fault with: one test is for all of them."""
    return [f"{board['uid']}: {panel['title']}" for board, panel in PANELS if rule(panel)]


def test_a_bar_over_time_stands_where_its_time_is() -> None:
    def fault(panel: Panel) -> bool:
        custom = panel["fieldConfig"]["defaults"].get("custom", {})
        # What Prometheus answers is of the time before; what the store groups is named by where it begins.
        stored = any("rawSql" in target for target in panel["targets"])
        wrong: bool = custom.get("barAlignment") != (AFTER if stored else BEFORE)
        return custom.get("drawStyle") == "bars" and wrong

    assert _named(fault) == []


def test_the_bar_of_a_share_is_measured_by_the_whole() -> None:
    def fault(panel: Panel) -> bool:
        defaults = panel["fieldConfig"]["defaults"]
        bars = [{"unit": defaults["unit"], "max": defaults.get("max")}] if panel["type"] == "bargauge" else []
        cells = [each for each in overrides(panel) if "gauge" in str(each.get("custom.cellOptions"))]
        return any(
            each.get("max") != WHOLE.get(each.get("unit", "")) or ("fieldMinMax" in each and "max" in each)
            for each in (*bars, *cells)
        )

    assert _named(fault) == []


def test_a_single_bar_has_its_name() -> None:
    # Grafana clears the name of the only series, unless the panel has a name for it.
    def fault(panel: Panel) -> bool:
        return panel["type"] == "bargauge" and not panel["fieldConfig"]["defaults"].get("displayName")

    assert _named(fault) == []


def _graphs() -> Iterator[tuple[str, Panel, int, bool]]:
    """Yield each graph by name, how many labels its legend has, and whether all have few values."""
    for board, panel in PANELS:
        if panel["type"] == "timeseries":
            legends = [LABEL.findall(target.get("legendFormat", "")) for target in panel["targets"]]
            yield (
                f"{board['uid']}: {panel['title']}",
                panel,
                max(map(len, legends)),
                set().union(*legends) <= FEW,
            )


def test_a_legend_beside_a_graph_leaves_room_for_both() -> None:
    # In pixels of a window of 1,280, by the number of labels: with less, names lose their last word.
    least = {1: 140, 2: 220, 3: 270, 4: 280}
    for name, panel, labels, _ in _graphs():
        legend, place = panel["options"]["legend"], panel["gridPos"]
        if legend["placement"] == "right":
            assert legend["width"] >= least[labels], name
            assert width_at(1280, panel) - legend["width"] >= LEAST_LEFT, name
            assert place["w"] >= 8 and place["h"] >= 8, name


def test_a_legend_that_may_be_long_takes_no_height_of_a_wide_graph() -> None:
    wide = {
        name: panel["options"]["legend"]["placement"]
        for name, panel, _, few in _graphs()
        if not few and panel["gridPos"]["w"] >= 12 and panel["gridPos"]["h"] >= 8
    }
    assert [name for name, where in wide.items() if where != "right"] == []
    assert [name for name, panel, _, few in _graphs() if few and "width" in panel["options"]["legend"]] == []
    assert {"integration", "tenant", "metric"}.isdisjoint(FEW)


@pytest.mark.parametrize(
    ("legend", "size", "width"),
    [
        ("{{integration}}", (7, 8), None),
        ("{{integration}}", (8, 8), 140),
        ("{{integration}}", (12, 7), None),
        ("{{integration}}", (12, 8), 170),
        ("{{source}} {{reason}}", (8, 8), None),
        ("{{integration}} {{tenant}}", (10, 8), 220),
        ("{{integration}} {{tenant}} {{family}}", (12, 8), 270),
        ("{{integration}} {{tenant}} {{channel}} {{outcome}}", (24, 8), 280),
        ("{{outcome}}", (24, 8), None),
    ],
)
def test_names_are_beside_a_graph_where_both_have_room(
    legend: str, size: tuple[int, int], width: int | None
) -> None:
    built = place_legend((legend,), size).build()
    assert built.width == width
    assert built.placement == ("bottom" if width is None else "right")


def test_what_is_written_can_be_read_in_the_light_and_in_the_dark() -> None:
    def fault(panel: Panel) -> bool:
        return any(
            contrast(page, colour) < LEAST_CONTRAST
            for name in _written(panel)
            for page, colour in zip(PAGES, COLOURS.get(name, (name, name)), strict=True)
        )

    assert _named(fault) == []


def test_the_measure_of_contrast_knows_what_nobody_can_read() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast(PAGES[0], COLOURS["yellow"][0]) < 2
    assert contrast(PAGES[0], COLOURS["dark-yellow"][0]) < LEAST_CONTRAST
    assert len({show.SEVERITY_COLOURS[severity] for severity in Severity}) == len(Severity)


def test_there_are_panels_of_each_kind_that_is_judged() -> None:
    text = json.dumps(DASHBOARDS)
    for sign in ('"drawStyle": "bars"', '"type": "bargauge"', '"type": "gauge"', '"placement": "right"'):
        assert text.count(sign) >= 10, sign
    assert any(each.get("max") == 1 for _, panel in PANELS for each in overrides(panel))


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_money_that_is_read_as_a_number_has_its_cents(board: Mapping[str, Any], panel: Panel) -> None:
    if panel["type"] == "timeseries":
        return  # its axis has the fractions that it needs
    shown = [panel["fieldConfig"]["defaults"], *overrides(panel)]
    money = [one for one in shown if str(one.get("unit")).startswith("currency")]
    assert {one.get("decimals") for one in money} <= {2}, (board["uid"], panel["title"])


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_no_axis_repeats_a_number(board: Mapping[str, Any], panel: Panel) -> None:
    if panel["type"] == "timeseries":
        assert "decimals" not in panel["fieldConfig"]["defaults"], (board["uid"], panel["title"])


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_calls_are_whole(board: Mapping[str, Any], panel: Panel) -> None:
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == "Calls left":
            set_to = {one["id"]: one["value"] for one in override["properties"]}
            assert set_to["decimals"] == 0, (board["uid"], panel["title"])
