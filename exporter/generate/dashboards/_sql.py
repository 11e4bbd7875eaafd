"""SQL of the dashboards: views of the store alone, filtered by the variables and by the time range."""

from collections.abc import Iterable, Sequence

from exporter.store.views import SCHEMA

MOST_ROWS = 200
"""Rows of a log: the newest; a reader who wants more narrows it."""

WITHIN = "$__unixEpochFilter(at)"
"""The condition of rows in the time range; `at` are Unix seconds, which have an index."""

WITHIN_HOURS = "at > $__unixEpochFrom() - 3600 AND at <= $__unixEpochTo()"
"""The condition of rows of an hour, which begins at `at`: the hour in which the range begins counts."""

PICKED = ("integration", "tenant")


def view(name: str) -> str:
    """Return the name of a view as SQL has it."""
    return f"{SCHEMA}.{name}"


def where(*conditions: str, variables: Iterable[str] = PICKED) -> str:
    """Return the condition of rows in the time range for what the reader picked in `variables`."""
    return " AND ".join((WITHIN, matches(variables), *conditions))


def matches(variables: Iterable[str] = PICKED) -> str:
    """Return the condition of rows for what the reader picked in `variables`, columns of these names.

    Names of integrations and tenants have no quotes, so that the variables may be between some.
    """
    return " AND ".join(f"{name} ~ '^(${{{name}:regex}})$'" for name in variables)


def newest(
    name: str,
    columns: Sequence[str],
    *conditions: str,
    variables: Iterable[str] = PICKED,
) -> str:
    """Return the query for the newest rows of a view, only `columns` of it."""
    return (
        f"SELECT {', '.join(columns)}\nFROM {view(name)}\n"
        f"WHERE {where(*conditions, variables=variables)}\nORDER BY at DESC\nLIMIT {MOST_ROWS}"
    )


def over_time(name: str, metric: str, value: str, *conditions: str, variables: Iterable[str] = PICKED) -> str:
    """Return the query for `value`, an aggregate, by `metric` and spans of time, for `stacks`.

    Grafana fits the spans to the view: one that began before it would be drawn outside.
    """
    return (
        f"SELECT $__unixEpochGroupAlias(at, $__interval), {metric} AS metric, {value} AS value\n"
        f"FROM {view(name)}\nWHERE {where(*conditions, variables=variables)}\n"
        "GROUP BY 1, 2\nORDER BY 1"
    )
