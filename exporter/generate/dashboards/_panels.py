"""The panels our dashboards are made of: one function per way of showing an answer.

Every panel has a title, a sentence of description, a unit and a size in grid units (24 across); ValueError
without one. Colour never carries a meaning alone: where a value means a state, a word says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.generate.dashboards._links import DataLink, cell
from exporter.generate.dashboards._looks import (
    WHOLE,
    ValueWord,
    dash_line,
    hide_no_bar,
    least_width,
    map_values,
    offer,
    place_legend,
    set_option,
    sort_tooltip,
)
from exporter.generate.dashboards._promql import limit, rank
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
from exporter.generate.dashboards._variables import DATASOURCE

GOOD, WARNING, BAD, QUIET = "semi-dark-green", "dark-orange", "semi-dark-red", "semi-dark-blue"
PLAIN = "text"
MOST_BARS = 20
AUTO_WIDTH = 110
"""Pixels at least of a column without a width of its own: Grafana's 150 leave no room in a narrow window."""
COUNT = "short"
"""The unit of what is counted."""
AGO, AGO_WIDTH = "dateTimeFromNow", 140
"""The unit of times that are said as people do, and the pixels of "a few seconds ago"."""
MOST_STEPS = 90
"""Points of a line: four minutes each in a view of six hours; each costs time at ten thousand tenants."""
FEW_STEPS = MOST_STEPS // 2
"""Points of a line that is read from the series of every tenant at each of them."""
BAR_WIDTH = 0.9
"""Part of its step that a bar takes: the time that it stands for, and a gap to the next."""
COUNTED = "2m"
"""The least time of a bar that counts events: windows are no shorter, and bars must not share one."""
HOUR_STEPS = 24
"""Points of a line of sums over an hour: more of them would read the same hour many times."""
# The levels of core.severity in Grafana's named colours, which fit its light and its dark theme. None of its
# yellows can be read on white.
SEVERITY_COLOURS = {
    Severity.CRITICAL: "red",
    Severity.HIGH: "dark-orange",
    Severity.MEDIUM: "#A67C00",
    Severity.LOW: "blue",
}
Size = tuple[int, int]
LETTERS = "ABCDEFGH"
"""Names of the queries of a panel, in order."""


@dataclass(frozen=True)
class PanelQuery:
    """One question to Prometheus; `legend` is a Grafana legend format.

    `exemplars` shows single events among the line, where its histogram has them. `beside` is what a limit
    needs at a time to be drawn: "" is anything that its graph shows.
    """

    expr: str
    legend: str = ""
    exemplars: bool = False
    beside: str = ""


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: the label or value it shows and how.

    `source` is a label, or the letter of a query for its value; of the store a column of SQL. `words` map
    values to words. `links` are what a click on a cell offers. `bar` draws the value as a bar. `wrap` breaks
    a long text into lines. A label without a value shows a dash, but where a link reads it. Without a
    `width` in pixels a column shares what is left of the table, at least `least`; none is too narrow for a
    word of its title. One that is `hidden` is there for links.
    """

    source: str
    title: str
    unit: str = ""
    width: int | None = None
    least: int = AUTO_WIDTH
    words: Mapping[str, ValueWord] = field(default_factory=dict)
    links: tuple[DataLink, ...] = ()
    decimals: int | None = None
    bar: bool = False
    wrap: bool = False
    hidden: bool = False


LIMIT = "{{severity}} threshold"
"""The legend of thresholds in a graph."""


def limits_of(family: ThresholdFamily, factor: float = 1.0) -> PanelQuery:
    """Return the thresholds of `family` for a graph, the strictest of what was picked.

    `factor` brings them into the unit of the graph.
    """
    expr = limit(family)
    return PanelQuery(expr if factor == 1 else f"{expr} * {factor:.15g}", LIMIT)


def severity_words(none: ValueWord | None = None) -> dict[str, ValueWord]:
    """Return the words of a severity rank; `none` is what rank 0 is called."""
    words = {str(rank(level)): (level.capitalize(), SEVERITY_COLOURS[level]) for level in Severity}
    return {**words, "0": none} if none else words


def number(title: str, text: str, expr: str, *, bad: str, size: Size = (4, 4), unit: str = "short") -> Any:
    """Return one number now; 0 is good and reads "None", anything above has the colour `bad`."""
    # What is not known has the colour below 0: it is not good.
    colours: dict[float | None, str] = {None: QUIET, 0: GOOD, 1: bad}
    steps = [models.Threshold(value=value, color=colour) for value, colour in colours.items()]
    panel = stat.Panel().color_mode(kinds.BigValueColorMode.BACKGROUND_SOLID)
    panel.graph_mode(kinds.BigValueGraphMode.NONE).text_mode(kinds.BigValueTextMode.VALUE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    panel.mappings([map_values({"0": ("None", GOOD)})]).min(0).no_value("No data")
    return _finish(panel, title, text, [PanelQuery(expr)], size, unit, instant=True)


def figure(title: str, text: str, query: PanelQuery, *, size: Size, unit: str) -> Any:
    """Return one plain number per series, now; a count of 0 reads "None"."""
    panel = stat.Panel().color_mode(kinds.BigValueColorMode.NONE).graph_mode(kinds.BigValueGraphMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).no_value("No data")
    if unit == COUNT:
        panel.mappings([map_values({"0": ("None", PLAIN)})])
    return _finish(panel, title, text, [query], size, unit, instant=True)


def states(
    title: str,
    text: str,
    query: PanelQuery,
    words: Mapping[str, ValueWord],
    *,
    size: Size,
    step: str,
    links: Sequence[DataLink] = (),
    empty: str = "Nothing is known of what is picked",
) -> Any:
    """Return a bar per series over time, its colour and word by `words`; `step` is the finest interval.

    `links` are what a click on a bar offers. `empty` is shown when there is no bar.
    """
    panel = statetimeline.Panel().mappings([map_values(words)]).per_page(MOST_BARS).row_height(0.85)
    panel.line_width(0).fill_opacity(75).show_value(kinds.VisibilityMode.AUTO).merge_values(True)
    panel.align_value(kinds.TimelineValueAlignment.LEFT).min(0).interval(step).max_data_points(MOST_STEPS)
    panel.legend(place_legend()).tooltip(sort_tooltip(kinds.TooltipDisplayMode.SINGLE)).no_value(empty)
    # An answer of nothing has no time, which Grafana says in place of the words; here it is left out.
    everything = {"include": {"pattern": ".*"}}
    panel.with_transformation(models.DataTransformerConfig(id_val="filterFieldsByName", options=everything))
    panel.thresholds(
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=None, color=QUIET)])
    )
    if links:
        panel.override_by_field_type("number", [set_option("links", offer(links))])
    return _finish(panel, title, text, [query], size, "short")


def lines(
    title: str,
    text: str,
    queries: Sequence[PanelQuery],
    *,
    size: Size,
    unit: str,
    limits: PanelQuery | None = None,
    steps: int = MOST_STEPS,
) -> Any:
    """Return lines of at most `steps` points; `limits` are drawn dashed, in the colour of `severity`."""
    panel = timeseries.Panel().line_width(1).fill_opacity(8).show_points(kinds.VisibilityMode.NEVER)
    # Soft: a balance may be below zero.
    panel.axis_soft_min(0).max_data_points(steps).no_value("No data")
    panel.legend(place_legend((query.legend for query in queries), size))
    panel.tooltip(sort_tooltip(kinds.TooltipDisplayMode.MULTI))
    return _finish(panel, title, text, [*queries, *_draw_limits(panel, queries, limits)], size, unit)


def _draw_limits(panel: Any, queries: Sequence[PanelQuery], limits: PanelQuery | None) -> list[PanelQuery]:
    if limits is None:
        return []
    # Grafana overrides by the displayed name.
    if limits.legend != LIMIT:
        raise ValueError(f"limits of a graph have the legend {LIMIT}, as limits_of gives it")
    for severity, colour in SEVERITY_COLOURS.items():
        panel.override_by_name(LIMIT.replace("{{severity}}", severity), dash_line(colour))
    # Alone they would be a graph, and no words would say that nothing is to be compared with them.
    beside = limits.beside or " or ".join(f"({query.expr})" for query in queries)
    return [PanelQuery(f"({limits.expr}) and on () ({beside})", LIMIT)]


def stacked(
    title: str,
    text: str,
    query: PanelQuery,
    *,
    size: Size,
    unit: str,
    step: str,
    limits: PanelQuery | None = None,
    colours: Mapping[str, str] | None = None,
) -> Any:
    """Return bars over time, one on another; `step` is the least time that a bar stands for.

    A bar ends at its time, as the time that a rate is of does.
    `limits` are drawn dashed, in the colour of the label `severity`. `colours` are those of some legends.
    """
    panel = timeseries.Panel().draw_style(kinds.GraphDrawStyle.BARS).fill_opacity(70).line_width(0)
    panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    panel.bar_alignment(kinds.BarAlignment.BEFORE).bar_width_factor(BAR_WIDTH)
    # Else a single bar has a point at its corner.
    panel.show_points(kinds.VisibilityMode.NEVER)
    panel.min(0).interval(step).max_data_points(MOST_STEPS // 2).no_value("No data")
    panel.legend(place_legend((query.legend,), size))
    panel.tooltip(sort_tooltip(kinds.TooltipDisplayMode.MULTI))
    paint(panel, colours or {})
    return _finish(panel, title, text, [query, *_draw_limits(panel, (query,), limits)], size, unit)


def paint(panel: Any, colours: Mapping[str, str]) -> None:
    """Give the series with the legends that `colours` names their colour."""
    for legend, colour in colours.items():
        panel.override_by_name(legend, [set_option("color", {"mode": "fixed", "fixedColor": colour})])


def bars(title: str, text: str, query: PanelQuery, *, size: Size, unit: str) -> Any:
    """Return one horizontal bar per series, now."""
    panel = bargauge.Panel().orientation(kinds.VizOrientation.HORIZONTAL)
    panel.display_mode(kinds.BarGaugeDisplayMode.BASIC).value_mode(kinds.BarGaugeValueMode.TEXT)
    panel.name_placement(kinds.BarGaugeNamePlacement.LEFT).show_unfilled(False)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).min(0).no_value("No data")
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(QUIET))
    panel.mappings([hide_no_bar()])
    # Else a single bar has no name: Grafana leaves it out unless a panel gives it itself.
    panel.display_name("${__field.displayName}")
    if unit in WHOLE:
        panel.max(WHOLE[unit])
    # Else few bars have letters so large, and many have names so narrow, that the names are cut.
    panel.text(common.VizTextDisplayOptions().title_size(12).value_size(16))
    return _finish(panel, title, text, [query], size, unit, instant=True)


def rows(
    title: str,
    text: str,
    queries: Sequence[str],
    columns: Sequence[TableColumn],
    *,
    size: Size,
    unit: str = "short",
    sort: tuple[tuple[str, bool], ...] = (),
    empty: str = "No data",
) -> Any:
    """Return a table of what is now: the queries joined by their labels, only `columns` shown.

    `sort` names columns and whether the largest comes first, the most important first. `empty` is shown when
    there is no row; it must not claim more than that.
    """
    panel = table_of(columns, sort, empty)
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    if len(queries) > 1:
        panel.with_transformation(_leave_out_nothing())
    # Grafana names the value "Value" when a table has one query and "Value #A" when it has several.
    names = {letter: f"Value #{letter}" for letter in LETTERS} if len(queries) > 1 else {"A": "Value"}
    panel.with_transformation(select_columns(columns, names))
    return _finish(
        panel, title, text, [PanelQuery(expr) for expr in queries], size, unit, instant=True, tabular=True
    )


def _leave_out_nothing() -> Any:
    """Return what leaves no table where there is no row: else `merge` keeps bare headers, and no words."""
    # All rows have the time of the question, so that this splits nothing but what is empty.
    options = {"fields": ["Time"], "keepFields": True, "naming": {"asLabels": False}}
    return models.DataTransformerConfig(id_val="partitionByValues", options=options)


def table_of(columns: Sequence[TableColumn], sort: Sequence[tuple[str, bool]], empty: str) -> Any:
    """Return an empty table whose `columns` look as they say; `empty` is what it shows without a row."""
    panel = table.Panel().cell_height(kinds.TableCellHeight.SM).no_value(empty).min_width(AUTO_WIDTH)
    panel.thresholds(
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=None, color=PLAIN)])
    )
    panel.sort_by([common.TableSortByFieldState().display_name(column).desc(desc) for column, desc in sort])
    # Else a release 2026.11, or a tenant whose name is a number, is shown as 2.03 K.
    panel.override_by_field_type("string", [set_option("unit", "string")])
    chosen = {title for title, _ in sort}
    followed = " ".join(link.url for column in columns for link in column.links)
    for column in columns:
        least = least_width(column.title, sorts=column.title in chosen)
        least = max(least, AGO_WIDTH) if column.unit == AGO else least
        # A link takes a cell as it is shown: a dash would be the name of a tenant there.
        dash = cell(column.source) not in followed
        panel.override_by_name(column.title, _properties(column, least, dash=dash))
    return panel


def describe(panel: Any, title: str, text: str, size: Size, unit: str) -> Any:
    """Give `panel` what every panel needs; ValueError without a title, a sentence or a unit."""
    if not title or not text.endswith(".") or not unit:
        raise ValueError(f"panel {title!r}: it needs a title, a sentence of description and a unit")
    return panel.title(title).description(text).unit(unit).span(size[0]).height(size[1])


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
    describe(panel, title, text, size, unit).datasource(DATASOURCE)
    if len(queries) > len(LETTERS):
        raise ValueError(f"panel {title!r}: a panel has at most {len(LETTERS)} queries")
    for letter, query in zip(LETTERS, queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(DATASOURCE)
        target = target.legend_format(query.legend or "__auto").editor_mode(dialect.QueryEditorMode.CODE)
        target = target.instant() if instant else target.range()
        if query.exemplars:
            target.exemplar(True)
        panel.with_target(target.format(dialect.PromQueryFormat.TABLE) if tabular else target)
    return panel


def select_columns(columns: Sequence[TableColumn], names: Mapping[str, str]) -> Any:
    """Return what leaves only `columns` of a table, in order; `names` are fields of other names."""
    fields = [names.get(column.source, column.source) for column in columns]
    titles = {name: column.title for name, column in zip(fields, columns, strict=True)}
    order = {name: index for index, name in enumerate(fields)}
    options = {"includeByName": dict.fromkeys(fields, True), "indexByName": order, "renameByName": titles}
    return models.DataTransformerConfig(id_val="organize", options=options)


def _properties(column: TableColumn, least: int, *, dash: bool) -> list[Any]:
    # Never without: a cell would have the words of the whole table.
    found = [set_option("noValue", "—" if dash else ""), set_option("custom.align", "left")]
    if column.unit:
        found.append(set_option("unit", column.unit))
    if column.decimals is not None:
        found.append(set_option("decimals", column.decimals))
    if " " in column.title:
        found.append(set_option("custom.wrapHeaderText", True))
    if column.width:
        found.append(set_option("custom.width", max(column.width, least)))
    elif max(column.least, least) != AUTO_WIDTH:
        found.append(set_option("custom.minWidth", max(column.least, least)))
    if column.wrap:
        found.append(set_option("custom.wrapText", True))
    if column.words:
        found.append(set_option("mappings", [map_values(column.words)]))
        found.append(set_option("custom.cellOptions", {"type": "color-text"}))
    if column.bar:
        found.append(
            set_option("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"})
        )
        found.append(set_option("color", {"mode": "fixed", "fixedColor": QUIET}))
        if column.unit in WHOLE:
            found.append(set_option("max", WHOLE[column.unit]))
        else:
            # Else a bar is measured by the largest number of the whole table.
            found.append(set_option("fieldMinMax", True))
        # Else the shortest bar is none, however large its number is.
        found.append(set_option("min", 0))
    if column.links:
        found.append(set_option("links", offer(column.links)))
    if column.hidden:
        found.append(set_option("custom.hideFrom.viz", True))
    return found
