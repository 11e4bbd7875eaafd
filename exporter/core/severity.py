"""How urgent an alert is: the one place that says what each level means."""

from enum import StrEnum


class Severity(StrEnum):
    """Urgency of an alert, highest first; the value is the text of the label `severity`."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def response(self) -> str:
        """When somebody must have reacted, in words."""
        return _FACTS[self][0]

    @property
    def colour(self) -> str:
        """Colour of the level in messages and on the page, as #rrggbb."""
        return _FACTS[self][1]

    @property
    def channels(self) -> tuple[str, ...]:
        """Kinds of notification channel the level goes to, where they are configured."""
        return _FACTS[self][2]

    @property
    def group_wait(self) -> str:
        """Alertmanager `group_wait`: how long to collect alerts before the first message."""
        return _FACTS[self][3]

    @property
    def group_interval(self) -> str:
        """Alertmanager `group_interval`: the least time between messages of one group."""
        return _FACTS[self][4]

    @property
    def repeat_interval(self) -> str:
        """Alertmanager `repeat_interval`: when an unchanged group is sent again."""
        return _FACTS[self][5]

    @property
    def below(self) -> tuple["Severity", ...]:
        """The levels below this one, highest first."""
        levels = list(Severity)
        return tuple(levels[levels.index(self) + 1 :])


# group_wait of high is two evaluation intervals (30 s each): a critical step of the same
# condition must have had its chance to inhibit it.
_FACTS: dict[Severity, tuple[str, str, tuple[str, ...], str, str, str]] = {
    Severity.CRITICAL: (
        "immediate response",
        "#b3261e",
        ("slack", "email", "pagerduty", "sms", "webhook"),
        "10s",
        "1m",
        "1h",
    ),
    Severity.HIGH: ("within 1 hour", "#c4591b", ("slack", "email", "webhook"), "1m", "5m", "4h"),
    Severity.MEDIUM: ("within 4 hours", "#8a6d00", ("slack", "webhook"), "1m", "5m", "12h"),
    Severity.LOW: ("business hours", "#2f5d8a", ("email", "webhook"), "5m", "30m", "24h"),
}
