"""An intake of events on every kind, with a real SQLite store."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from exporter import registry
from exporter.core.configuration import Configuration, Integration, StoreSettings
from exporter.core.errors import StoreError
from exporter.core.event_settings import EventSettings
from exporter.core.metric import HistogramValue, Metric
from exporter.core.notifications import Notifications
from exporter.core.webhook import Webhooks
from exporter.exposition import Exposition
from exporter.ingest.counters import EventCounters
from exporter.ingest.events import EventIntake, IntakeResult
from exporter.store.batch import Batch
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from exporter.store.ledger import AuditLedger, DurableEvent
from tests.waiting import PATIENCE

NOW = 1_795_000_000.0
JSON = "application/json"

MINIMAL: dict[str, dict[str, Any]] = {name: dict(kind.example) for name, kind in registry.events().items()}
"""A small event of each kind that is right."""

JOBS = Metric("integration_app_jobs_waiting", "Jobs that wait.", labels=("queue",))
SETTINGS = EventSettings(metrics={"jobs_waiting": JOBS}, labels={"jobs_waiting.queue": ("mail", "pdf")})


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **MINIMAL[kind], **fields}


def configuration(settings: EventSettings = SETTINGS, webhooks: Webhooks | None = None) -> Configuration:
    stripe = registry.probes()["stripe"]
    return Configuration(
        path=None,
        integrations=(Integration("payments", stripe, critical=False, interval=300.0),),
        targets={},
        thresholds=(),
        notifications=Notifications(),
        store=StoreSettings(),
        webhooks=webhooks or Webhooks(),
        events=settings,
    )


class Desk:
    """An intake and everything that it reports to; `broken` is a store that fails."""

    def __init__(self, database: Database) -> None:
        self.broken = False
        self.now = NOW
        self.exposition = Exposition()
        self.counters = EventCounters(self.exposition)
        self.database = database
        self.commit = GroupCommit(database)
        self.ledger = AuditLedger()
        self.intake = EventIntake(
            registry.events(), self.counters, self._store, self._submit, lambda: self.now
        )
        self.intake.apply(configuration())

    async def _store(self, events: Sequence[DurableEvent]) -> list[bool]:
        if self.broken:
            raise StoreError("planted: the disk is full")
        return await self.commit.write(self.ledger.store, events)

    def _submit(self, batch: Batch) -> None:
        self.database.write([batch])

    async def send(self, *events: Any, tenants: Any = None) -> IntakeResult:
        return await self.intake.receive(json.dumps(events).encode(), JSON, tenants)

    def value(self, metric: Metric, *labels: str) -> float | None:
        found = self.counters.value(metric, labels)
        assert not isinstance(found, HistogramValue)
        return found

    def body(self) -> str:
        for _ in self.counters.show():
            pass
        return self.exposition.render(openmetrics=False, gzip=False).decode()


@asynccontextmanager
async def desk(directory: Path) -> AsyncIterator[Desk]:
    database = Database(f"sqlite:///{directory / 'store.db'}")
    database.open()
    made = Desk(database)
    try:
        yield made
    finally:
        assert await made.commit.close(PATIENCE)
        database.close()
