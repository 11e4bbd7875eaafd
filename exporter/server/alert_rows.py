"""Alerts as the API shows them: what fires now, and what was resolved."""

from collections.abc import Iterable, Mapping
from typing import Any

from exporter.core.clock import iso
from exporter.core.notice import Notice
from exporter.core.severity import Severity
from exporter.notices.alert_state import AlertState
from exporter.notices.desk import DeskAlert

COLUMNS = (
    *("fingerprint", "state", "severity", "alert", "service", "tenant", "provider", "since", "ended"),
    *("summary", "description", "acknowledged_by", "until", "note", "assignee", "receivers", "labels"),
)

_URGENCY = {severity.value: rank for rank, severity in enumerate(Severity)}
_STATES = (AlertState.FIRING, AlertState.ACKNOWLEDGED, AlertState.INHIBITED)


def active_row(found: DeskAlert) -> dict[str, Any]:
    """Return an alert that Alertmanager has as JSON; times are RFC 3339 in UTC."""
    alert, silence = found.alert, found.silence
    return {
        **_row(alert.fingerprint, found.state, alert.labels, alert.annotations),
        "since": iso(alert.starts),
        "ended": None,
        "acknowledged_by": silence.author if silence else None,
        "until": iso(silence.ends) if silence else None,
        "note": silence.comment if silence else None,
        "assignee": found.assignee or None,
        "receivers": list(alert.receivers),
        "inhibited_by": list(alert.inhibited_by),
        "silenced_by": list(alert.silenced_by),
    }


def resolved_row(notice: Notice) -> dict[str, Any]:
    """Return an alert that was resolved, as the history has it, in the form of `active_row`."""
    return {
        **_row(notice.fingerprint, AlertState.RESOLVED, notice.labels, notice.annotations),
        "since": iso(notice.starts),
        "ended": iso(notice.ends),
        **dict.fromkeys(("acknowledged_by", "until", "note", "assignee")),
        "receivers": [],
        "inhibited_by": [],
        "silenced_by": [],
    }


def most_urgent_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `rows` in order: what nobody is at first, then by severity, then the newest."""
    newest = sorted(rows, key=lambda row: str(row["since"]), reverse=True)
    return sorted(
        newest, key=lambda row: (_STATES.index(row["state"]), _URGENCY.get(row["severity"], len(_URGENCY)))
    )


def _row(
    fingerprint: str, state: AlertState, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "state": state,
        "severity": labels.get("severity", ""),
        "alert": labels.get("alertname", ""),
        "service": labels.get("integration", ""),
        "tenant": labels.get("tenant", ""),
        "provider": labels.get("provider", ""),
        "summary": annotations.get("summary", ""),
        "description": annotations.get("description", ""),
        "labels": labels,
        "annotations": annotations,
    }
