"""How many text messages one incident sends, whatever Alertmanager repeats and however alerts flap."""

from dataclasses import dataclass, replace
from enum import StrEnum

from exporter.core.notice import FIRING, RESOLVED
from exporter.core.text_message import GroupNotice

FLAP = 900.0
"""Seconds after its resolution within which a group that fires again is the same incident."""

LONGEST_SILENCE = 86_400.0
"""Seconds without a notice after which what fires is another incident: Alertmanager repeats every hour."""

REMIND = 1800.0
"""Seconds between two messages of what goes on firing: alerts that join it have no message of their own."""


class TextVerdict(StrEnum):
    """What becomes of a notice: a message, nothing because it is no news, or nothing because of the cap."""

    SEND = "send"
    REPEATED = "repeated"
    CAPPED = "capped"


@dataclass(frozen=True)
class SmsIncident:
    """A group of alerts from its first notice on; times are Unix seconds.

    `state` and `at` are those of the last notice, `sent` and `sent_at` those of the last message ("" and 0
    before there is one). `number` counts the messages.
    """

    began: float
    at: float
    state: str = FIRING
    sent: str = ""
    sent_at: float = 0.0
    number: int = 0


def judge(before: SmsIncident | None, notice: GroupNotice, most: int) -> tuple[SmsIncident, TextVerdict]:
    """Return the incident after `notice`, and whether it sends a message; `most` are those it may have.

    The cap counts every message. What goes on firing leaves one for the resolution; what fires again after
    a resolution may take the last one, because not to know of it is worse.
    """
    current = before if before and _continues(before, notice) else SmsIncident(notice.at, notice.at)
    current = replace(current, at=notice.at, state=notice.state)
    if not _is_news(current, notice):
        return current, TextVerdict.REPEATED
    reminds = notice.state == FIRING and current.sent == FIRING
    if current.number + 1 > (most - 1 if reminds else most):
        return current, TextVerdict.CAPPED
    sent = replace(current, sent=notice.state, sent_at=notice.at, number=current.number + 1)
    return sent, TextVerdict.SEND


def _continues(before: SmsIncident, notice: GroupNotice) -> bool:
    silence = notice.at - before.at
    return silence <= (FLAP if before.state == RESOLVED else LONGEST_SILENCE)


def _is_news(current: SmsIncident, notice: GroupNotice) -> bool:
    if notice.state == RESOLVED:
        return current.sent == FIRING
    return current.sent != FIRING or notice.at - current.sent_at >= REMIND
