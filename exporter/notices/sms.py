"""Takes the groups of alerts that Alertmanager sends for phones: stored before the answer, sent once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exporter.core import sms_metrics as m
from exporter.core.errors import StoreError
from exporter.core.sms_incident import TextVerdict
from exporter.notices.payload import read_payload
from exporter.notices.sms_ledger import TextLedger
from exporter.notices.sms_text import group_notice
from exporter.store.subjects.sms import TextOrder

StoreOrder = Callable[[TextOrder], Awaitable[tuple[TextVerdict, int]]]
"""Stores what a notice asks for, and returns what came of it; StoreError where that is not certain."""


@dataclass(frozen=True)
class SmsResult:
    """What became of a message of Alertmanager: the verdict, and how many text messages were stored."""

    verdict: str
    messages: int


class SmsIntake:
    """Stores text messages; `wake` is called once some wait. `now` is in Unix seconds."""

    def __init__(
        self, ledger: TextLedger, store: StoreOrder, wake: Callable[[], None], now: Callable[[], float]
    ) -> None:
        """Take nothing before `ledger` has settings."""
        self._ledger, self._store, self._wake, self._now = ledger, store, wake, now

    async def receive(self, body: bytes) -> SmsResult:
        """Store the message that `body` asks for; it is on the disk when this returns.

        Raises PayloadError for a body that is no message of Alertmanager, and StoreError where it could not
        be stored, or no account is configured: it may be sent again.
        """
        settings = self._ledger.settings
        if settings is None or settings.twilio is None:
            raise StoreError("notifications.sms.twilio is not configured")
        now = self._now()
        notice = group_notice(read_payload(body, now), now)
        verdict, count = await self._store(
            TextOrder(notice, tuple(dict.fromkeys(settings.to)), settings.per_incident)
        )
        if count:
            self._wake()
        if verdict is TextVerdict.SEND:
            self._ledger.add(m.REQUESTED, (), count)
        else:
            self._ledger.add(m.CAPPED if verdict is TextVerdict.CAPPED else m.REPEATED, (), 1)
        return SmsResult(verdict.value, count)
