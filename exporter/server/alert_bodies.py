"""The bodies by which people answer alerts, checked: every mistake is one sentence (400)."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from exporter.config import durations
from exporter.core.severity import Severity
from exporter.notices.acknowledgements import LONGEST_SECONDS, USUAL_SECONDS
from exporter.notices.alert_state import AlertState
from exporter.server.answers import json_body

BodyT = TypeVar("BodyT", bound=msgspec.Struct)

# A name becomes a label and a line of a message: no control character, no line break.
LabelText = Annotated[str, Meta(max_length=120, pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")]
_Line = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")]
_Note = Annotated[str, Meta(max_length=2000)]


class AlertAct(StrEnum):
    """What PATCH does."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    ASSIGN = "assign"


class FireBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alert by hand."""

    service: Annotated[LabelText, Meta(min_length=1)]
    severity: Severity
    message: _Line
    details: Annotated[str, Meta(max_length=4000)] = ""
    tenant: LabelText = ""


class ExpectedAlert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an alert was when somebody decided: where it is different by now, nothing is done (409)."""

    state: AlertState | UnsetType = UNSET
    assignee: LabelText | UnsetType = UNSET


class ActionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"duration": "for"}):
    """What to do with one alert: `until` or `for` is for acknowledging it, `assignee` for assigning."""

    action: AlertAct
    until: str = ""
    duration: str = ""
    note: _Note = ""
    assignee: LabelText | UnsetType = UNSET
    expected: ExpectedAlert = ExpectedAlert()


class NamedActionBody(
    ActionBody, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"duration": "for"}
):
    """The same where the path does not say which alert: `id` is its fingerprint."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]


async def read_alert_body(request: web.Request, kind: type[BodyT]) -> BodyT:
    """Return the body of `request` as `kind`."""
    values = await json_body(request)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=_sentence(str(error))) from None


def end_of(body: ActionBody, now: float) -> float:
    """Return when an acknowledgement of `now` ends, in Unix seconds."""
    if body.until and body.duration:
        raise web.HTTPBadRequest(text="give until or for, not both")
    until = _moment(body.until) if body.until else now + _seconds(body.duration)
    if until <= now:
        raise web.HTTPBadRequest(text="an acknowledgement must end in the future")
    if until > now + LONGEST_SECONDS:
        most = durations.text_of(LONGEST_SECONDS)
        raise web.HTTPBadRequest(
            text=f"an acknowledgement holds for {most} at most; acknowledge it again then"
        )
    return until


def _seconds(text: str) -> float:
    if not text:
        return USUAL_SECONDS
    try:
        return durations.seconds(text)
    except ValueError:
        raise web.HTTPBadRequest(text="for must be a duration such as 30m, 4h or 2d") from None


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest(text="until must be a time such as 2026-11-21T08:00:00Z") from None


def _sentence(text: str) -> str:
    """Return what msgspec says, without the `$.` in front of keys and with patterns in words."""
    plain = text.replace("`$.", "`").replace("`$`", "the body")
    if "matching regex" in plain:
        where = plain.rpartition(" - at ")[2]
        return f"{where} must be one line, without control characters"
    return plain
