"""Text messages with a real store, a real outbox and vendors that answer; the clock is moved by hand."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from exporter.actions.sms import ACTION
from exporter.core.action import ActionKit
from exporter.core.clock import SystemClock
from exporter.core.errors import StoreError
from exporter.core.metric import HistogramValue, Metric
from exporter.core.sms import Sms
from exporter.core.sms_incident import TextVerdict
from exporter.core.text_message import TextMessage
from exporter.exposition import Exposition
from exporter.ingest.counters import EventCounters
from exporter.net.network import LoopNetwork
from exporter.notices.sms import SmsIntake
from exporter.notices.sms_follow_up import TextFollowUp
from exporter.notices.sms_ledger import TextLedger
from exporter.outbox.outbox import Outbox
from exporter.store.claims import expire
from exporter.store.database import Database
from exporter.store.retries import RetryChoice
from exporter.store.subjects.sms import TextOrder, account_of, note_accepted, query, take_orders
from exporter.store.threads import in_thread
from tests.notices.messages import alert, message
from tests.waiting import PATIENCE


class MovedClock(SystemClock):
    """The clock of the machine, moved by `ahead` seconds."""

    ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead


class TextRoom:
    """One replica: the way in, the outbox, and what follows messages up; `broken` is a store that fails."""

    def __init__(self, database: Database, settings: Sms | None) -> None:
        self.database, self.broken = database, False
        self.clock, self.network = MovedClock(), LoopNetwork()
        self.counters = EventCounters(Exposition())
        kit = ActionKit(
            self.network, lambda _: None, lambda _: None, self.clock.now, texts=lambda: self.ledger
        )
        self.outbox = Outbox(database, [ACTION(kit)], clock=self.clock)
        commits = self.outbox.commits

        async def store(order: TextOrder) -> tuple[TextVerdict, int]:
            if self.broken:
                raise StoreError("planted: the disk is full")
            return await commits.write(take_orders, order)

        self.ledger = TextLedger(
            lambda taken: commits.write(note_accepted, taken),
            lambda name: in_thread(lambda: database.read(lambda connection: account_of(connection, name))),
            self.counters.add,
            self.counters.set,
            self.clock.now,
        )
        self.intake = SmsIntake(self.ledger, store, self.outbox.wake, self.clock.now)
        self.follow_up = TextFollowUp(
            self.ledger,
            commits,
            self.network,
            lambda: self.outbox.backlogs,
            self.outbox.wake,
            self.clock.now,
        )
        self.ledger.apply(settings)

    async def fire(self, ends: float | None = None, **labels: str) -> str:
        """Let Alertmanager send a critical alert, or its resolution; return the verdict."""
        return (await self.intake.receive(group(ends, **labels))).verdict

    async def tidy(self) -> None:
        """Let the outbox do now what it does every few seconds: expire what is old, count what waits."""
        with self.database.writing() as connection:
            expire(connection, self.clock.now())
        await self.outbox.retry(RetryChoice(ids=("none",)), "test")

    def messages(self) -> list[TextMessage]:
        """Return what is stored, the oldest first."""
        return list(reversed(self.database.read(query).rows))

    def value(self, metric: Metric, *labels: str) -> float | None:
        found = self.counters.value(metric, labels)
        assert not isinstance(found, HistogramValue)
        return found


def group(ends: float | None = None, /, **labels: str) -> bytes:
    """Return the body of a message on one critical alert."""
    given = {"severity": "critical", "integration": "payments", "provider": "stripe", **labels}
    one = alert("IntegrationDown", starts=1_795_000_000.0, ends=ends, **given)
    return message(one, receiver="critical", groupLabels=grouped(one["labels"]), groupKey=json.dumps(given))


def grouped(labels: dict[str, str]) -> dict[str, Any]:
    """Return the labels that our routes group by."""
    return {name: labels[name] for name in ("alertname", "integration", "severity") if name in labels}


@asynccontextmanager
async def text_room(url: str, settings: Sms | None, *, start: bool = True) -> AsyncIterator[TextRoom]:
    """Open the store at `url`, and close everything at the end of the block."""
    database = Database(url)
    database.open()
    made = TextRoom(database, settings)
    try:
        if start:
            await made.outbox.start()
        yield made
    finally:
        assert await made.outbox.stop(PATIENCE)
        await made.network.close()
        database.close()
