"""Tables of alerts that several dashboards have."""

from collections.abc import Callable, Sequence
from typing import Any

from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._panels import Size, TableColumn

PREFIX = "Integration"
"""What the name of every alert begins with: it would fill a column."""


def firing_alerts(
    columns: Sequence[TableColumn], size: Size, narrow: Callable[[str], str] = lambda expr: expr
) -> Any:
    """Return the table of the alerts that fire; `columns` say what about, `narrow` changes what is asked."""
    loudest = ask.top(ask.rank_alerts())
    started = f"max by ({ask.ALERT}) (ALERTS_FOR_STATE{{{ask.alert_matchers()}}}) * 1000"
    since = f"({started} and {loudest}) or {loudest} * 0"
    return show.rows(
        "Firing alerts",
        f"The {ask.MOST} most severe alerts that fire now, silenced ones included. Since: when the condition "
        "became true.",
        (narrow(shorten(loudest)), narrow(shorten(since))),
        (
            TableColumn("A", "Severity", width=92, words=show.severity_words()),
            TableColumn("alert", "Alert"),
            *columns,
            TableColumn(
                "B", "Since", unit="dateTimeFromNow", width=132, words={"0": ("Unknown", show.PLAIN)}
            ),
        ),
        size=size,
        sort=(("Severity", True), ("Since", True)),
        empty="No alert is known to fire",
    )


def shorten(alerts: str, label: str = "alertname") -> str:
    """Return `alerts` with their name as the label `alert`, without the word that all begin with."""
    return f'label_replace({alerts}, "alert", "$1", "{label}", "{PREFIX}(.+)")'
