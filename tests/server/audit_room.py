"""A server with a whole audit on a real store: events come in over HTTP, entries go out over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from exporter import registry
from exporter.core.configuration import Configuration
from exporter.core.event_settings import AuditSettings, EventSettings
from exporter.exposition import Exposition
from exporter.ingest.audit import AuditLog
from exporter.ingest.audit_trail import AuditTrail
from exporter.ingest.counters import EventCounters
from exporter.ingest.events import EventIntake
from exporter.ingest.risk import RiskJudge
from exporter.store.batch import Batch
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from exporter.store.ledger import AuditLedger, DurableEvent
from tests.ingest.reporting import configuration
from tests.server.house import NOW, House, Reply, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config
from tests.waiting import PATIENCE

T = TypeVar("T")

DAY_TIME = NOW - NOW % 86_400 + 12 * 3600
"""Noon in UTC, which is no off hour."""


class AuditParts:
    """Everything that the audit has in a process; `make_again` is a restart on the same store."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self.database, self.now = database, now
        self.commit = GroupCommit(database)
        self.make_again()

    def make_again(self) -> None:
        self.exposition = Exposition()
        self.counters = EventCounters(self.exposition)
        self.judge = RiskJudge()
        self.ledger = AuditLedger(self.judge)
        log = AuditLog(self._submit, self.now, self.ledger, self.counters)
        self.trail = AuditTrail(log, self.judge, self.commit, self._read, self.counters, self.now)
        self.intake = EventIntake(
            registry.events(), self.counters, self._store, self._submit, self.now, self.trail.watch
        )
        self.apply(configuration())

    def apply(self, found: Configuration) -> None:
        self.intake.apply(found)
        self.trail.apply(found)

    def configure(self, settings: AuditSettings) -> None:
        self.apply(replace(configuration(), events=EventSettings(audit=settings)))

    def metrics(self) -> str:
        for part in (self.trail.show(), self.counters.show()):
            for _ in part:
                pass
        return self.exposition.render(openmetrics=False, gzip=False).decode()

    async def _store(self, events: Sequence[DurableEvent]) -> list[bool]:
        return await self.commit.write(self.ledger.store, events)

    async def _read(self, call: Callable[[Connection], T], /) -> T:
        return await asyncio.to_thread(self.database.read, call)

    def _submit(self, batch: Batch) -> None:
        self.database.write([batch])


@dataclass
class AuditRoom:
    """What a test asks: as an app (`send`), or as an administrator (`ask`)."""

    parts: AuditParts
    room: Room
    house: House

    async def send(self, *events: dict[str, Any], token: str = "ingest") -> Reply:
        return await self.house.ask("/api/v1/events", "POST", bearer(TOKENS[token]), json=list(events))

    async def ask(self, path: str, method: str = "GET", token: str = "admin", **more: Any) -> Reply:
        return await self.house.ask(path, method, bearer(TOKENS[token]), **more)

    async def entries(self, query: str = "") -> list[dict[str, Any]]:
        reply = await self.ask(f"/api/v1/audit?limit=1000{query}")
        assert reply.status == 200, reply.text
        found: list[dict[str, Any]] = reply.json["audit"]
        return found

    async def flagged(self) -> list[tuple[str, str, int]]:
        """Return action, flag and risk of what waits for a review, the oldest first."""
        found = [(one["action"], one["flag"], one["risk"]) for one in await self.entries("&review=open")]
        return found[::-1]


@asynccontextmanager
async def audit_room(folder: Path) -> AsyncIterator[AuditRoom]:
    database = Database(f"sqlite:///{folder / 'state.db'}")
    database.open()
    room = Room([state("payments", "acme")], path=web_config(folder), store=database, now=DAY_TIME)
    parts = AuditParts(database, lambda: room.now)
    room.events, room.audit_trail = parts.intake, parts.trail
    try:
        async with house(room) as made:
            yield AuditRoom(parts, room, made)
    finally:
        await parts.commit.close(PATIENCE)
        database.close()
