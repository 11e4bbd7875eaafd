"""Messages as Alertmanager sends them, and an intake with a real store."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from exporter.core.errors import StoreError
from exporter.core.metric import HistogramValue, Metric
from exporter.core.notice import Notice, NoticeFate
from exporter.exposition import Exposition
from exporter.ingest.counters import EventCounters
from exporter.notices.intake import NoticeIntake
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from exporter.store.subjects.notices import add_new
from tests.waiting import PATIENCE

NOW = 1_795_000_000.0
NEVER = "0001-01-01T00:00:00Z"


def moment(at: float) -> str:
    """Return a time as Alertmanager writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def alert(
    name: str = "IntegrationDown", starts: float = NOW - 60, ends: float | None = None, **labels: str
) -> dict[str, Any]:
    """Return an alert of a message; one that `ends` is resolved."""
    given = {"alertname": name, "severity": "high", "integration": "payments", "provider": "stripe", **labels}
    return {
        "status": "firing" if ends is None else "resolved",
        "labels": given,
        "annotations": {"summary": f"{name} of {given['integration']}", "description": "See the runbook."},
        "startsAt": moment(starts),
        "endsAt": NEVER if ends is None else moment(ends),
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": f"{hash(tuple(sorted(given.items()))) & (1 << 64) - 1:016x}",
    }


def message(*alerts: dict[str, Any], **more: Any) -> bytes:
    """Return the body of a message of `alerts`."""
    whole = {
        "version": "4",
        "groupKey": '{}:{alertname="IntegrationDown"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "history",
        "groupLabels": {"alertname": "IntegrationDown"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": alerts,
    }
    return json.dumps(whole | more).encode()


class NoticeDesk:
    """An intake and everything that it reports to; `broken` is a store that fails."""

    def __init__(self, database: Database) -> None:
        self.broken = False
        self.now = NOW
        self.database = database
        self.commit = GroupCommit(database)
        self.counters = EventCounters(Exposition())
        self.intake = NoticeIntake(self._store, self.counters.add, self.counters.set, lambda: self.now)

    async def _store(self, notices: Sequence[Notice]) -> list[NoticeFate]:
        if self.broken:
            raise StoreError("planted: the disk is full")
        return await self.commit.write(add_new, notices)

    def value(self, metric: Metric, *labels: str) -> float | None:
        found = self.counters.value(metric, labels)
        assert not isinstance(found, HistogramValue)
        return found


@asynccontextmanager
async def notice_desk(url: str) -> AsyncIterator[NoticeDesk]:
    """Open the store at `url`, and close it at the end of the block."""
    database = Database(url)
    database.open()
    made = NoticeDesk(database)
    try:
        yield made
    finally:
        assert await made.commit.close(PATIENCE)
        database.close()
