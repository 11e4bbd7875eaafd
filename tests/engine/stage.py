"""An engine on a stage: a vendor that answers as the test says, a store that takes notes, and the scrape."""

from collections.abc import Iterable

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Kit, Target
from exporter.core.store import Snapshot
from exporter.engine.engine import Engine
from exporter.store.batch import Batch
from exporter.store.check_batch import CheckBatch
from tests.engine.making import QUEUE

MADE = 'integration="payments",provider="made",tenant=""'


class Vendor:
    """A check that does what the test says next."""

    def __init__(self) -> None:
        self.error: ProbeError | None = None
        self.facts: list[Sample] = []
        self.runs: list[str] = []

    async def __call__(self, target: Target, kit: Kit) -> Iterable[Sample]:
        self.runs.append(str(target))
        kit.trace.calls += 1
        for fact in self.facts:
            kit.fact(fact)
        if self.error:
            raise self.error
        return [QUEUE(3)]


class Kept:
    """Takes what is meant for the store."""

    def __init__(self) -> None:
        self.batches: list[CheckBatch] = []

    def __call__(self, batch: Batch) -> None:
        if isinstance(batch, CheckBatch):
            self.batches.append(batch)

    def snapshots(self) -> dict[tuple[str, str], Snapshot]:
        return {key: snapshot for batch in self.batches for key, snapshot in batch.snapshots.items()}


async def body(engine: Engine) -> list[str]:
    text = (await engine.render(False, False)).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


async def named(engine: Engine) -> set[str]:
    """Names of the series of targets that are shown."""
    lines = await body(engine)
    return {line.partition("{")[0] for line in lines if "tenant=" in line}
