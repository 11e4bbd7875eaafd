"""The panels our dashboards are made of: one function per way of showing an answer.

Every panel has a title, a sentence of description and a size in grid units (24 across). Colour never
carries a meaning alone: where a value means a state, a word says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.core.severity import Severity
from exporter.generate.dashboards._promql import rank
from exporter.generate.dashboards._sdk import (
    bargauge,
    common,
    dashboard,
    dialect,
    kinds,
    models,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)

DATASOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD, WARNING, BAD, QUIET = "semi-dark-green", "semi-dark-orange", "semi-dark-red", "semi-dark-blue"
PLAIN = "text"
MOST_BARS = 20
AUTO_WIDTH = 150
"""Pixels that Grafana gives a column at least that has no width of its own (TableNG/constants.ts)."""
MOST_STEPS = 90
"""Points of a line: four minutes each in a view of six hours; each costs time at ten thousand tenants."""
# The levels of core.severity in Grafana's named colours, which fit its light and its dark theme.
SEVERITY_COLOURS = {
    Severity.CRITICAL: "red",
    Severity.HIGH: "orange",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
}
Size = tuple[int, int]
ValueWord = tuple[str, str]
"""What a value is called and its colour."""


@dataclass(frozen=True)
class PanelQuery:
    """One question to Prometheus; `legend` is a Grafana legend format."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: the label or value it shows and how.

    `source` is a label, or the letter of a query for its value. `words` map values to words. `link` is
    a path that a click leads to. `bar` draws the value as a bar. `wrap` breaks a long text into lines. A
    label without a value shows a dash. Without a `width` in pixels a column shares what is left of the
    table, at least `AUTO_WIDTH`.
    """

    source: str
    title: str
    unit: str = ""
    width: int | None = None
    words: Mapping[str, ValueWord] = field(default_factory=dict)
    link: str = ""
    decimals: int | None = None
    bar: bool = False
    wrap: bool = False


def severity_words(none: ValueWord | None = None) -> dict[str, ValueWord]:
    """Return the words of a severity rank; `none` is what rank 0 is called."""
    words = {str(rank(level)): (level.capitalize(), SEVERITY_COLOURS[level]) for level in Severity}
    return {**words, "0": none} if none else words


def number(title: str, text: str, expr: str, *, bad: str, size: Size = (4, 4), unit: str = "short") -> Any:
    """Return one number now; 0 is good and reads "None", anything above has the colour `bad`."""
    steps = (models.Threshold(value=None, color=GOOD), models.Threshold(value=1, color=bad))
    panel = stat.Panel().color_mode(kinds.BigValueColorMode.BACKGROUND_SOLID)
    panel.graph_mode(kinds.BigValueGraphMode.NONE).text_mode(kinds.BigValueTextMode.VALUE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(list(steps)))
    panel.mappings([_values({"0": ("None", GOOD)})]).min(0).no_value("No data")
    return _finish(panel, title, text, [PanelQuery(expr)], size, unit, instant=True)


def figure(title: str, text: str, query: PanelQuery, *, size: Size, unit: str) -> Any:
    """Return one plain number per series, now."""
    panel = stat.Panel().color_mode(kinds.BigValueColorMode.NONE).graph_mode(kinds.BigValueGraphMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).no_value("No data")
    return _finish(panel, title, text, [query], size, unit, instant=True)


def states(
    title: str,
    text: str,
    query: PanelQuery,
    words: Mapping[str, ValueWord],
    *,
    size: Size,
    step: str,
    link: str,
) -> Any:
    """Return a bar per series over time, its colour and word by `words`; `step` is the finest interval."""
    panel = statetimeline.Panel().mappings([_values(words)]).per_page(MOST_BARS).row_height(0.85)
    panel.line_width(0).fill_opacity(75).show_value(kinds.VisibilityMode.AUTO).merge_values(True)
    panel.align_value(kinds.TimelineValueAlignment.LEFT).min(0).interval(step).max_data_points(MOST_STEPS)
    panel.legend(_legend()).tooltip(_tooltip(kinds.TooltipDisplayMode.SINGLE)).no_value("No data")
    panel.thresholds(
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=None, color=QUIET)])
    )
    panel.override_by_field_type("number", [_set("links", [_data_link("Show only this integration", link)])])
    return _finish(panel, title, text, [query], size, "short")


def lines(
    title: str,
    text: str,
    queries: Sequence[PanelQuery],
    *,
    size: Size,
    unit: str,
    limits: PanelQuery | None = None,
) -> Any:
    """Return lines over time; `limits` are drawn dashed, in the colour of the label `severity`."""
    panel = timeseries.Panel().line_width(1).fill_opacity(8).show_points(kinds.VisibilityMode.NEVER)
    # Soft: a balance may be below zero.
    panel.axis_soft_min(0).max_data_points(MOST_STEPS).no_value("No data")
    panel.legend(_legend()).tooltip(_tooltip(kinds.TooltipDisplayMode.MULTI))
    # Grafana overrides by the displayed name: `limits` must have the legend `{{severity}} threshold`.
    if limits:
        for severity, colour in SEVERITY_COLOURS.items():
            panel.override_by_name(f"{severity} threshold", _dash_line(colour))
    return _finish(panel, title, text, [*queries, *([limits] if limits else [])], size, unit)


def stacked(title: str, text: str, query: PanelQuery, *, size: Size, unit: str, step: str) -> Any:
    """Return bars over time, one on another; `step` is the least time that a bar stands for."""
    panel = timeseries.Panel().draw_style(kinds.GraphDrawStyle.BARS).fill_opacity(70).line_width(0)
    panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    panel.min(0).interval(step).max_data_points(MOST_STEPS // 2).no_value("No data")
    panel.legend(_legend()).tooltip(_tooltip(kinds.TooltipDisplayMode.MULTI))
    return _finish(panel, title, text, [query], size, unit)


def bars(title: str, text: str, query: PanelQuery, *, size: Size, unit: str) -> Any:
    """Return one horizontal bar per series, now."""
    panel = bargauge.Panel().orientation(kinds.VizOrientation.HORIZONTAL)
    panel.display_mode(kinds.BarGaugeDisplayMode.BASIC).value_mode(kinds.BarGaugeValueMode.TEXT)
    panel.name_placement(kinds.BarGaugeNamePlacement.LEFT).show_unfilled(False)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).min(0).no_value("No data")
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(QUIET))
    return _finish(panel, title, text, [query], size, unit, instant=True)


def rows(
    title: str,
    text: str,
    queries: Sequence[str],
    columns: Sequence[TableColumn] = (),
    *,
    size: Size,
    unit: str = "short",
    sort: tuple[tuple[str, bool], ...] = (),
    empty: str = "No data",
    value: bool = True,
) -> Any:
    """Return a table of what is now: the queries joined by their labels, only `columns` shown.

    Without `columns` every label is shown, and the value unless `value` is false. `sort` names columns and
    whether the largest comes first, the most important first. `empty` is shown when there is no row; it must
    not claim more than that.
    """
    panel = table.Panel().cell_height(kinds.TableCellHeight.SM).no_value(empty)
    panel.thresholds(
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=None, color=PLAIN)])
    )
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(_select_columns(columns, len(queries)) if columns else _all_but_time(value))
    panel.sort_by([common.TableSortByFieldState().display_name(column).desc(desc) for column, desc in sort])
    for column in columns:
        panel.override_by_name(column.title, _properties(column))
    return _finish(
        panel, title, text, [PanelQuery(expr) for expr in queries], size, unit, instant=True, tabular=True
    )


def _finish(
    panel: Any,
    title: str,
    text: str,
    queries: Sequence[PanelQuery],
    size: Size,
    unit: str,
    *,
    instant: bool = False,
    tabular: bool = False,
) -> Any:
    panel.title(title).description(text).datasource(DATASOURCE).unit(unit).span(size[0]).height(size[1])
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(DATASOURCE)
        target = target.legend_format(query.legend or "__auto").editor_mode(dialect.QueryEditorMode.CODE)
        target = target.instant() if instant else target.range()
        panel.with_target(target.format(dialect.PromQueryFormat.TABLE) if tabular else target)
    return panel


def _select_columns(columns: Sequence[TableColumn], queries: int) -> Any:
    # Grafana names the value "Value" when a table has one query and "Value #A" when it has several.
    names = {letter: "Value" if queries == 1 else f"Value #{letter}" for letter in "ABCDEFGH"[:queries]}
    fields = [names.get(column.source, column.source) for column in columns]
    titles = {name: column.title for name, column in zip(fields, columns, strict=True)}
    order = {name: index for index, name in enumerate(fields)}
    options = {"includeByName": dict.fromkeys(fields, True), "indexByName": order, "renameByName": titles}
    return models.DataTransformerConfig(id_val="organize", options=options)


def _all_but_time(value: bool) -> Any:
    hidden = {"Time": True} if value else {"Time": True, "Value": True}
    return models.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden})


def _properties(column: TableColumn) -> list[Any]:
    found = [_set("noValue", "—"), _set("custom.align", "left")]
    if column.unit:
        found.append(_set("unit", column.unit))
    if column.decimals is not None:
        found.append(_set("decimals", column.decimals))
    if column.width:
        found.append(_set("custom.width", column.width))
    if column.wrap:
        found.append(_set("custom.wrapText", True))
    if column.words:
        found.append(_set("mappings", [_values(column.words)]))
        found.append(_set("custom.cellOptions", {"type": "color-text"}))
    if column.bar:
        found.append(
            _set("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"})
        )
        found.append(_set("color", {"mode": "fixed", "fixedColor": QUIET}))
    if column.link:
        found.append(_set("links", [_data_link(f"Show only this {column.title.lower()}", column.link)]))
    return found


def _values(words: Mapping[str, ValueWord]) -> Any:
    results = {
        value: models.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return models.ValueMap(options=results)


def _dash_line(colour: str) -> list[Any]:
    return [
        _set("custom.lineStyle", {"fill": "dash", "dash": [10, 8]}),
        _set("custom.fillOpacity", 0),
        _set("color", {"mode": "fixed", "fixedColor": colour}),
    ]


def _legend() -> Any:
    legend = common.VizLegendOptions().display_mode(kinds.LegendDisplayMode.LIST).show_legend(True)
    return legend.placement(kinds.LegendPlacement.BOTTOM)


def _tooltip(mode: Any) -> Any:
    return common.VizTooltipOptions().mode(mode).sort(kinds.SortOrder.DESCENDING)


def _data_link(title: str, url: str) -> dict[str, Any]:
    return {"title": title, "url": url, "targetBlank": False}


def _set(name: str, value: Any) -> Any:
    return models.DynamicConfigValue(id_val=name, value=value)
