"""How urgent an alert is: the one place that says what each level means."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """Urgency of an alert, highest first; the value is the text of the label `severity`."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def response(self) -> str:
        """When a person must have reacted: what follows *respond*."""
        return _FACTS[self].response

    @property
    def colour(self) -> str:
        """Colour of the level in messages and on the page, as #rrggbb."""
        return _FACTS[self].colour

    @property
    def channels(self) -> tuple[str, ...]:
        """Kinds of notification channel the level goes to, where they are configured."""
        return _FACTS[self].channels

    @property
    def group_wait(self) -> str:
        """Alertmanager `group_wait`: how long to collect alerts before the first message."""
        return _FACTS[self].group_wait

    @property
    def group_interval(self) -> str:
        """Alertmanager `group_interval`: the least time between messages of one group."""
        return _FACTS[self].group_interval

    @property
    def repeat_interval(self) -> str:
        """Alertmanager `repeat_interval`: when an unchanged group is sent again."""
        return _FACTS[self].repeat_interval

    @property
    def below(self) -> tuple["Severity", ...]:
        """The levels below this one, highest first."""
        levels = list(Severity)
        return tuple(levels[levels.index(self) + 1 :])


SEVERITIES = (*Severity, "none")
"""What alerts are narrowed by; `none` is the label of those that are no alarm, such as Watchdog."""


class _Facts(NamedTuple):
    response: str
    colour: str
    channels: tuple[str, ...]
    group_wait: str
    group_interval: str
    repeat_interval: str


# group_wait of high is two evaluation intervals (30 s each): a critical step of the same
# condition must have had its chance to inhibit it.
_FACTS = {
    Severity.CRITICAL: _Facts(
        response="immediately",
        colour="#b3261e",
        channels=("slack", "email", "pagerduty", "sms", "webhook"),
        group_wait="10s",
        group_interval="1m",
        repeat_interval="1h",
    ),
    Severity.HIGH: _Facts(
        response="within 1 hour",
        colour="#b84f14",
        channels=("slack", "email", "webhook"),
        group_wait="1m",
        group_interval="5m",
        repeat_interval="4h",
    ),
    Severity.MEDIUM: _Facts(
        response="within 4 hours",
        colour="#8a6d00",
        channels=("slack", "webhook"),
        group_wait="1m",
        group_interval="5m",
        repeat_interval="12h",
    ),
    Severity.LOW: _Facts(
        response="in business hours",
        colour="#2f5d8a",
        channels=("email", "webhook"),
        group_wait="5m",
        group_interval="30m",
        repeat_interval="24h",
    ),
}
