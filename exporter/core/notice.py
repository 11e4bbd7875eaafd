"""A notice: one alert as Alertmanager sent it, and how often alerts came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

FIRING, RESOLVED, ACKNOWLEDGED = "firing", "resolved", "acknowledged"
SENT_STATES = (FIRING, RESOLVED)
"""What Alertmanager sends; that an alert was acknowledged is known here."""

STATES = (*SENT_STATES, ACKNOWLEDGED)

HISTORY_RECEIVER = "history"
"""The receiver of Alertmanager that brings notices here."""

LONGEST_NAME = 120
"""Characters of a label that narrows the list; longer ones are cut."""


class NoticeFate(IntEnum):
    """What became of a notice: it was there before, it is new, or new and its alert flaps."""

    REPEATED = 0
    NEW = 1
    FLAP = 2


@dataclass(frozen=True)
class Notice:
    """An alert began to fire, was acknowledged or resolved; times are Unix seconds, `ends` None before that.

    `at` is when it was accepted. `fingerprint` is Alertmanager's, the same for the same labels. `receiver`
    and `group_key` are those of the message that brought it. `replica` names the process that accepted it;
    the store fills it in.
    """

    at: float
    state: str
    alert: str
    severity: str
    integration: str
    tenant: str
    provider: str
    fingerprint: str
    starts: float
    ends: float | None = None
    summary: str = ""
    description: str = ""
    group_key: str = ""
    receiver: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    # The store fills it in; what was written must still equal what is read.
    replica: str = field(default="", compare=False)

    @property
    def once(self) -> str:
        """What it is there once by: repeats, and Alertmanagers of one cluster, send the same change again."""
        # In whole microseconds: two texts of one float would be two notices.
        return f"{self.fingerprint}:{round(self.starts * 1e6)}:{self.state}"


@dataclass(frozen=True)
class AlertNoise:
    """How much noise an alert made in a time; seconds are None where nothing was acknowledged or resolved.

    `subject` are the values of the columns that it is grouped by. A flap is an alert that fires again soon
    after it was resolved. What was acknowledged several times counts once, by its first time.
    """

    subject: tuple[str, ...]
    fired: int
    acknowledged: int
    resolved: int
    flaps: int
    mean_seconds_to_acknowledge: float | None
    longest_seconds_to_acknowledge: float | None
    mean_seconds_to_resolve: float | None
    longest_seconds_to_resolve: float | None
    last_fired: float | None
