"""An alert that nobody acknowledged in time: it is sent again, one severity up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.core.metric import Kind, Metric, Scope
from exporter.core.severity import Severity

ESCALATED_FROM = "escalated_from"
"""The label of an escalated alert: the severity of the alert that it repeats."""

ESCALATED_TO = {Severity.HIGH: Severity.CRITICAL, Severity.MEDIUM: Severity.HIGH}
"""One severity up, of those that escalate: nobody is woken for what may wait for business hours."""

ESCALATIONS = Metric(
    "integration_exporter_escalations_total",
    "Alerts that nobody acknowledged in time, by the severity that they were sent again with.",
    Kind.COUNTER,
    labels=("severity",),
    scope=Scope.EXPORTER,
)
ALERTMANAGER_UP = Metric(
    "integration_exporter_alertmanager_up",
    "Whether Alertmanager answered the exporter when it last asked (1) or not (0).",
    scope=Scope.EXPORTER,
)
ESCALATION_SERIES = (ESCALATIONS, ALERTMANAGER_UP)


class EscalationEnd(StrEnum):
    """Why an escalated alert is sent no more."""

    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SUPERSEDED = "superseded"
    OFF = "off"


@dataclass(frozen=True)
class Escalation:
    """An alert was escalated at `at`; times are Unix seconds, `ended` is None while it is sent.

    `fingerprint` and `starts` are those of the alert that nobody acknowledged, `severity` and `labels` those
    of the one that is sent in its place. `replica` names the process that escalated it: the store fills it
    in.
    """

    at: float
    alert: str
    severity: str
    escalated_from: str
    integration: str
    tenant: str
    provider: str
    fingerprint: str
    starts: float
    ended: float | None = None
    why: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    # The store fills it in; what was written must still equal what is read.
    replica: str = field(default="", compare=False)

    @property
    def once(self) -> str:
        """What it is there once by: the incident, which is one alert from its start to its end."""
        return incident(self.fingerprint, self.starts)


def incident(fingerprint: str, starts: float) -> str:
    """Return the key of an incident."""
    # In whole microseconds: two texts of one float would be two incidents.
    return f"{fingerprint}:{round(starts * 1e6)}"
