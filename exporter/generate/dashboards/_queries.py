"""What a dashboard asks Prometheus and the store, ready to be asked without Grafana."""

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

BUILT_IN = {
    "__rate_interval": "5m",
    "__rate_interval_ms": "300000",
    "__interval": "1m",
    "__range": "6h",
    "__range_s": "21600",
}
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::\w+)?\}|([A-Za-z_]\w*))")  # $1 is a group of label_replace
_FILTER = re.compile(r"\$__unixEpochFilter\((\w+)\)")
_GROUP = re.compile(r"\$__unixEpochGroupAlias\((\w+), (\d+)([mhd])\)")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


def panel_queries(
    dashboard: str | Mapping[str, Any], picked: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, str]]:
    """Return (panel title, PromQL) of every query of a dashboard, given as JSON text or decoded.

    Variables have the value that they have while nothing is picked; Grafana's own ones that of a view of six
    hours. `picked` has values for those that always have a single one. A variable that the dashboard does not
    define raises ValueError.
    """
    return [(title, query) for key, title, query in _queries(dashboard, picked) if key == "expr"]


def store_queries(dashboard: str | Mapping[str, Any], begin: int, end: int) -> list[tuple[str, str]]:
    """Return (panel title, SQL) of every query to the store, for the time from `begin` to `end`.

    Times are Unix seconds. Variables and Grafana's macros are filled in, as the PostgreSQL plugin does it.
    """
    return [
        (title, _fill_macros(query, begin, end))
        for key, title, query in _queries(dashboard)
        if key == "rawSql"
    ]


def _queries(
    dashboard: str | Mapping[str, Any], picked: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, str, str]]:
    """Yield the key, the panel's title and the text of each query."""
    decoded: Mapping[str, Any] = json.loads(dashboard) if isinstance(dashboard, str) else dashboard
    values = {**BUILT_IN, **_default_values(decoded, picked)}
    for panel in panels_of(decoded):
        for target in panel.get("targets", ()):
            key = "expr" if "expr" in target else "rawSql"
            yield key, panel.get("title", ""), fill_in(target[key], values)


def panels_of(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every panel, rows included and the panels inside of collapsed rows too."""
    for panel in dashboard.get("panels", ()):
        yield panel
        yield from panels_of(panel)


def _default_values(dashboard: Mapping[str, Any], picked: Mapping[str, str]) -> dict[str, str]:
    variables = dashboard.get("templating", {}).get("list", ())
    return {
        variable["name"]: variable.get("allValue") or picked.get(variable["name"], ".*")
        for variable in variables
    }


def fill_in(expr: str, values: Mapping[str, str]) -> str:
    """Return `expr` with the variables' `values`; ValueError for a variable that has none."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name.startswith("__unixEpoch"):
            return match[0]
        if name not in values:
            raise ValueError(f"the variable ${name} is not defined: {expr}")
        return values[name]

    return _VARIABLE.sub(value, expr)


def _fill_macros(sql: str, begin: int, end: int) -> str:
    # Source: pkg/tsdb/grafana-postgresql-datasource/macros.go.
    def group(match: re.Match[str]) -> str:
        seconds = int(match[2]) * _SECONDS[match[3]]
        return f'floor(({match[1]})/{seconds})*{seconds} AS "time"'

    sql = sql.replace("$__unixEpochFrom()", str(begin)).replace("$__unixEpochTo()", str(end))
    return _GROUP.sub(group, _FILTER.sub(rf"\1 >= {begin} AND \1 <= {end}", sql))
