"""A desk with a real store, whose Alertmanagers a test names."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from exporter.alertmanager.client import TIMEOUT, AlertmanagerClient
from exporter.core.alertmanager import AlertmanagerAddress
from exporter.core.errors import StoreError
from exporter.core.generation import AGGREGATION_LABELS
from exporter.core.metric import HistogramValue, Metric
from exporter.exposition import Exposition
from exporter.ingest.counters import EventCounters
from exporter.net.network import LoopNetwork
from exporter.notices.acknowledgements import Acknowledgements
from exporter.notices.desk import AlertDesk
from exporter.notices.manual import ManualAlerts
from exporter.notices.series import AlertSeries
from exporter.store.alert_records import AlertRecord, add_records
from exporter.store.database import Database
from exporter.store.group_commit import GroupCommit
from exporter.store.threads import in_thread
from tests.waiting import PATIENCE

CONFIG = """
route: {receiver: nobody, group_wait: 1s, group_interval: 1s}
receivers: [{name: nobody}]
inhibit_rules:
  - source_matchers: ['severity="critical"']
    target_matchers: ['severity="low"']
    equal: [integration]
"""


@dataclass
class DeskStage:
    """A desk and what it works with; `broken` is a store that fails, `now` a clock that is set by hand."""

    desk: AlertDesk
    client: AlertmanagerClient
    database: Database
    counters: EventCounters
    broken: bool = False
    ahead: float = 0.0

    def value(self, metric: Metric, *labels: str) -> float | None:
        """Return what a series has."""
        found = self.counters.value(metric, labels)
        assert not isinstance(found, HistogramValue)
        return found


@asynccontextmanager
async def desk_stage(url: str, *addresses: str, timeout: float = TIMEOUT) -> AsyncIterator[DeskStage]:
    """Open the store at `url`, and close it at the end of the block; Alertmanager is at `addresses`."""
    database, network = Database(url), LoopNetwork()
    database.open()
    commit, counters = GroupCommit(database), EventCounters(Exposition())
    known = AlertmanagerAddress(tuple(f"http://{one}" for one in addresses))
    client = AlertmanagerClient(network, lambda: known, timeout)

    async def read(call: Callable[[Any], Any]) -> Any:
        check()
        return await in_thread(lambda: database.read(call))

    async def record(entry: AlertRecord) -> bool:
        check()
        return await commit.write(add_records, entry)

    async def write(step: Callable[..., Any], item: Any) -> Any:
        check()
        return await commit.write(step, item)

    def check() -> None:
        if stage.broken:
            raise StoreError("planted: the disk is full")

    def now() -> float:
        return time.time() + stage.ahead

    manual = ManualAlerts(client, write, read, now)
    acknowledgements = Acknowledgements(client, lambda: AGGREGATION_LABELS)
    desk = AlertDesk(client, acknowledgements, record, read, AlertSeries(counters.add), manual, now)
    stage = DeskStage(desk, client, database, counters)
    try:
        yield stage
    finally:
        assert await commit.close(PATIENCE)
        database.close()
        await network.close()


async def until_true(question: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it is so: what one member knows the other learns a moment later."""
    async with asyncio.timeout(PATIENCE):
        while not await question():
            await asyncio.sleep(0.05)
