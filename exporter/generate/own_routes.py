"""Routes of the alerts that name their recipients: these teams, and nobody else."""

from collections.abc import Callable, Iterable
from typing import Any

from exporter.core.escalation import ESCALATED_TO
from exporter.core.notifications import Team
from exporter.core.own_alert import OwnAlert
from exporter.core.severity import Severity
from exporter.generate.receivers import literal

OwnRoute = dict[str, Any]


def own_routes(
    alerts: Iterable[OwnAlert],
    teams: Iterable[Team],
    step: Callable[[Team, Severity], OwnRoute],
    receiver: Callable[[Team], str],
) -> list[OwnRoute]:
    """Return one route for each list of recipients and severity.

    `step` returns how a team is notified of a severity, `receiver` the name of a team's receiver.
    """
    chosen: dict[tuple[tuple[str, ...], Severity], list[str]] = {}
    for alert in alerts:
        if alert.recipients:
            chosen.setdefault((alert.recipients, alert.severity), []).append(alert.name)
    known = {team.name: team for team in teams}
    made = []
    for (recipients, level), names in chosen.items():
        below: list[OwnRoute] = []
        # Nobody acknowledged it: it comes again to the same teams, as one of the next severity.
        for urgency in filter(None, (level, ESCALATED_TO.get(level))):
            steps = [
                {"receiver": receiver(team), **step(team, urgency)}
                for team in map(known.get, recipients)
                if team
            ]
            # Each passes the alert on to the next; none passes it on to the routes of severities.
            below += [{**one, "continue": True} for one in steps[:-1]] + steps[-1:]
        matcher = f'alertname=~"{literal(names)}"'
        made.append({"matchers": [matcher], "receiver": below[0]["receiver"], "routes": below})
    return made
