"""Panels on how Prometheus evaluates our rules."""

from typing import Any

from exporter.core import monitoring_series as own
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._panels import PanelQuery, TableColumn

GROUPS = '{rule_group=~".*(;integration-|/own).*"}'
HALF = (12, 8)


def _group(expr: str) -> str:
    return f'max by (group) (label_replace({expr}, "group", "$1", "rule_group", ".*[;/](.+)"))'


def rule_panels() -> tuple[Any, ...]:
    """Return which group takes the largest part of its interval, and what failed or was left out."""
    took, pace = f"{own.LAST_DURATION}{GROUPS}", f"{own.GROUP_INTERVAL}{GROUPS}"
    share = ask.top(_group(f"{took} / {pace}"))
    return (
        show.rows(
            "Groups of rules by share of their interval",
            f"The {ask.MOST} groups whose last evaluation took the largest part of their interval; beyond "
            "100 % evaluations are left out.",
            (share, f"{_group(took)} and on (group) {share}", f"{_group(pace)} and on (group) {share}"),
            (
                TableColumn("group", "Group", width=250, wrap=True),
                TableColumn("A", "Of its interval", unit="percentunit", decimals=1, bar=True),
                TableColumn("B", "Took", unit="s", width=90),
                TableColumn("C", "Every", unit="s", width=80),
            ),
            size=HALF,
            sort=(("Of its interval", True),),
            empty="Prometheus does not scrape itself, or has none of our rules",
        ),
        show.lines(
            "Evaluation of all groups",
            "How long one evaluation of every group takes together, and evaluations that failed or were "
            "left out within an hour.",
            (
                PanelQuery(f"sum({took})", "seconds"),
                PanelQuery(f"sum(increase({own.RULE_FAILURES}{GROUPS}[1h]))", "failed"),
                PanelQuery(f"sum(increase({own.MISSED}{GROUPS}[1h]))", "left out"),
            ),
            size=HALF,
            unit="short",
        ).no_value("Prometheus does not scrape itself"),
    )
