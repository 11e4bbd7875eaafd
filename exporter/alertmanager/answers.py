"""From the JSON of Alertmanager's API v2 to alerts and silences, and back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from exporter.core.alertmanager import ActiveAlert, FiredAlert, Matcher, Silence, SilenceState

T = TypeVar("T")
Moment = Annotated[datetime, Meta(tz=True)]


class _MatcherJson(msgspec.Struct):
    name: str
    value: str
    isRegex: bool = False
    # Left out by Alertmanager before 0.22: what it had then was always equal.
    isEqual: bool = True


class _SilenceStatus(msgspec.Struct):
    state: SilenceState


class _SilenceJson(msgspec.Struct):
    id: str
    matchers: list[_MatcherJson]
    startsAt: Moment
    endsAt: Moment
    createdBy: str
    comment: str
    status: _SilenceStatus


class _AlertStatus(msgspec.Struct):
    silencedBy: list[str] = []
    inhibitedBy: list[str] = []


class _ReceiverJson(msgspec.Struct):
    name: str


class _AlertJson(msgspec.Struct):
    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: Moment
    endsAt: Moment
    status: _AlertStatus
    receivers: list[_ReceiverJson] = []
    generatorURL: str = ""


class _StoredSilence(msgspec.Struct):
    silenceID: str


def read_alerts(body: bytes) -> list[ActiveAlert]:
    """Return the alerts of an answer; ValueError where it is none of Alertmanager's."""
    return [
        ActiveAlert(
            fingerprint=one.fingerprint,
            labels=one.labels,
            annotations=one.annotations,
            starts=one.startsAt.timestamp(),
            ends=one.endsAt.timestamp(),
            silenced_by=tuple(one.status.silencedBy),
            inhibited_by=tuple(one.status.inhibitedBy),
            receivers=tuple(receiver.name for receiver in one.receivers),
            source=one.generatorURL,
        )
        for one in _decode(body, list[_AlertJson])
    ]


def read_silences(body: bytes) -> list[Silence]:
    """Return the silences of an answer, those that have expired among them; ValueError as above."""
    return [
        Silence(
            matchers=tuple(Matcher(m.name, m.value, m.isRegex, m.isEqual) for m in one.matchers),
            starts=one.startsAt.timestamp(),
            ends=one.endsAt.timestamp(),
            author=one.createdBy,
            comment=one.comment,
            id=one.id,
            state=one.status.state,
        )
        for one in _decode(body, list[_SilenceJson])
    ]


def read_silence_id(body: bytes) -> str:
    """Return the id of the silence that was stored; ValueError as above."""
    return _decode(body, _StoredSilence).silenceID


def read_nothing(body: bytes) -> None:
    """Accept the empty answer of a call that only does something; ValueError for a page of something else."""
    if body.strip():
        _decode(body, Any)


def silence_body(silence: Silence) -> bytes:
    """Return what stores `silence`; with an id it takes the place of that one."""
    known = {"id": silence.id} if silence.id else {}
    matchers = [
        {"name": one.name, "value": one.value, "isRegex": one.is_regex, "isEqual": one.is_equal}
        for one in silence.matchers
    ]
    return msgspec.json.encode(
        {
            **known,
            "matchers": matchers,
            "startsAt": _moment(silence.starts),
            "endsAt": _moment(silence.ends),
            "createdBy": silence.author,
            "comment": silence.comment,
        }
    )


def alerts_body(alerts: Sequence[FiredAlert]) -> bytes:
    """Return what sends `alerts`."""
    return msgspec.json.encode([_alert(one) for one in alerts])


def _alert(alert: FiredAlert) -> Mapping[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": _moment(alert.starts),
        "endsAt": _moment(alert.ends),
        **({"generatorURL": alert.source} if alert.source else {}),
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
