"""What somebody did about an alert: acknowledged it, gave it to somebody, fired or resolved it by hand."""

from dataclasses import dataclass, field
from enum import StrEnum


class AlertVerb(StrEnum):
    """What can be done about an alert."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    FIRE = "fire"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class AlertAction:
    """At `at` (Unix seconds) `actor` did something about the alert with `fingerprint`.

    `starts` is when the alert began to fire. `assignee` is who has it from now on, "" for nobody; `until` the
    end of an acknowledgement, and `silence` the id of the silence that it is. `replica` names the process;
    the store fills it in.
    """

    at: float
    action: AlertVerb
    actor: str
    fingerprint: str
    alert: str
    severity: str
    integration: str
    tenant: str
    starts: float
    assignee: str = ""
    until: float | None = None
    note: str = ""
    silence: str = ""
    # The store fills it in; what was written must still equal what is read.
    replica: str = field(default="", compare=False)
