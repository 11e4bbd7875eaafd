"""From what somebody does about an alert to what the store keeps of it."""

from typing import Any

from exporter.core.alert_action import AlertAction, AlertVerb
from exporter.core.alertmanager import ActiveAlert, Silence
from exporter.core.clock import iso
from exporter.core.notice import ACKNOWLEDGED, LONGEST_NAME, Notice


def build_action(alert: ActiveAlert, verb: AlertVerb, actor: str, now: float, **more: Any) -> AlertAction:
    """Return the action; `more` are fields of AlertAction that the verb needs."""
    return AlertAction(
        at=now,
        action=verb,
        actor=actor,
        fingerprint=alert.fingerprint,
        alert=_label(alert, "alertname"),
        severity=_label(alert, "severity"),
        integration=_label(alert, "integration"),
        tenant=_label(alert, "tenant"),
        starts=alert.starts,
        **more,
    )


def acknowledgement_notice(alert: ActiveAlert, silence: Silence, now: float) -> Notice:
    """Return the row of the history that says who acknowledged `alert`, until when, and with which note."""
    return Notice(
        at=now,
        state=ACKNOWLEDGED,
        alert=_label(alert, "alertname"),
        severity=_label(alert, "severity"),
        integration=_label(alert, "integration"),
        tenant=_label(alert, "tenant"),
        provider=_label(alert, "provider"),
        fingerprint=alert.fingerprint,
        starts=alert.starts,
        summary=alert.annotations.get("summary", ""),
        description=f"acknowledged by {silence.author} until {iso(silence.ends)}: {silence.comment}",
        labels=alert.labels,
        annotations=alert.annotations,
    )


def _label(alert: ActiveAlert, name: str) -> str:
    return alert.labels.get(name, "")[:LONGEST_NAME]
