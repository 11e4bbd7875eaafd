"""Asks vendors what became of text messages, and lets another account bring what did not arrive."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from exporter.actions._text_vendors import TextFate, TextRefusal, vendors
from exporter.core import sms_metrics as m
from exporter.core.delivery import Backlog, EndpointKey
from exporter.core.errors import Shortage, StoreError
from exporter.core.network import Network
from exporter.core.text_message import LIFE, SMS, TextMessage, TextState
from exporter.notices.sms_ledger import TextLedger
from exporter.store.group_commit import GroupCommit
from exporter.store.subjects import sms

EVERY = 10.0
"""Seconds between two looks at what is under way."""

MOST_AT_ONCE = 20
"""Messages that are asked about in one look: each may take seconds."""

PATIENCE = 3600.0
"""Seconds after which a message of which nothing more was heard counts as sent: some carriers never say."""

T = TypeVar("T")


class TextFollowUp:
    """Follows messages that vendors took; `backlogs` returns what waits, `wake` is called when more does."""

    def __init__(
        self,
        ledger: TextLedger,
        commits: GroupCommit,
        network: Network,
        backlogs: Callable[[], Mapping[EndpointKey, Backlog]],
        wake: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        """Ask nothing yet."""
        self._ledger, self._commits, self._network = ledger, commits, network
        self._backlogs, self._wake, self._now = backlogs, wake, now

    async def run(self) -> None:
        """Look for ever; a store that fails costs a look."""
        while True:
            with suppress(StoreError):
                await self.round()
            await asyncio.sleep(EVERY)

    async def round(self) -> None:
        """Look once: count what was given up, ask about what is under way."""
        self._show_backlog()
        for one in await self._write(sms.close_finished):
            self._ledger.add(m.GIVEN_UP, (one.reason,), 1)
        settings = self._ledger.settings
        if settings is None or settings.twilio is None:
            return
        now = self._now()
        waiting = await self._write(lambda connection: sms.claim_unknown(connection, now, MOST_AT_ONCE))
        await asyncio.gather(*map(self._look, waiting))

    async def _look(self, message: TextMessage) -> None:
        fate = await self._ask(message)
        old = self._now() - (message.accepted or message.at) >= PATIENCE
        if fate is None or fate.delivered is None:
            if old:
                await self._settle(message, TextState.SENT)
        elif fate.delivered:
            if await self._settle(message, TextState.DELIVERED):
                self._ledger.add(m.DELIVERED, (message.account,), 1)
        else:
            await self._fail(message, fate)

    async def _ask(self, message: TextMessage) -> TextFate | None:
        """Return how the message does, None where that cannot be known now."""
        settings = self._ledger.settings
        for vendor in vendors(settings, self._network) if settings else ():
            if vendor.name == message.account:
                with suppress(TextRefusal, Shortage):
                    return await vendor.ask(message.sid, self._now())
        return None

    async def _fail(self, message: TextMessage, fate: TextFate) -> None:
        """Let the next account try, where there is one and it can still help."""
        failed = replace(message, reason=fate.reason, detail=fate.detail)
        settings, now = self._ledger.settings, self._now()
        left = {one.name for one in vendors(settings, self._network)} if settings else set()
        left -= {*message.tried, message.account}
        if fate.final or not left or now - message.at >= LIFE:
            if await self._settle(failed, TextState.FAILED):
                self._ledger.note_failure(message.account, fate.reason, uncertain=False)
                self._ledger.add(m.GIVEN_UP, (fate.reason,), 1)
        elif await self._write(lambda connection: sms.send_again(connection, failed, now)):
            self._ledger.note_failure(message.account, fate.reason, uncertain=False)
            self._wake()

    async def _settle(self, message: TextMessage, state: TextState) -> bool:
        done = replace(message, state=state)
        return await self._write(lambda connection: sms.settle(connection, done))

    def _show_backlog(self) -> None:
        backlog = self._backlogs().get((SMS, SMS), Backlog())
        self._ledger.set(m.BACKLOG, (), backlog.waiting)
        # 0 where none waits: the age is asked for only where the backlog is not empty.
        self._ledger.set(m.OLDEST, (), backlog.oldest or 0.0)

    async def _write(self, call: Callable[[Connection], T]) -> T:
        def step(connection: Connection, _calls: Sequence[None]) -> list[T]:
            return [call(connection)]

        return await self._commits.write(step, None)
