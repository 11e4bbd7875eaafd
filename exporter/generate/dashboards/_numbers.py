"""Single values: a state in words, a time as people say it, and how many alerts fire."""

from collections.abc import Mapping
from typing import Any

from exporter.core.metric import Scope
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards._links import DataLink, link_to
from exporter.generate.dashboards._looks import ValueWord, map_values, offer, set_option
from exporter.generate.dashboards._panels import PanelQuery, Size

FIRING = "Counts alerts: they fire for some minutes after all is well again. A click shows them."


def state(title: str, text: str, expr: str, words: Mapping[str, ValueWord], *, size: Size = (4, 4)) -> Any:
    """Return the state that `expr` has now, as its word on its colour."""
    panel = show.number(title, text, expr, bad=show.QUIET, size=size)
    return panel.mappings([map_values(words)])


def alerts(
    title: str,
    text: str,
    expr: str,
    *,
    bad: str,
    size: Size = (4, 4),
    carry: tuple[str, ...] = Scope.TARGET.value,
) -> Any:
    """Return how many alerts fire by `expr`; a click leads to them, with the variables that `carry` names."""
    panel = show.number(title, f"{text} {FIRING}", expr, bad=bad, size=size)
    link = DataLink("Alerts that fire", link_to("integration-alerts", carry=carry))
    return panel.override_by_field_type("number", [set_option("links", offer((link,)))])


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
