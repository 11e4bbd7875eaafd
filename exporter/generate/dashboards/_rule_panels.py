"""Panels on how Prometheus evaluates our rules."""

from typing import Any

from exporter.core import monitoring_series as own
from exporter.core.metric import Metric
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._panels import PanelQuery, TableColumn

GROUPS = '{rule_group=~".*(;integration-|/own).*"}'
HALF, QUARTER = (12, 8), (6, 8)


def _group(expr: str) -> str:
    return f'max by (group) (label_replace({expr}, "group", "$1", "rule_group", ".*[;/](.+)"))'


def rule_panels() -> tuple[Any, ...]:
    """Return which group takes the largest part of its interval, and what failed or was left out."""
    took, pace = f"{own.LAST_DURATION}{GROUPS}", f"{own.GROUP_INTERVAL}{GROUPS}"
    share = ask.top(_group(f"{took} / {pace}"))
    lost: dict[str, Metric | str] = {
        "failed": f"{own.RULE_FAILURES}{GROUPS}",
        "left out": f"{own.MISSED}{GROUPS}",
    }
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
            "Duration of all groups",
            "How long one evaluation of every group takes, all together.",
            (PanelQuery(f"sum({took})", "all groups"),),
            size=QUARTER,
            unit="s",
        ).no_value("Prometheus does not scrape itself"),
        show.stacked(
            "Evaluations failed or left out",
            "Evaluations of rules in the time of each bar that failed, and those of groups that were left "
            "out, because the one before was not done.",
            PanelQuery(reported.rises_in_step(lost), "{{event}}"),
            size=QUARTER,
            unit="short",
            step=show.COUNTED,
        ).no_value("Prometheus does not scrape itself"),
    )
