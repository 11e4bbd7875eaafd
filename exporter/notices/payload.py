"""From the body of Alertmanager's webhook to notices.

The format is version 4 of https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from exporter.core.alert_identity import TEST
from exporter.core.notice import LONGEST_NAME, RESOLVED, Notice

VERSION = "4"

TESTED = " (test)"
"""What the name of a test alert ends with in the history, beside those that are real."""

MOST_ALERTS = 10_000
"""Alerts of one message: `generate` asks Alertmanager for no more."""

# Go writes what never happened as a moment of the year 1, and other programs as one of 1970.
_FIRST_YEAR = 1971


class PayloadError(ValueError):
    """A body that is no message of Alertmanager, in one sentence."""


class _SentAlert(msgspec.Struct):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    startsAt: Annotated[datetime, Meta(tz=True)]
    fingerprint: Annotated[str, Meta(pattern=r"\A[0-9A-Fa-f]{1,64}\Z")]
    endsAt: Annotated[datetime, Meta(tz=True)] | None = None
    annotations: dict[str, str] = {}


class _Message(msgspec.Struct):
    version: str
    alerts: list[_SentAlert]
    groupKey: str = ""
    receiver: str = ""
    groupLabels: dict[str, str] = {}
    truncatedAlerts: Annotated[int, Meta(ge=0)] = 0


@dataclass(frozen=True)
class NoticePayload:
    """The notices of a message, how many alerts Alertmanager left out of it, and what they are grouped by."""

    notices: tuple[Notice, ...]
    truncated: int = 0
    group: Mapping[str, str] = field(default_factory=dict)


_DECODER = msgspec.json.Decoder(_Message)


def read_payload(body: bytes, now: float) -> NoticePayload:
    """Return what `body` says, accepted at `now` (Unix seconds); PayloadError where it says nothing."""
    try:
        message = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise PayloadError(f"this is no message of Alertmanager's webhook: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise PayloadError("the body is no JSON") from None
    if message.version != VERSION:
        raise PayloadError(f"only version {VERSION} of Alertmanager's webhook is known here")
    if not message.alerts:
        raise PayloadError("the message has no alerts")
    if len(message.alerts) > MOST_ALERTS:
        raise PayloadError(f"a message has at most {MOST_ALERTS} alerts: set max_alerts of the receiver")
    return NoticePayload(tuple(_notices(message, now)), message.truncatedAlerts, message.groupLabels)


def _notices(message: _Message, now: float) -> Iterator[Notice]:
    for index, sent in enumerate(message.alerts):
        if sent.startsAt.year < _FIRST_YEAR:
            raise PayloadError(f"alerts[{index}].startsAt is no time at which an alert can have begun")
        yield Notice(
            at=now,
            state=sent.status,
            # Else a test would count as one of the rule that it tests.
            alert=_name(sent, "alertname") + (TESTED if TEST in sent.labels else ""),
            severity=_name(sent, "severity"),
            integration=_name(sent, "integration"),
            tenant=_name(sent, "tenant"),
            provider=_name(sent, "provider"),
            fingerprint=sent.fingerprint.lower(),
            starts=_to_milliseconds(sent.startsAt).timestamp(),
            ends=_end(sent),
            summary=sent.annotations.get("summary", ""),
            description=sent.annotations.get("description", ""),
            group_key=message.groupKey,
            receiver=message.receiver,
            labels=sent.labels,
            annotations=sent.annotations,
        )


def _name(sent: _SentAlert, label: str) -> str:
    return sent.labels.get(label, "")[:LONGEST_NAME]


def _end(sent: _SentAlert) -> float | None:
    """Return when it was resolved; that of an alert which fires is only when Prometheus must speak again."""
    if sent.status != RESOLVED or sent.endsAt is None or sent.endsAt.year < _FIRST_YEAR:
        return None
    return max(sent.endsAt, sent.startsAt).timestamp()


def _to_milliseconds(time: datetime) -> datetime:
    """Return `time` as Alertmanager's API says it, which cuts off the rest: both must name one incident."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
