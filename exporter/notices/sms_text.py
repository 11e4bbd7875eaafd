"""From a message of Alertmanager to what a phone shows: who, what, and how bad, in at most two parts."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from exporter.core.alert_identity import TEST
from exporter.core.gsm7 import shorten
from exporter.core.notice import FIRING, RESOLVED, Notice
from exporter.core.text_message import GroupNotice
from exporter.notices.payload import NoticePayload

LAST = " Last SMS of this incident."
"""What the last message that an incident may have says besides, unless it is the resolution."""

MOST_NAME = 48
"""Characters of a name: a label of a thousand ones must not push out what is wrong."""


def group_notice(payload: NoticePayload, now: float) -> GroupNotice:
    """Return what a message of Alertmanager says of its group; `now` is in Unix seconds."""
    firing = [one for one in payload.notices if one.state == FIRING]
    shown, state = (firing, FIRING) if firing else (payload.notices, RESOLVED)
    more = payload.truncated
    return GroupNotice(
        at=now,
        state=state,
        incident=_incident(payload),
        text=shorten(_words(shown, state, more)),
        last_text=shorten(_words(shown, state, more), LAST if state == FIRING else ""),
        alert=_common(one.alert for one in shown),
        severity=_common(one.severity for one in shown),
        integration=_common(one.integration for one in shown),
        tenant=_common(one.tenant for one in shown),
        about=_common(one.provider for one in shown),
    )


def _incident(payload: NoticePayload) -> str:
    """Return a name of the group that all Alertmanagers of a cluster agree on, and that a new route keeps."""
    # The group's own key begins with the matchers of its route, which a new version of the rules may change.
    name = json.dumps(payload.group, sort_keys=True) if payload.group else payload.notices[0].group_key
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:24]


def _words(notices: Sequence[Notice], state: str, more: int) -> str:
    severity = (_common(one.severity for one in notices) or "alert").upper()
    who = _name(_common(one.integration for one in notices)) or "integration-exporter"
    if tenant := _name(_common(one.tenant for one in notices)):
        who = f"{who} tenant {tenant}"
    alert = _name(_common(one.alert for one in notices)) or "several alerts"
    what = _common(one.summary for one in notices) or notices[0].summary or notices[0].description
    count = len(notices) + more
    many = f"{count} alerts. " if count > 1 else ""
    marks = f"{'TEST ' if TEST in notices[0].labels else ''}{'RESOLVED ' if state == RESOLVED else ''}"
    return f"{marks}{_name(severity)} {who}: {alert}: {many}{what}"


def _name(text: str) -> str:
    return text if len(text) <= MOST_NAME else f"{text[: MOST_NAME - 3]}..."


def _common(texts: Iterable[str]) -> str:
    """Return the text that all have, "" where they differ."""
    found = set(texts)
    return found.pop() if len(found) == 1 else ""
