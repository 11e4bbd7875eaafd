"""From the `notifications:` of the configuration to Alertmanager's routes, inhibitions and time intervals.

Everything here is valid on Alertmanager 0.25.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from exporter import registry
from exporter.alerts.availability import DOWN, ISOLATED, OUTAGE, TARGET_FAILING
from exporter.alerts.platform import COMPONENT, EXPORTER_DOWN, WATCHDOG
from exporter.core.alert import Alert
from exporter.core.alert_identity import PLACE, TEST, identity
from exporter.core.escalation import ESCALATED_FROM
from exporter.core.generation import AGGREGATION_LABELS
from exporter.core.notifications import Notifications, QuietHours, Team
from exporter.core.own_alert import OwnAlert
from exporter.core.severity import Severity
from exporter.generate.history import history_route
from exporter.generate.native import with_native
from exporter.generate.own_routes import own_routes
from exporter.generate.receivers import (
    Channels,
    Receivers,
    literal,
    shared_channels,
    team_channels,
)
from exporter.generate.secret_files import SecretFiles

AlertRoute = dict[str, Any]
AlertReceiver = dict[str, Any]

# Without the tenant: what fails for a thousand tenants is one message, not a thousand. Only test alerts have
# the last label: they are never in one message with real ones.
GROUP_BY = ("alertname", "integration", "severity", TEST)

BUSINESS_HOURS = "business-hours"
PREFIX = "integration-"
_WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""Days in the order in which Alertmanager counts them."""
"""What names begin with in a configuration that holds others' receivers too."""

PAST_BRIDGE = "critical-past-the-bridge"
"""Receiver of critical alerts about the exporter: its text messages, if any, go by SNS alone."""

TEAM_KINDS = ("slack", "email", "pagerduty", "webhook")


_STEPS = {"default": Severity.HIGH, **{severity.value: severity for severity in Severity}}
"""The shared receivers by name, with the severity whose channels they have."""


def configuration(
    notifications: Notifications,
    secrets: SecretFiles,
    kept_apart: tuple[str, ...] = AGGREGATION_LABELS,
    own: Iterable[OwnAlert] = (),
    history: AlertReceiver | None = None,
    bridge: Sequence[AlertReceiver] = (),
    declared: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the content of alertmanager.yml; the secrets it needs are added to `secrets`.

    `kept_apart` are the aggregation labels: messages are grouped by them too. Of the user's `own` alerts
    those with recipients have routes of their own. `history` is the receiver that gets every alert besides.
    `bridge` are the webhooks that bring text messages to the exporter.
    `declared` are labels of the user's own metrics, by which their alerts differ.
    """
    shared = shared_channels(notifications)
    receivers = Receivers(secrets, bridge)
    heartbeat = receivers.heartbeat(notifications.heartbeat)
    teams = notifications.teams
    return {
        "templates": ["templates/*.tmpl"],
        "route": {
            # An alert of an unknown severity must reach a person: it is sent like a high one.
            "receiver": "default",
            "group_by": [*GROUP_BY, *kept_apart],
            **_pace(Severity.HIGH),
            "routes": [
                # The first route that matches takes an alert; those of teams pass it on by `continue`.
                _watchdog(heartbeat["name"]),
                *([history_route()] if history else ()),
                *own_routes(own, teams, _team_step, _team_name),
                *(_team_route(team) for team in teams),
                *([_past_bridge()] if bridge else ()),
                *(_severity_route(severity) for severity in Severity),
                # Alertmanager falls back to the receiver above only where no route at all has matched.
                *([{"receiver": "default"}] if history else ()),
            ],
        },
        "inhibit_rules": inhibitions(kept_apart, declared),
        "receivers": [
            *(_shared_receiver(receivers, name, level, notifications) for name, level in _STEPS.items()),
            *(_team_receiver(receivers, team, shared) for team in teams),
            *(
                [_shared_receiver(Receivers(secrets), PAST_BRIDGE, Severity.CRITICAL, notifications)]
                if bridge
                else ()
            ),
            heartbeat,
            *([history] if history else ()),
        ],
        "time_intervals": [
            _business_hours(notifications),
            *(_quiet(team.name, team.quiet_hours) for team in teams if team.quiet_hours),
        ],
    }


OURS = 'scope=~"exporter|integration|tenant"'
"""Matches every alert of ours: each rule sets the label `scope`."""


def for_existing(
    notifications: Notifications,
    secrets: SecretFiles,
    kept_apart: tuple[str, ...] = AGGREGATION_LABELS,
    own: Iterable[OwnAlert] = (),
    history: AlertReceiver | None = None,
    bridge: Sequence[AlertReceiver] = (),
    declared: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return what an existing alertmanager.yml takes over, list by list.

    Our tree is one route, to be put before the others; names of receivers and time intervals begin with
    `integration-`, and inhibitions look at our alerts alone.
    """
    whole = configuration(notifications, secrets, kept_apart, own, history, bridge, declared)
    root = _add_prefix(whole["route"])
    return {
        "templates": ["integration-exporter/templates/*.tmpl"],
        "route": {"routes": [{"matchers": [OURS], **root}]},
        "inhibit_rules": [
            {
                **rule,
                "source_matchers": [*rule["source_matchers"], OURS],
                "target_matchers": [*rule["target_matchers"], OURS],
            }
            for rule in whole["inhibit_rules"]
        ],
        "receivers": [{**one, "name": f"{PREFIX}{one['name']}"} for one in whole["receivers"]],
        "time_intervals": [{**one, "name": f"{PREFIX}{one['name']}"} for one in whole["time_intervals"]],
    }


def _add_prefix(route: AlertRoute) -> AlertRoute:
    """Return a route and those below it with names that no other configuration has."""
    made = dict(route)
    if "receiver" in made:
        made["receiver"] = f"{PREFIX}{made['receiver']}"
    for key in ("active_time_intervals", "mute_time_intervals"):
        if key in made:
            made[key] = [f"{PREFIX}{name}" for name in made[key]]
    if "routes" in made:
        made["routes"] = [_add_prefix(one) for one in made["routes"]]
    return made


def _watchdog(receiver: str) -> AlertRoute:
    return {
        "matchers": [f'alertname="{WATCHDOG.name}"'],
        "receiver": receiver,
        "group_wait": "0s",
        # Repeats are sent only at a tick of group_interval, so this must be the shorter one.
        "group_interval": "1m",
        "repeat_interval": "5m",
    }


def _pace(severity: Severity) -> AlertRoute:
    return {
        "group_wait": severity.group_wait,
        "group_interval": severity.group_interval,
        "repeat_interval": severity.repeat_interval,
    }


def _past_bridge() -> AlertRoute:
    """Return the route of what says that the exporter is ill: by the exporter it might never arrive."""
    level = Severity.CRITICAL
    matchers = [f'severity="{level}"', *(f'{name}="{value}"' for name, value in COMPONENT.items())]
    return {"matchers": matchers, "receiver": PAST_BRIDGE, **_pace(level)}


def _severity_route(severity: Severity) -> AlertRoute:
    hours = {"active_time_intervals": [BUSINESS_HOURS]} if severity is Severity.LOW else {}
    return {"matchers": [f'severity="{severity}"'], "receiver": severity.value, **_pace(severity), **hours}


def _shared_receiver(
    receivers: Receivers, name: str, severity: Severity, notifications: Notifications
) -> dict[str, Any]:
    made = receivers.build(name, shared_channels(notifications), severity.channels)
    for one in notifications.receivers:
        if not one.severities or severity in one.severities:
            made = with_native(made, one.receiver, f"receiver-{one.name}", receivers.secrets)
    return made


def team_receiver_name(team: str) -> str:
    """Return the name of the receiver of the team of that name."""
    return f"team-{team}"


def _team_name(team: Team) -> str:
    return team_receiver_name(team.name)


def _team_receiver(receivers: Receivers, team: Team, shared: Channels) -> dict[str, Any]:
    name = _team_name(team)
    own = receivers.build(name, team_channels(team, shared), TEAM_KINDS, name)
    return with_native(own, team.receiver, name, receivers.secrets)


def _team_route(team: Team) -> AlertRoute:
    """Return a team's route: it goes on to the shared routes, so that a team only adds recipients."""
    levels = [level for level in Severity if level not in team.minimum_severity.below]
    chosen = {"tenant": team.tenants, "integration": team.integrations, "alertname": team.alerts}
    matchers = [f'{label}=~"{literal(values)}"' for label, values in chosen.items() if values]
    return {
        # Without the severities a lower alert would match no step below, and go to this receiver itself.
        "matchers": [*matchers, f'severity=~"{literal(levels)}"'],
        "receiver": _team_name(team),
        "continue": True,
        "routes": [_team_step(team, level) for level in levels],
    }


def _team_step(team: Team, level: Severity) -> AlertRoute:
    route: AlertRoute = {"matchers": [f'severity="{level}"'], **_pace(level)}
    if level is Severity.LOW:
        route["active_time_intervals"] = [BUSINESS_HOURS]
    if team.quiet_hours and level is not Severity.CRITICAL:
        route["mute_time_intervals"] = [f"quiet-{team.name}"]
    return route


def inhibitions(
    kept_apart: tuple[str, ...] = AGGREGATION_LABELS, declared: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Return what hides what within one place; a label that both sides lack counts as equal."""
    place = tuple(dict.fromkeys((*kept_apart, *PLACE)))
    steps = [
        {
            "source_matchers": [f'severity="{severity}"'],
            "target_matchers": [f'severity=~"{literal(severity.below)}"'],
            "equal": list(identity((*registry.alert_labels(), *kept_apart, *declared))),
        }
        for severity in Severity
        if severity.below
    ]
    return [*steps, *({**rule, "equal": [*rule["equal"], *place]} for rule in _causes())]


def _causes() -> list[dict[str, Any]]:
    """Return which alert explains which others, `equal` without the labels of the place."""
    return [
        _hides(ISOLATED.name, ['cause="probe"'], []),
        _hides(OUTAGE.name, ['cause="probe"'], ["integration", "provider"]),
        # Of an integration with one target down and failing are one and the same, and have the same tenant.
        _hides(DOWN.name, [_named(TARGET_FAILING.name)], ["integration", "provider", "tenant"]),
        *(
            _hides(alert.name, [_named(*names)], equal, *_only_if(alert))
            for alert in registry.alerts()
            for names, equal in _explained(alert)
        ),
        _hides(EXPORTER_DOWN.name, ['cause="staleness"'], ["component"], NO_REPLICA),
        _hides(EXPORTER_DOWN.name, [_named(EXPORTER_DOWN.name), 'replicas=""'], ["job"], NO_REPLICA),
    ]


def _explained(alert: Alert) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the alerts that `alert` hides, with the labels that must be equal.

    What concerns all of an integration is hidden whatever tenant its only target has.
    """
    by = {one.name: one.by for one in registry.alerts()}
    of_target = [name for name in alert.explains if "tenant" in by[name]]
    of_whole = [name for name in alert.explains if "tenant" not in by[name]]
    if of_target:
        yield of_target, ["integration", "provider", "tenant"]
    if of_whole:
        yield of_whole, ["integration", "provider"]


def _only_if(alert: Alert) -> tuple[str, ...]:
    """Return what an alert must meet to hide what it explains."""
    # One that was escalated is no worse than it was before: it explains no more.
    return (*alert.explains_if, f'{ESCALATED_FROM}=""') if alert.explains_if else ()


NO_REPLICA = 'replicas="none"'
"""Of an exporter that is down: no other one is left. What another one shows is hidden by none."""


def _named(*names: str) -> str:
    return f'alertname=~"{literal(names)}"'


def _hides(source: str, targets: list[str], equal: list[str], *also: str) -> dict[str, Any]:
    matchers = [f'alertname="{source}"', *also]
    return {"source_matchers": matchers, "target_matchers": targets, "equal": equal}


def _business_hours(notifications: Notifications) -> dict[str, Any]:
    hours = notifications.business_hours
    days = [part for days in hours.days.split(",") for part in _weekdays(days.strip())]
    times = _times(hours.start, hours.end)
    return _interval(BUSINESS_HOURS, {"weekdays": days, "times": times, "location": hours.time_zone})


def _weekdays(days: str) -> list[str]:
    """Return days such as saturday:monday as ranges, of which none goes over the end of a week."""
    first, _, last = days.partition(":")
    # Alertmanager's week begins on Sunday, and it refuses the whole file for monday:sunday.
    if last and _WEEK.index(last) < _WEEK.index(first):
        return [*_weekdays(f"{first}:saturday"), *_weekdays(f"sunday:{last}")]
    return [first if first == last else days]


def _quiet(name: str, quiet: QuietHours) -> dict[str, Any]:
    times = _times(quiet.start, quiet.end)
    return _interval(f"quiet-{name}", {"times": times, "location": quiet.time_zone})


def _times(start: str, end: str) -> list[dict[str, str]]:
    """Return the span as ranges; a night is two, because a range must not pass midnight."""
    ranges = [(start, end)] if start < end else [(start, "24:00"), ("00:00", end)]
    # A night until 00:00 leaves an empty second range, which Alertmanager refuses.
    return [{"start_time": first, "end_time": last} for first, last in ranges if first != last]


def _interval(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "time_intervals": [content]}
