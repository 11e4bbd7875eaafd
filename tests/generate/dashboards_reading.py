"""What stands in a query or a dashboard, for the tests that judge them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import promql_parser

from exporter.generate.dashboards._queries import panels_of
from exporter.generate.dashboards._sdk import JSONEncoder, models, register_default_plugins

GRID = 24
# Pixels of Grafana 12: padding of the page, gap between panels, padding and border of a panel, scroll bar.
PAGE, GAP, PANEL, BAR = 32, 8, 18, 10
# Of the head of a panel: its padding, the icon of its description, and the menu that shows below the pointer.
HEAD = 70


def selectors(expr: str) -> list[Any]:
    """Return every vector selector of a PromQL expression without variables."""
    found: list[Any] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        elif isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found


def asking_panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the panels that ask something: all but the headings."""
    return (panel for panel in panels_of(dashboard) if panel["type"] != "row")


def columns_of(panel: Mapping[str, Any]) -> list[str]:
    """Return the titles of a table's columns."""
    (options,) = (each["options"] for each in panel["transformations"] if each["id"] == "organize")
    return [options["renameByName"][field] for field in options["includeByName"]]


def least_width(panel: Mapping[str, Any], columns: Iterable[str]) -> float:
    """Return how many pixels a table takes at least for `columns`."""
    least: int = panel["fieldConfig"]["defaults"]["custom"]["minWidth"]
    own = own_widths(panel)
    return sum(own.get(column, least) for column in columns)


def own_widths(panel: Mapping[str, Any]) -> dict[str, int]:
    """Return the pixels that each column has, or has at least, by its title, where it says so."""
    return {
        override["matcher"]["options"]: each["value"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] in ("custom.width", "custom.minWidth")
    }


def title_width_at(page: int, panel: Mapping[str, Any]) -> float:
    """Return how many pixels the title of a panel has in a window that is `page` pixels wide."""
    return width_at(page, panel) + PANEL + BAR - HEAD


def width_at(page: int, panel: Mapping[str, Any]) -> float:
    """Return how many pixels the content of a panel has in a window that is `page` pixels wide."""
    units: int = panel["gridPos"]["w"]
    unit = (page - PAGE - BAR - (GRID - 1) * GAP) / GRID
    return units * unit + (units - 1) * GAP - PANEL - BAR


def overlaps(dashboard: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the titles of the panels that lie on one another or leave the grid."""
    panels = list(panels_of(dashboard))
    return [
        (one["title"], other["title"])
        for one, other in combinations(panels, 2)
        if _meet(one["gridPos"], other["gridPos"])
    ] + [(panel["title"], "edge") for panel in panels if panel["gridPos"]["x"] + panel["gridPos"]["w"] > GRID]


def through_sdk(text: str) -> dict[str, Any]:
    """Return a dashboard as it is after the SDK has read and written it."""
    register_default_plugins()
    read = models.Dashboard.from_json(json.loads(text))
    written: dict[str, Any] = json.loads(json.dumps(read, cls=JSONEncoder))
    return written


def _meet(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    apart = (
        one["x"] + one["w"] <= other["x"]
        or other["x"] + other["w"] <= one["x"]
        or one["y"] + one["h"] <= other["y"]
        or other["y"] + other["h"] <= one["y"]
    )
    return not apart
