"""How panels look, below what they show: words of values, dashed lines, legends, links, widths of titles."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any

from exporter.generate.dashboards._links import DataLink
from exporter.generate.dashboards._sdk import common, kinds, models

ValueWord = tuple[str, str]
"""What a value is called and its colour."""

LETTER, PADDING, ARROW = 7.9, 13, 20
"""Pixels of a letter in a table at most, of a cell's padding and border, of the arrow of a sorted column."""

WHOLE = {"percentunit": 1, "percent": 100}
"""Of a unit of shares the value that is all of it: a bar of a share is as long as that is large."""

FEW = frozenset(
    (
        *("action_class", "case", "client", "currency", "direction", "event", "exporter", "family", "kind"),
        *("level", "outcome", "phase", "reason", "resource", "severity", "state"),
    )
)
"""Labels with a handful of short values. Of others there may be as many as a graph has lines."""

LEAST_HEIGHT, HALF_PAGE, GRID_UNIT = 8, 12, 51
"""Grid units of a graph that has names beside it, of half a page; pixels of a unit at 1,280."""
SIDE, NARROW_SIDE, NEXT_LABEL, MOST_SIDE = 170, 140, 50, 280
"""Pixels of names of one label in half a page and in less, for each more label, and at most."""
LEAST_GRAPH = 260
"""Pixels that names beside a graph leave to it and its axis."""

_LABEL = re.compile(r"{{(\w+)}}")


MONEY = {
    "USD": "currencyUSD",
    "EUR": "currencyEUR",
    "GBP": "currencyGBP",
    "JPY": "currencyJPY",
    "CHF": "currencyCHF",
}
"""Units of money by the currency at the end of a name; others have their code in the name alone."""


def sign_money(panel: Any) -> None:
    """Give each line of a graph the sign of the currency that its name ends with."""
    for currency, unit in MONEY.items():
        panel.override_by_regexp(f"/\\b{currency}$/", [set_option("unit", unit)])


def set_option(name: str, value: Any) -> Any:
    """Return an option of a field, by the name that Grafana has for it."""
    return models.DynamicConfigValue(id_val=name, value=value)


def map_values(words: Mapping[str, ValueWord]) -> Any:
    """Return the words of values; ValueError for a colour without one."""
    if not all(text for text, _ in words.values()):
        raise ValueError(f"a colour has a word beside it: {dict(words)}")
    results = {
        value: models.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return models.ValueMap(options=results)


def hide_no_bar() -> Any:
    """Return what leaves no stray bar beside the words of a bar gauge that has nothing to show.

    Grafana draws the edge of a bar of no length there, in the colour of no value: here that of the panel.
    """
    nothing = models.DashboardSpecialValueMapOptions(
        match=models.SpecialValueMatch.NULL, result=models.ValueMappingResult(color="panel-bg", index=0)
    )
    return models.SpecialValueMap(options=nothing)


def dash_line(colour: str) -> list[Any]:
    """Return the options of a line that is a limit, and no data."""
    return [
        # In a graph of bars one on another it is neither a bar nor on top of them.
        set_option("custom.drawStyle", "line"),
        set_option("custom.stacking", {"mode": "none"}),
        set_option("custom.lineWidth", 1),
        set_option("custom.showPoints", "never"),
        set_option("custom.lineStyle", {"fill": "dash", "dash": [10, 8]}),
        set_option("custom.fillOpacity", 0),
        set_option("color", {"mode": "fixed", "fixedColor": colour}),
    ]


def place_legend(names: Iterable[str] = (), size: tuple[int, int] = (24, 8)) -> Any:
    """Return a legend below a graph, or on its right where that may be long and there is room for both.

    `names` are the legend formats of its queries, `size` is in grid units. Twenty names below a graph take a
    third of its height, which Grafana lets them have at most; on the right they are scrolled.
    """
    legend = common.VizLegendOptions().display_mode(kinds.LegendDisplayMode.LIST).show_legend(True)
    labels = [frozenset(_LABEL.findall(name)) for name in names]
    few = frozenset().union(*labels) <= FEW
    side = _pixels_beside(max(map(len, labels), default=0), size[0])
    if few or size[1] < LEAST_HEIGHT or size[0] * GRID_UNIT - side < LEAST_GRAPH:
        return legend.placement(kinds.LegendPlacement.BOTTOM)
    return legend.placement(kinds.LegendPlacement.RIGHT).width(side)


def _pixels_beside(labels: int, width: int) -> int:
    # Else "payments acme authentication" is cut within its last word, which tells the lines apart.
    one = SIDE if width >= HALF_PAGE else NARROW_SIDE
    return one if labels < 2 else min(SIDE + NEXT_LABEL * (labels - 1), MOST_SIDE)


def sort_tooltip(mode: Any) -> Any:
    """Return a tooltip of one or all lines, the largest first."""
    return common.VizTooltipOptions().mode(mode).sort(kinds.SortOrder.DESCENDING)


def offer(links: Sequence[DataLink]) -> list[dict[str, Any]]:
    """Return the links that a click offers, as options have them."""
    return [{"title": link.title, "url": link.url, "targetBlank": False} for link in links]


def least_width(title: str, *, sorts: bool) -> int:
    """Return the pixels that a column needs for its title, which is broken between words.

    `sorts`: the table is sorted by it, so that an arrow stands beside the title.
    """
    longest = max(map(len, title.split()), default=0)
    return ceil(longest * LETTER + PADDING + (ARROW if sorts else 0))
