"""How much of the error budget is left, how fast is it spent, and what does each integration promise?"""

from typing import Any

from exporter.alerts.service_level import (
    ALLOWED_HOURS,
    BUDGET_BURNING,
    BUDGET_LEFT,
    FAILURE_RATIO,
    KNOWN_HOURS,
    PROBES_FAIL,
    SHARE,
    SHARE_5M,
    WINDOW,
    failing_hours,
)
from exporter.core import common_metrics as m
from exporter.core.severity import Severity
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import integration_column
from exporter.generate.dashboards._links import VALUE, DataLink, link_to
from exporter.generate.dashboards._panels import LIMIT, PanelQuery, TableColumn, limits_of
from exporter.generate.dashboards._scale import count_firing, record

UID = "integration-slo"
PICKED = ("integration", "provider")
WHOLE = "integration, provider"
LEFT = f"last_over_time({record(BUDGET_LEFT)}[35m])"
KNOWN = f"last_over_time({record(KNOWN_HOURS)}[35m])"
"""The budget is recorded every 15 minutes: two of them, so that one that is late leaves no gap."""

BURNS = (
    ("1h", SHARE, 1, 0.02, Severity.HIGH),
    ("6h", SHARE, 6, 0.05, Severity.HIGH),
    ("1d", SHARE_5M, 24, 0.1, Severity.MEDIUM),
    ("3d", SHARE_5M, 72, 0.1, Severity.MEDIUM),
)
"""Window, the record of its share of failing targets, its hours, and from which part on an alert fires."""

MISSED, KEPT, KEPT_SO_FAR = 0, 1, 2
WORDS = {
    str(KEPT): ("Kept", show.GOOD),
    str(MISSED): ("Missed", show.BAD),
    str(KEPT_SO_FAR): ("Kept so far", show.QUIET),
}
WHOLE_PAST = 0.99
"""The part of a window that must be recorded to say that the objective is kept: a restart leaves a gap."""
NO_PAST = "Failures of which nothing is recorded do not count: the past may be shorter than the window."


def whole(expr: str) -> str:
    """Return `expr` once for each integration, for a dashboard without the variable `tenant`."""
    return f"max by ({WHOLE}) ({expr})".replace(', tenant=~"$tenant"', "")


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / SLO",
        description="Which integration keeps its objective, how much may it still fail, how fast does it go?",
        sections=(
            Section("", (*_counts(), _objectives())),
            Section("Budget over time", (_left(), _failing())),
            Section("Burn rate by window", tuple(_burn(*one) for one in BURNS)),
        ),
        variables=PICKED,
        start="now-7d",
    )


def _counts() -> tuple[Any, ...]:
    left = whole(LEFT)
    return (
        show.number(
            "Objectives missed",
            f"Integrations that failed for longer than their objective allows. {NO_PAST}",
            f"sum({left} < bool 0)",
            bad=show.BAD,
            size=(5, 4),
        ).no_value("Not known yet"),
        show.number(
            "Less than a quarter left",
            "Integrations with less than a quarter of their error budget left, those that missed it "
            "included.",
            f"sum({left} < bool 0.25)",
            bad=show.WARNING,
            size=(5, 4),
        ).no_value("Not known yet"),
        numbers.alerts(
            "Spent too fast",
            "Integrations that spend their error budget within days.",
            count_firing(BUDGET_BURNING),
            bad=show.BAD,
            carry=PICKED,
            size=(5, 4),
        ),
        numbers.alerts(
            "Probes fail too often",
            "Integrations of whose probes within an hour more failed than the threshold allows.",
            count_firing(PROBES_FAIL),
            bad=show.WARNING,
            carry=PICKED,
            size=(5, 4),
        ),
        numbers.amount(
            "Succeeding now",
            "Share of all targets that succeed now, each integration counted alike.",
            f"1 - avg({whole(record(SHARE))})",
            unit="percentunit",
            none="Not known",
            decimals=2,
        ),
    )


def _burnt(share: str, window: str) -> str:
    """Return the part of the whole error budget that was spent within `window`."""
    hours = whole(failing_hours(record(share), window))
    return f"{hours} / on ({WHOLE}) {whole(record(ALLOWED_HOURS))}"


def _is_kept() -> str:
    """Return which of MISSED, KEPT and KEPT_SO_FAR the objective of each integration is."""
    left = whole(LEFT)
    short = f"{whole(KNOWN)} * 3600 < on ({WHOLE}) {WHOLE_PAST} * {whole(record(WINDOW))}"
    return (
        f"({left} < 0) * 0 + {MISSED} or ({left} and on ({WHOLE}) ({short})) * 0 + {KEPT_SO_FAR}"
        f" or {left} * 0 + {KEPT}"
    )


def _objectives() -> Any:
    left = f"bottomk({ask.MOST}, {whole(LEFT)})"
    of_these = f"and on ({WHOLE}) {left}"
    objective, window = whole(ask.series(m.SLO_OBJECTIVE)), whole(record(WINDOW))
    hours = f"{whole(LEFT)} * on ({WHOLE}) {whole(record(ALLOWED_HOURS))}"
    overview = DataLink("Who fails", link_to("integration-overview", carry=PICKED, integration=VALUE))
    return show.rows(
        "Error budgets by what is left",
        f"The {ask.MOST} integrations with the smallest part of their error budget left. Hours: for how "
        "long all of their targets may still fail. Spent: parts of the whole budget. Recorded: how much of "
        "the window is in Prometheus; with less than the window the objective is only kept so far.",
        (
            f"({_is_kept()}) {of_these}",
            left,
            f"{hours} {of_these}",
            f"{objective} {of_these}",
            f"{window} / 86400 {of_these}",
            f"{_burnt(SHARE, '1h')} {of_these}",
            f"{_burnt(SHARE_5M, '1d')} {of_these}",
            f"{whole(KNOWN)} * 3600 {of_these}",
        ),
        (
            TableColumn("A", "Objective is", width=105, words=WORDS),
            integration_column(UID, overview, carry=PICKED),
            TableColumn("provider", "Provider", width=130),
            TableColumn("B", "Budget left", unit="percentunit", decimals=1, bar=True),
            TableColumn("C", "Hours left", unit="short", decimals=1, width=100),
            TableColumn("D", "Objective", unit="percentunit", decimals=2, width=100),
            TableColumn("E", "Window", unit="suffix: days", decimals=0, width=90),
            TableColumn("H", "Recorded", unit="s", decimals=1, width=100),
            TableColumn("F", "Spent, 1 h", unit="percentunit", decimals=1, width=110),
            TableColumn("G", "Spent, 24 h", unit="percentunit", decimals=1, width=110),
        ),
        size=(24, 10),
        sort=(("Budget left", False),),
        empty="No budget is known yet: it is counted every 15 minutes",
    )


def _left() -> Any:
    return show.lines(
        "Error budget left",
        f"For the {ask.MOST} integrations with least. Below zero the objective of the window is missed. "
        f"{NO_PAST}",
        (PanelQuery(f"bottomk({ask.MOST}, {whole(LEFT)})", "{{integration}}"),),
        size=(12, 9),
        unit="percentunit",
    ).no_value("No budget is known yet: it is counted every 15 minutes")


def _failing() -> Any:
    return show.lines(
        "Share of targets that fail, mean of an hour",
        f"For the {ask.MOST} integrations where most fail. Dashed: the thresholds of an hour, the strictest.",
        (PanelQuery(ask.top(whole(f"avg_over_time({record(SHARE)}[1h])")), "{{integration}}"),),
        size=(12, 9),
        unit="percentunit",
        limits=limits_of(FAILURE_RATIO),
    ).no_value("No probe has run")


def _burn(window: str, share: str, hours: int, part: float, severity: Severity) -> Any:
    """Return how many times faster than allowed the budget is spent."""
    whole_hours = f"{whole(record(WINDOW))} / 3600"
    rate = f"{_burnt(share, window)} * on ({WHOLE}) {whole_hours} / {hours}"
    line = f'label_replace(min({whole_hours}) * {part:g} / {hours}, "severity", "{severity}", "", "")'
    return show.lines(
        f"Burn rate over {window}",
        f"How many times faster than its objective allows an integration fails, for the {ask.MOST} fastest: "
        f"at 1 the budget lasts exactly. {NO_PAST} Dashed: from where an alert fires, once it goes on.",
        (PanelQuery(ask.top(rate), "{{integration}}"),),
        size=(12, 8),
        unit="suffix: x",
        limits=PanelQuery(line, LIMIT),
    ).no_value("No budget is known yet")
