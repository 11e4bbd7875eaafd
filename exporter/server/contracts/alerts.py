"""Alerts, their history in figures, test alerts, what Alertmanager sends, and maintenance."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from exporter.core.defaults import NOISE_SUBJECTS, NOISE_WINDOWS
from exporter.core.severity import SEVERITIES, Severity
from exporter.notices.alert_state import AlertState
from exporter.server.alert_bodies import ActionBody, FireBody, NamedActionBody
from exporter.server.contracts._contract import (
    FORMAT,
    INTEGRATION,
    LIMIT,
    MONTH,
    OFFSET,
    SINCE,
    TABULAR,
    TENANT,
    UNTIL,
    AnswerPart,
    CallExample,
    Contract,
    DurationSeconds,
    Natural,
    QueryParameter,
    Time,
    choice,
)
from exporter.server.handlers.alert_tests import DrillBody
from exporter.server.maintenance_bodies import MaintenanceBody


class AlertRow(AnswerPart, kw_only=True):
    """An alert that Alertmanager has, or that was resolved."""

    fingerprint: str
    state: AlertState
    severity: str
    alert: str
    service: str
    tenant: str
    provider: str
    summary: str
    description: str
    labels: dict[str, str]
    annotations: dict[str, str]
    since: Time | None
    ended: Time | None
    acknowledged_by: str | None
    until: Time | None
    note: str | None
    assignee: str | None
    receivers: list[str]
    inhibited_by: list[str]
    silenced_by: list[str]


class AlertsAnswer(AnswerPart, kw_only=True):
    """A page of alerts, the most urgent first; `warning` says what could not be read."""

    alerts: list[AlertRow]
    total: Natural
    next_offset: Natural | None
    warning: str | UnsetType = UNSET


class FireAnswer(AnswerPart, kw_only=True):
    """The alert; `new` is false where the same fires already."""

    fingerprint: str
    labels: dict[str, str]
    new: bool


class ResolvedAnswer(AnswerPart, kw_only=True):
    """An alert that was ended by hand; `resolved` is false where it had ended already."""

    fingerprint: str
    state: AlertState
    resolved: bool


class NoiseRow(AnswerPart, kw_only=True):
    """How often an alert fired, and for how long."""

    alert: str
    integration: str | UnsetType = UNSET
    tenant: str | UnsetType = UNSET
    fired: Natural
    acknowledged: Natural
    resolved: Natural
    flaps: Natural
    mean_seconds_to_acknowledge: DurationSeconds | None
    longest_seconds_to_acknowledge: DurationSeconds | None
    mean_seconds_to_resolve: DurationSeconds | None
    longest_seconds_to_resolve: DurationSeconds | None
    last_fired: Time | None


class NoiseAnswer(AnswerPart, kw_only=True):
    """Alerts by how often they fired."""

    window: str
    since: Time
    alerts: list[NoiseRow]
    next_offset: Natural | None


class DrillRow(AnswerPart, kw_only=True):
    """A test alert, and where Alertmanager sends it."""

    alert: str
    severity: Severity
    service: str
    tenant: str
    receivers: list[str]
    channels: list[str]
    hidden_by: list[str]


class DrillAnswer(AnswerPart, kw_only=True):
    """How a test of the notifications is; `problems` are what a person has to do something about."""

    id: str
    state: Literal["running", "done"]
    actor: str
    started: Time
    until: Time
    total: Natural
    done: Natural
    alerts: list[DrillRow]
    sent: dict[str, Natural] | None
    failed: dict[str, Natural] | None
    problems: list[str]


class DrillsAnswer(AnswerPart, kw_only=True):
    """The last tests of the notifications, the newest first."""

    tests: list[DrillAnswer]


class WeeklyAnswer(AnswerPart, kw_only=True):
    """When a window comes again."""

    days: list[str]
    start: str
    end: str
    time_zone: str


class WindowAnswer(AnswerPart, kw_only=True):
    """A maintenance window."""

    name: str
    state: Literal["active", "planned", "over"]
    starts: Time | None
    ends: Time | None
    integrations: list[str]
    providers: list[str]
    tenants: list[str]
    alerts: list[str]
    severities: list[Severity]
    weekly: WeeklyAnswer | None
    comment: str
    origin: str
    author: str
    created: Time | None
    notes: list[str] | UnsetType = UNSET


class WindowsAnswer(AnswerPart, kw_only=True):
    """Maintenance windows, by name."""

    maintenance: list[WindowAnswer]
    total: Natural


class NoticesAccepted(AnswerPart, kw_only=True):
    """Alerts of a message: new ones, those stored before, those that Alertmanager left out."""

    accepted: Natural
    duplicates: Natural
    truncated: Natural


class SmsAccepted(AnswerPart, kw_only=True):
    """What became of a text message."""

    verdict: str
    messages: Natural


class AlertmanagerMessage(msgspec.Struct, kw_only=True):
    """What Alertmanager sends to a webhook, version 4
    (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
    """

    version: str
    groupKey: str
    status: str
    receiver: str
    alerts: list[dict[str, Any]]
    groupLabels: dict[str, str] = msgspec.field(default_factory=dict)
    commonLabels: dict[str, str] = msgspec.field(default_factory=dict)
    commonAnnotations: dict[str, str] = msgspec.field(default_factory=dict)
    externalURL: str = ""
    truncatedAlerts: int = 0


_FIRED = {"service": "payments", "severity": "high", "message": "Orders are not paid.", "tenant": "acme"}
_NIGHT = {
    "name": "night",
    "tenants": ["acme"],
    "weekly": {"days": "sunday", "start": "02:00", "end": "04:00"},
}
_HOUR = {"alerts": ["IntegrationQuotaNearLimit"], "for": "1h", "comment": "the plan is changed"}
_GROUP = {
    "version": "4",
    "groupKey": '{}:{alertname="IntegrationDown"}',
    "status": "firing",
    "receiver": "integration-history",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "IntegrationDown", "integration": "payments", "severity": "critical"},
            "annotations": {"summary": "payments is down"},
            "startsAt": "2026-11-21T08:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "0123456789abcdef",
        }
    ],
}

CONTRACTS = {
    ("POST", "/api/v1/alerts"): Contract(
        {200: FireAnswer, 201: FireAnswer},
        body=FireBody,
        errors=(502,),
        examples=(
            CallExample("An alert by hand", 201, body=_FIRED, keeps={"alert": "fingerprint"}),
            CallExample("A severity that there is not", 400, body=_FIRED | {"severity": "huge"}),
        ),
    ),
    ("GET", "/api/v1/alerts"): Contract(
        {200: AlertsAnswer},
        (
            choice("state", AlertState, "Alerts of one state; resolved ones come out of the history."),
            choice("severity", SEVERITIES, "Alerts of one severity."),
            QueryParameter("service", "One integration or service."),
            *(INTEGRATION, TENANT, QueryParameter("alert", "One alert, by its name.")),
            QueryParameter("assignee", "Alerts of one person."),
            choice("mine", ("true", "false"), "Alerts that the caller is at."),
            *(SINCE, UNTIL, LIMIT, OFFSET, FORMAT),
        ),
        media=TABULAR,
        errors=(404,),
        examples=(
            CallExample("What nobody is at", query={"state": "firing"}),
            CallExample("What was resolved today", query={"state": "resolved", "since": "24h"}),
        ),
    ),
    ("PATCH", "/api/v1/alerts/{id}"): Contract(
        {200: (AlertRow, ResolvedAnswer)},
        body=ActionBody,
        errors=(404, 409, 502),
        examples=(
            CallExample(
                "Acknowledge it", path={"id": "{alert}"}, body={"action": "acknowledge", "for": "4h"}
            ),
            CallExample(
                "Give it to somebody", path={"id": "{alert}"}, body={"action": "assign", "assignee": "ada"}
            ),
            CallExample(
                "Resolve it", path={"id": "{alert}"}, body={"action": "resolve", "note": "It is paid."}
            ),
        ),
    ),
    ("PATCH", "/api/monitoring/alerts"): Contract(
        {200: (AlertRow, ResolvedAnswer)},
        body=NamedActionBody,
        errors=(404, 409, 502),
        examples=(CallExample("One that there is not", 404, body={"id": "0", "action": "acknowledge"}),),
    ),
    ("POST", "/api/v1/alerts/test"): Contract(
        {202: DrillAnswer},
        body=DrillBody,
        body_required=False,
        errors=(404, 409, 502),
        examples=(
            CallExample("A rule that there is not", 404, body={"rule": "IntegrationUp"}),
            CallExample("One severity", 202, body={"severity": "low", "wait": "1s"}, keeps={"drill": "id"}),
        ),
    ),
    ("GET", "/api/v1/alerts/test"): Contract({200: DrillsAnswer}, examples=(CallExample("The last ones"),)),
    ("GET", "/api/v1/alerts/test/{id}"): Contract(
        {200: DrillAnswer}, errors=(404,), examples=(CallExample("Where they led", path={"id": "{drill}"}),)
    ),
    ("GET", "/api/v1/alert-noise"): Contract(
        {200: NoiseAnswer},
        (
            choice("window", NOISE_WINDOWS, "How long, up to now.", "24h"),
            choice("by", NOISE_SUBJECTS, "What a row is about.", "integration"),
            choice("severity", SEVERITIES, "Alerts of one severity."),
            QueryParameter("alert", "One alert, by its name."),
            *(INTEGRATION, TENANT, SINCE, UNTIL, LIMIT, OFFSET, FORMAT),
        ),
        media=TABULAR,
        errors=(404,),
        examples=(CallExample("What fired most", query={"window": MONTH, "by": "alert"}),),
    ),
    ("POST", "/api/v1/maintenance"): Contract(
        {201: WindowAnswer},
        body=MaintenanceBody,
        errors=(409,),
        examples=(
            CallExample("Each Sunday night", 201, body=_NIGHT),
            CallExample("A name that is taken", 409, body=_NIGHT),
            CallExample("For an hour from now on", 201, body=_HOUR),
            CallExample("Neither once nor weekly", 400, body={"name": "never"}),
        ),
    ),
    ("GET", "/api/v1/maintenance"): Contract(
        {200: WindowsAnswer}, (FORMAT,), media=TABULAR, examples=(CallExample("All windows"),)
    ),
    ("DELETE", "/api/v1/maintenance/{id}"): Contract(
        {204: None}, errors=(404, 409), examples=(CallExample("Remove it", 204, {"id": "night"}),)
    ),
    ("POST", "/api/v1/notices"): Contract(
        {200: NoticesAccepted},
        body=AlertmanagerMessage,
        errors=(413,),
        examples=(CallExample("A group of one alert", body=_GROUP), CallExample("No message", 400, body={})),
    ),
    ("POST", "/api/v1/sms"): Contract(
        {200: SmsAccepted},
        body=AlertmanagerMessage,
        errors=(413,),
        examples=(CallExample("Where text messages are not configured", 503, body=_GROUP),),
    ),
}
"""In an order in which the examples work, one after the other."""
