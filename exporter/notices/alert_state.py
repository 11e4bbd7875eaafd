"""What people have made of an alert that Alertmanager has: whether it is answered, by whom and until when."""

from collections.abc import Iterable
from enum import StrEnum

from exporter.core.alertmanager import ActiveAlert, Silence, SilenceState


class AlertState(StrEnum):
    """How an alert is; those but the last are of alerts that Alertmanager has now."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    INHIBITED = "inhibited"
    RESOLVED = "resolved"


def state_of(alert: ActiveAlert) -> AlertState:
    """Return how `alert` is: one that a silence covers is acknowledged, whoever made the silence."""
    if alert.silenced_by:
        return AlertState.ACKNOWLEDGED
    return AlertState.INHIBITED if alert.inhibited_by else AlertState.FIRING


def acknowledgement_of(alert: ActiveAlert, silences: Iterable[Silence]) -> Silence | None:
    """Return the silence that covers `alert`, of several the one that lasts longest; None where none does.

    Its author is who acknowledged the alert, its comment the note, its end when the alert speaks again.
    """
    covering = [
        one for one in silences if one.id in alert.silenced_by and one.state is not SilenceState.EXPIRED
    ]
    return max(covering, key=lambda one: one.ends, default=None)
