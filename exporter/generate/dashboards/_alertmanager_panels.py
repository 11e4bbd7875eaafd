"""Panels on what the exporter does about alerts: whether Alertmanager answers, what is sent again or held."""

from typing import Any

from exporter.core.escalation import ALERTMANAGER_UP, ESCALATIONS
from exporter.core.maintenance import MAINTENANCE_ACTIVE
from exporter.core.notice import ACKNOWLEDGED, FIRING, RESOLVED
from exporter.core.notice_metrics import LAST_NOTICE, NOTICES
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._panels import BAD, GOOD, QUIET, PanelQuery, Size

STATES = {FIRING: ("Began", BAD), ACKNOWLEDGED: ("Acknowledged", QUIET), RESOLVED: ("Resolved", GOOD)}
"""What each state of a notice is called, and its colour."""

_ANY = "count(integration_exporter_build_info) * 0"
"""0 where there is an exporter at all: it shows no series of what never happened."""


def notices(size: Size) -> Any:
    """Return how many notices came over time."""
    return show.stacked(
        "Notices of Alertmanager, by state",
        "How many came in the time of each bar and were new; none at all means that the history of alerts "
        "does not arrive.",
        PanelQuery(reported.rise_in_step(str(NOTICES), "state"), "{{state}}"),
        size=size,
        unit="short",
        step=show.COUNTED,
        colours={state: colour for state, (_, colour) in STATES.items()},
    ).no_value("No notice has come")


def panels() -> tuple[Any, ...]:
    """Return a line of numbers."""
    return (
        show.number(
            "Alertmanager silent",
            "Exporters whose Alertmanager did not answer when they last asked it.",
            f"sum(max by (instance) ({ALERTMANAGER_UP}) == bool 0) or {_ANY}",
            bad=show.BAD,
            size=(6, 4),
        ),
        show.number(
            "Escalated, 24 h",
            "Alerts that nobody acknowledged in time, which were sent again one severity up.",
            f"round({reported.rise(str(ESCALATIONS), window='24h')}) or {_ANY}",
            bad=show.BAD,
            size=(6, 4),
        ),
        show.number(
            "Maintenance windows open",
            "Windows in which alerts of some things notify nobody: `integration-exporter maintenance list`.",
            f"sum(max by (name) ({MAINTENANCE_ACTIVE})) or {_ANY}",
            bad=show.QUIET,
            size=(6, 4),
        ),
        numbers.moment(
            "Last notice",
            "When an exporter last stored what Alertmanager sent.",
            f"max({LAST_NOTICE} > 0)",
            never="None stored",
            size=(6, 4),
        ),
    )
