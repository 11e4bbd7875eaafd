"""What vendors say of text messages: written down, and counted."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from exporter.core import sms_metrics as m
from exporter.core.delivery import REASONS
from exporter.core.errors import StoreError
from exporter.core.sms import Sms
from exporter.core.text_message import ACCOUNTS, AMAZON
from exporter.notices.series import Count
from exporter.store.subjects.sms import Acknowledgement

NoteAccepted = Callable[[Acknowledgement], Awaitable[None]]
"""Writes down who took a message; StoreError where that is not certain."""

FindAccount = Callable[[str], Awaitable[str]]
"""Returns the account that took the message of a delivery, "" for none; StoreError where it is not known."""


class TextLedger:
    """Implements `core.text_message.TextMessages`; `settings` are those of the configuration in force."""

    def __init__(
        self,
        store: NoteAccepted,
        find: FindAccount,
        add: Count,
        set_value: Count,
        now: Callable[[], float],
    ) -> None:
        """Send nothing before there are settings."""
        self.settings: Sms | None = None
        self.add, self.set = add, set_value
        self._store, self._find, self._now = store, find, now

    def apply(self, settings: Sms | None) -> None:
        """Work by `settings` from now on, and show every series of them from 0 on: `rate` needs that."""
        self.settings = settings
        if settings is None or settings.twilio is None:
            return
        for metric in (m.REQUESTED, m.REPEATED, m.CAPPED):
            self.add(metric, (), 0)
        for reason in REASONS:
            self.add(m.GIVEN_UP, (reason,), 0)
        for account in self._accounts(settings):
            for metric in (m.ACCEPTED, m.DELIVERED, m.UNCERTAIN):
                self.add(metric, (account,), 0)
            for reason in REASONS:
                self.add(m.FAILED, (account, reason), 0)

    async def account_of(self, delivery: str) -> str:
        """Return the account that took the message of a delivery, as far as it was written down."""
        with suppress(StoreError):  # rather twice than never
            return await self._find(delivery)
        return ""

    async def note_accepted(self, delivery: str, account: str, sid: str) -> None:
        """Count a message that an account took, and write down whom to ask about it."""
        now = self._now()
        self.add(m.ACCEPTED, (account,), 1)
        self.set(m.LAST_SUCCESS, (), now)
        asks = account != AMAZON and bool(sid)
        # It went out, whatever becomes of the note; without one nobody asks what became of it.
        with suppress(StoreError):
            await self._store(Acknowledgement(delivery, account, sid, now, asks))

    def note_failure(self, account: str, reason: str, *, uncertain: bool) -> None:
        """Count a message that an account did not take, or perhaps did."""
        self.add(m.FAILED, (account, str(reason)), 1)
        if uncertain:
            self.add(m.UNCERTAIN, (account,), 1)

    @staticmethod
    def _accounts(settings: Sms) -> tuple[str, ...]:
        there = settings.twilio, settings.twilio and settings.twilio.fallback, settings.sns
        return tuple(name for name, account in zip(ACCOUNTS, there, strict=True) if account)
