"""Single values: a state in words, and a time as people say it."""

from collections.abc import Mapping
from typing import Any

from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards._looks import ValueWord, map_values
from exporter.generate.dashboards._panels import PanelQuery, Size


def state(title: str, text: str, expr: str, words: Mapping[str, ValueWord], *, size: Size = (4, 4)) -> Any:
    """Return the state that `expr` has now, as its word on its colour."""
    panel = show.number(title, text, expr, bad=show.QUIET, size=size)
    return panel.mappings([map_values(words)])


def moment(title: str, text: str, expr: str, *, never: str, size: Size = (4, 4)) -> Any:
    """Return how long ago, or how far ahead, the Unix seconds of `expr` are; `never` where there are none."""
    query = PanelQuery(f"{expr} * 1000")
    return show.figure(title, text, query, size=size, unit="dateTimeFromNow").no_value(never)


def amount(
    title: str, text: str, expr: str, *, unit: str, none: str, decimals: int = 1, size: Size = (4, 4)
) -> Any:
    """Return one plain number; `none` where there is nothing to count."""
    panel = show.figure(title, text, PanelQuery(expr), size=size, unit=unit)
    return panel.no_value(none).decimals(decimals)
