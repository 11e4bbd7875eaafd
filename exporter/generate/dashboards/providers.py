"""What each source measures of its own: a row for every provider, or other source, that brings panels."""

import re
from collections.abc import Iterable
from typing import Any

from exporter import registry
from exporter.core.panel import Panel
from exporter.core.signals import Signals
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards._board import GRID_WIDTH, Dashboard, Section
from exporter.generate.dashboards._panels import PanelQuery
from exporter.generate.dashboards._promql import top

SIZES: dict[str, tuple[int, int]] = {
    "stat": (6, 8),
    "timeseries": (12, 8),
    "table": (12, 8),
    "bargauge": (12, 8),
}
MOST_COLUMNS = 4
"""Columns of a table that fit half of a page that is 1,500 pixels wide."""

_BY = re.compile(r"by \(([^)]*)\)")


def build() -> Dashboard | None:
    """Return the dashboard of the registered sources; None while none of them has a panel."""
    return board_of(registry.sources().values())


def board_of(sources: Iterable[Signals]) -> Dashboard | None:
    """Return the dashboard of `sources`, a section for each that has panels; None when none of them has."""
    sections = [Section(one.title, tuple(map(_panel, one.panels))) for one in sources if one.panels]
    if not sections:
        return None
    return Dashboard(
        uid="integration-providers",
        title="Integrations / Providers",
        description="What each provider measures of its own, beside the status that every integration has.",
        sections=sections,
    )


def _panel(panel: Panel) -> Any:
    # A provider thinks of its targets, not of how many there may be.
    query, size = PanelQuery(top(panel.expr), panel.legend_format), SIZES[panel.kind]
    if panel.kind == "stat":
        return show.figure(panel.title, panel.description, query, size=size, unit=panel.unit)
    if panel.kind == "bargauge":
        return show.bars(panel.title, panel.description, query, size=size, unit=panel.unit)
    if panel.kind == "table":
        return _table(panel, query.expr)
    return show.lines(panel.title, panel.description, (query,), size=size, unit=panel.unit)


def _table(panel: Panel, expr: str) -> Any:
    # That a label is there is all that an info series, or one compared with 1, says.
    value = "_info{" not in panel.expr and not panel.expr.endswith("== 1")
    labels = _BY.search(panel.expr)
    columns = len(labels[1].split(",")) + value if labels else 0
    width = SIZES["table"][0] if columns <= MOST_COLUMNS else GRID_WIDTH
    size = (width, SIZES["table"][1])
    return show.rows(panel.title, panel.description, (expr,), size=size, unit=panel.unit, value=value)
