"""Refuses what somebody does to an alert that somebody else has done something to meanwhile."""

from aiohttp import web
from msgspec import UNSET

from exporter.core.clock import iso
from exporter.notices.alert_state import AlertState
from exporter.notices.desk import DeskAlert
from exporter.server.alert_bodies import ExpectedAlert

_NOTHING = "nothing was changed; look at it again"


def refuse_unexpected(found: DeskAlert, expected: ExpectedAlert) -> None:
    """Raise 409 where an alert is not as `expected`, with who has done what."""
    if expected.state not in (UNSET, found.state):
        raise web.HTTPConflict(text=f"{_what_became(found)}; {_NOTHING}")
    if expected.assignee not in (UNSET, found.assignee):
        who = found.assignee or "nobody"
        raise web.HTTPConflict(text=f"it is assigned to {who} by now; {_NOTHING}")


def _what_became(found: DeskAlert) -> str:
    silence = found.silence
    if found.state is AlertState.ACKNOWLEDGED and silence is not None:
        return f"{silence.author} has acknowledged it already, until {iso(silence.ends)}"
    return f"it is {found.state} by now"
