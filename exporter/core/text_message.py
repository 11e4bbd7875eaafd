"""A text message on its way to one phone, and the group of alerts that it speaks of."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from exporter.core.sms import Sms

SMS = "sms"
"""Kind of the deliveries of text messages, and their endpoint: one queue, whatever account takes them."""

FIRST, SECOND, AMAZON = "twilio", "fallback", "sns"
ACCOUNTS = (FIRST, SECOND, AMAZON)
"""What a message may go by, in the order in which it is tried."""


LIFE = 4 * 3600.0
"""Seconds after which a message is no news any more, and is given up."""


class TextState(StrEnum):
    """How far a text message is: `sent` is the last word of vendors and carriers without receipts."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class TextBody(msgspec.Struct, frozen=True):
    """What the delivery of a message holds: phone, text, what it is about, accounts to leave out."""

    to: str
    text: str
    about: str = ""
    tried: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return the body of the delivery."""
        return msgspec.json.encode(self)


@dataclass(frozen=True)
class GroupNotice:
    """A group of alerts as Alertmanager sent it at `at` (Unix seconds): firing, or resolved as a whole.

    `incident` names the group by the labels that it is grouped by. `text` is what a message says,
    `last_text` what it says where it is the last one of its incident. `about` is the provider that all
    alerts speak of, "" for several.
    """

    at: float
    state: str
    incident: str
    text: str
    last_text: str
    alert: str = ""
    severity: str = ""
    integration: str = ""
    tenant: str = ""
    about: str = ""


@dataclass(frozen=True)
class TextMessage:
    """A message to one phone; times are Unix seconds.

    `number` counts the messages of the incident from 1, `notice` is firing or resolved. `delivery` is the id
    of what brings it, another one each time that it is sent again. `account` took it last, at `accepted`,
    and calls it `sid`. `tried` are accounts that took it and did not bring it to the phone. `reason` and
    `detail` say why it failed, or did so last.
    """

    id: str
    at: float
    incident: str
    number: int
    recipient: str
    text: str
    notice: str
    state: TextState = TextState.WAITING
    alert: str = ""
    severity: str = ""
    integration: str = ""
    tenant: str = ""
    about: str = ""
    account: str = ""
    sid: str = ""
    tried: tuple[str, ...] = ()
    reason: str = ""
    detail: str = ""
    delivery: str = ""
    accepted: float | None = None


class TextMessages(Protocol):
    """What the action of text messages asks, and where it notes what vendors say."""

    @property
    def settings(self) -> Sms | None:
        """How messages are sent now, None where no message is."""

    async def account_of(self, delivery: str) -> str:
        """Return the account that is known to have taken the message of a delivery; "" for none.

        This never fails: where it cannot be known nobody has it.
        """

    async def note_accepted(self, delivery: str, account: str, sid: str) -> None:
        """Note that an account took the message of a delivery; this never fails."""

    def note_failure(self, account: str, reason: str, *, uncertain: bool) -> None:
        """Count that an account did not take a message; `uncertain`: it may have, without an answer."""
