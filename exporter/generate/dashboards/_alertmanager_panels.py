"""Panels on what the exporter does about alerts: whether Alertmanager answers, what is sent again or held."""

from typing import Any

from exporter.core.escalation import ALERTMANAGER_UP, ESCALATIONS
from exporter.core.maintenance import MAINTENANCE_ACTIVE
from exporter.core.notice_metrics import LAST_NOTICE
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _reported as reported

_ANY = "count(integration_exporter_build_info) * 0"
"""0 where there is an exporter at all: it shows no series of what never happened."""


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
            "Escalated in a day",
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
