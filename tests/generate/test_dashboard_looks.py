"""What is to be read on dashboards: bars at their time, whole shares, short legends, words in both themes."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from exporter.core.severity import Severity
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards._looks import FEW, LEAST_BESIDE
from tests.generate.dashboards_reading import asking_panels
from tests.generate.test_dashboards import DASHBOARDS

Panel = Mapping[str, Any]
PANELS = [(board, panel) for board in DASHBOARDS.values() for panel in asking_panels(board)]
BEFORE, AFTER = -1, 1
WHOLE = {"percentunit": 1, "percent": 100}
LEAST_CONTRAST = 3.5
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


def test_a_legend_that_may_be_long_takes_no_height_of_its_graph() -> None:
    def fault(panel: Panel) -> bool:
        if panel["type"] != "timeseries":
            return False
        legends = " ".join(target.get("legendFormat", "") for target in panel["targets"])
        many = panel["gridPos"]["w"] >= LEAST_BESIDE and bool(set(re.findall(r"{{(\w+)}}", legends)) - FEW)
        return (panel["options"]["legend"]["placement"] == "right") is not many

    assert _named(fault) == []
    assert {"integration", "tenant", "metric"}.isdisjoint(FEW)


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
