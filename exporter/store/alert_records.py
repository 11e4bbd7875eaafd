"""Writes what somebody did about an alert: the action, and what it adds to the history, in one step."""

from collections.abc import Sequence

from sqlalchemy import Connection

from exporter.core.alert_action import AlertAction
from exporter.core.notice import Notice
from exporter.store.subjects import alert_actions, notices

AlertRecord = tuple[AlertAction, Notice | None]
"""An action, and the notice that it is in the history of alerts; None for one that is in no history."""


def add_records(connection: Connection, records: Sequence[AlertRecord]) -> list[bool]:
    """Add `records`; return of each whether its notice is new: an alert is acknowledged first only once."""
    alert_actions.add(connection, [action for action, _ in records])
    found = notices.add_new(connection, [() if notice is None else (notice,) for _, notice in records])
    return [any(one) for one in found]
