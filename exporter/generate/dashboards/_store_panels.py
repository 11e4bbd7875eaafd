"""Panels that ask the store in PostgreSQL: a table, and lines over time.

Without that store the other panels of a dashboard work as ever, and these say what they need.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from exporter.generate.dashboards._looks import place_legend
from exporter.generate.dashboards._panels import (
    BAR_WIDTH,
    COUNTED,
    FEW_STEPS,
    Size,
    TableColumn,
    describe,
    paint,
    select_columns,
    table_of,
)
from exporter.generate.dashboards._sdk import builder, common, kinds, timeseries, variants
from exporter.generate.dashboards._variables import STORE

TIME = "time:YYYY-MM-DD HH:mm:ss"
"""The unit of a column of times; without it some would show milliseconds."""
LACKS = "the store is not in PostgreSQL (docs/dashboards.md)"
"""Ends what such a panel shows without a row: it cannot know why there is none."""
NEEDS = "Needs the store in PostgreSQL, see docs/dashboards.md."
"""Ends the description of every panel of the store."""


class SqlDataquery(variants.Dataquery):
    """A query of Grafana's PostgreSQL data source; the SDK has none.

    `format` is `table` or `time_series`. Keys: public/app/plugins/datasource/grafana-postgresql-datasource.
    """

    def __init__(self, sql: str, format: str) -> None:
        """Ask `sql`."""
        self._content: dict[str, object] = {
            "datasource": STORE,
            "editorMode": "code",
            "format": format,
            "rawQuery": True,
            "rawSql": sql,
            "refId": "A",
        }

    def to_json(self) -> dict[str, object]:
        """Return the keys that Grafana reads."""
        return self._content


class _Builder(builder.Builder[variants.Dataquery]):
    """What a panel of the SDK takes in place of a query."""

    def __init__(self, query: SqlDataquery) -> None:
        self._query = query

    def build(self) -> SqlDataquery:
        return self._query


def log(
    title: str,
    text: str,
    sql: str,
    columns: Sequence[TableColumn],
    *,
    size: Size,
    empty: str = "No row",
    unit: str = "short",
    sort: tuple[tuple[str, bool], ...] = (),
) -> Any:
    """Return a table of the rows of `sql`, only `columns` shown; `empty` is shown when there is none."""
    panel = table_of(columns, sort, f"{empty}, or {LACKS}")
    panel.with_transformation(select_columns(columns, {}))
    panel.with_target(_Builder(SqlDataquery(sql, "table")))
    return describe(panel, title, f"{text} {NEEDS}", size, unit).datasource(STORE)


def time_column(source: str = "time", title: str = "Time") -> TableColumn:
    """Return the column of a time, to the second."""
    return TableColumn(source, title, unit=TIME, width=155)


def stacks(
    title: str, text: str, sql: str, *, size: Size, unit: str, colours: Mapping[str, str] | None = None
) -> Any:
    """Return bars over time, one on another, of the columns `time`, `metric` (a text) and `value`.

    A bar stands for `$__interval` and begins at its time. `colours` are those of some texts.
    """
    panel = timeseries.Panel().draw_style(kinds.GraphDrawStyle.BARS).fill_opacity(70).line_width(0)
    panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A")).min(0)
    # Spans are named by when they begin.
    panel.bar_alignment(kinds.BarAlignment.AFTER).bar_width_factor(BAR_WIDTH)
    panel.show_points(kinds.VisibilityMode.NEVER).interval(COUNTED).max_data_points(FEW_STEPS)
    panel.no_value(f"No row, or {LACKS}").legend(place_legend())
    paint(panel, colours or {})
    panel.with_target(_Builder(SqlDataquery(sql, "time_series")))
    return describe(panel, title, f"{text} {NEEDS}", size, unit).datasource(STORE)
