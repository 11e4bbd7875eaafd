"""The writer never hurts its caller, whatever the store does."""

import asyncio
import math
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from structlog.testing import LogCapture

from exporter.core.errors import StoreError
from exporter.core.store import Snapshot
from exporter.core.token import TokenEvent
from exporter.store.batch import MOST, Batch
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.errors import UnwritableError
from exporter.store.subjects import targets
from exporter.store.subjects.token_log import TokenLogBatch
from exporter.store.writer import READERS, Writer
from tests.store.records import KEY, change, failure, snapshot
from tests.waiting import PATIENCE, until

T = TypeVar("T")

EVENT = TokenEvent(1.0, "calendar", "acme", "made", "access", "probe", "refresh", "ok")


class MadeStore(Database):
    """A store in memory that fails with `error` or hangs until `gate` is set, as a test tells it."""

    def __init__(self) -> None:
        super().__init__("sqlite:///nowhere.db")
        self.written: list[CheckBatch] = []
        self.entries: list[TokenEvent] = []
        self.error: Exception | None = None
        self.refuses: type[Batch] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.opened = self.attempts = 0
        self.times: list[float] = []
        self.retained: list[Mapping[str, float]] = []
        self.closed = False
        self.old = 0
        self.order: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def open(self) -> None:
        self.opened += 1

    def write(self, batches: Iterable[Batch]) -> None:
        self.attempts += 1
        self.times.append(time.monotonic())
        self.answer()
        found = list(batches)
        if any(type(batch) is self.refuses for batch in found):
            raise UnwritableError("no form")
        self.order.append("write")
        for batch in found:
            if isinstance(batch, TokenLogBatch):
                self.entries += batch.records
            elif isinstance(batch, CheckBatch):
                self.written.append(
                    CheckBatch(dict(batch.snapshots), [*batch.changes], [*batch.failures], {*batch.forget})
                )

    def read(self, call: Callable[[Any], T]) -> T:
        self.answer()
        return call(self)

    def snapshots(self) -> list[Snapshot]:
        return [found for batch in self.written for found in batch.snapshots.values()]

    def changes(self) -> list[float]:
        return [found.at for batch in self.written for found in batch.changes]

    def retain(self, seconds: Mapping[str, float], now: float) -> int:
        self.retained.append(seconds)
        self.order.append("retain")
        self.old -= min(self.old, 1)
        self.meanwhile()
        return 1 if self.old else 0

    @property
    def shared(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def answer(self) -> None:
        self.gate.wait(60)
        if self.error is not None:
            raise self.error


@pytest.fixture
def store() -> MadeStore:
    return MadeStore()


@pytest.fixture
async def writer(store: MadeStore) -> AsyncIterator[Writer]:
    made = Writer(store, every=0.02, longest_wait=0.1, most=10)
    yield made
    store.error = None
    store.gate.set()
    await made.close(PATIENCE)


@pytest.fixture
def lines() -> Iterable[LogCapture]:
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    yield capture
    structlog.configure(processors=before)


def moments(count: int, start: int = 0) -> CheckBatch:
    return CheckBatch(changes=[change(float(at)) for at in range(start, start + count)])


async def test_what_is_submitted_is_written_without_being_asked(writer: Writer, store: MadeStore) -> None:
    writer.submit(CheckBatch({KEY: snapshot()}))
    await until(lambda: bool(store.written))
    assert store.opened == 1
    assert writer.healthy


async def test_many_batches_join_one_transaction(store: MadeStore) -> None:
    writer = Writer(store, every=60.0)
    for number in range(200):
        writer.submit(CheckBatch({KEY: snapshot(failures=number)}, [change(float(number))]))
        await asyncio.sleep(0)
    assert await writer.close(PATIENCE)
    assert len(store.written) <= 2
    assert store.written[-1].snapshots[KEY].failures == 199
    assert store.changes() == [float(number) for number in range(200)]
    assert store.closed


async def test_a_flush_tells_that_everything_is_in_the_store(writer: Writer, store: MadeStore) -> None:
    writer.submit(moments(2))
    assert await writer.flush(PATIENCE)
    assert store.changes() == [0.0, 1.0]
    assert await writer.flush(PATIENCE)


async def test_a_store_that_fails_is_tried_again_and_nothing_is_lost_or_doubled(
    writer: Writer, store: MadeStore, lines: LogCapture
) -> None:
    store.error = StoreError("the disk is full")
    writer.submit(moments(2))
    assert not await writer.flush(PATIENCE)
    writer.submit(moments(2, start=2))
    await until(lambda: writer.failed_writes >= 3)
    await until(lambda: not writer.healthy)
    store.error = None
    await until(lambda: writer.healthy)
    assert await writer.flush(PATIENCE)
    assert store.changes() == [0.0, 1.0, 2.0, 3.0]
    assert writer.dropped == 0
    assert [(line["event"], line.get("error")) for line in lines.entries] == [
        ("the store fails", "the disk is full"),
        ("the store works again", None),
    ]


async def test_what_comes_while_a_write_fails_is_written_after_it(writer: Writer, store: MadeStore) -> None:
    store.gate.clear()
    writer.submit(moments(1))
    await until(lambda: store.attempts == 1)
    writer.submit(moments(1, start=1))
    store.error = StoreError("locked")
    store.gate.set()
    await until(lambda: not writer.healthy)
    store.error = None
    assert await writer.flush(PATIENCE)
    assert store.changes() == [0.0, 1.0]


async def test_a_failing_store_is_left_in_peace_for_longer_and_longer(store: MadeStore) -> None:
    writer = Writer(store, every=0.02, longest_wait=30.0)
    store.error = StoreError("locked")
    writer.submit(moments(1))
    await until(lambda: store.attempts >= 5)
    waits = [after - before for before, after in pairwise(store.times)]
    assert all(wait > 0.9 * 0.02 * 2**turn for turn, wait in enumerate(waits, start=1)), waits
    await writer.close(PATIENCE)


async def test_what_waits_is_bounded_and_the_oldest_is_dropped(writer: Writer, store: MadeStore) -> None:
    store.error = StoreError("locked")
    for start in range(0, 100, 5):
        writer.submit(moments(5, start))
    writer.submit(CheckBatch(failures=[failure(float(at)) for at in range(30)]))
    await until(lambda: writer.failed_writes >= 2)
    store.error = None
    assert await writer.flush(PATIENCE)
    assert store.changes() == [float(at) for at in range(90, 100)]
    assert writer.dropped == 90 + 20


async def test_a_batch_that_can_never_be_written_does_not_block_the_next(
    writer: Writer, store: MadeStore
) -> None:
    for error in (UnwritableError("no form"), KeyError("a mistake")):
        store.error = error
        before = writer.dropped
        writer.submit(moments(3))
        await writer.flush(PATIENCE)  # its answer depends on whether the thread was there first
        assert writer.dropped == before + 3
    store.error = None
    writer.submit(moments(1, start=7))
    assert await writer.flush(PATIENCE)
    assert store.changes() == [7.0]


async def test_a_kind_that_can_never_be_written_costs_no_other_kind(writer: Writer, store: MadeStore) -> None:
    store.gate.clear()
    writer.submit(moments(1))
    await until(lambda: store.attempts == 1)
    store.refuses = TokenLogBatch
    writer.submit(TokenLogBatch([EVENT] * 3))
    writer.submit(moments(2, start=1))
    store.gate.set()
    await until(lambda: writer.dropped == 3)
    assert await writer.flush(PATIENCE)
    assert (store.changes(), store.entries, writer.dropped) == ([0.0, 1.0, 2.0], [], 3)


async def test_kinds_wait_side_by_side_each_within_its_bound(writer: Writer, store: MadeStore) -> None:
    store.error = StoreError("locked")
    for start in range(0, 30, 5):
        writer.submit(moments(5, start))
        writer.submit(TokenLogBatch([replace(EVENT, at=float(at)) for at in range(start, start + 4)]))
    await until(lambda: writer.failed_writes >= 2)
    store.error = None
    assert await writer.flush(PATIENCE)
    assert store.changes() == [float(at) for at in range(20, 30)]
    assert [entry.at for entry in store.entries] == [17, 18, *range(20, 24), *range(25, 29)]
    assert writer.dropped == 20 + 14


async def test_a_store_that_hangs_blocks_neither_loop_nor_end(writer: Writer, store: MadeStore) -> None:
    store.gate.clear()
    writer.submit(moments(1))
    await until(lambda: store.attempts == 1)
    assert not await writer.flush(0.1)
    writer.submit(moments(1, start=1))
    assert not await writer.close(0.1)
    writer.submit(moments(4))
    assert (store.attempts, store.written) == (1, [])  # the first write is still under way
    assert writer.dropped == 4


async def test_a_read_is_made_beside_the_loop(writer: Writer, store: MadeStore) -> None:
    writer.submit(CheckBatch({KEY: snapshot()}))
    await writer.flush(PATIENCE)
    assert await writer.read(lambda _: store.snapshots()) == [snapshot()]
    assert await writer.read(lambda _: threading.current_thread() is not threading.main_thread())
    store.error = StoreError("damaged")
    with pytest.raises(StoreError, match="damaged"):
        await writer.read(lambda _: None)


async def test_reads_of_a_store_that_hangs_end_in_time_and_take_few_threads(
    writer: Writer, store: MadeStore
) -> None:
    store.gate.clear()
    before = threading.active_count()
    reads = [writer.read(lambda _: None, timeout=0.1) for _ in range(20)]
    found = await asyncio.gather(*reads, return_exceptions=True)
    assert {str(error) for error in found} == {"the store did not answer within 0.1 s; see its disk"}
    assert threading.active_count() - before <= READERS
    store.gate.set()
    assert await writer.read(lambda _: store.snapshots()) == []


async def test_retention_is_applied_by_itself(store: MadeStore) -> None:
    writer = Writer(store, retention={"checks": 60.0})
    writer.submit(moments(1))
    await until(lambda: store.retained == [{"checks": 60.0}])
    await writer.close(PATIENCE)


async def test_writes_have_their_turn_between_portions_of_retention(store: MadeStore) -> None:
    store.old = 6
    writer = Writer(store, every=0.02, retention={"checks": 60.0})
    store.meanwhile = lambda: writer.submit(moments(1, store.old))
    writer.submit(moments(1, start=9))
    await until(lambda: store.order.count("retain") == 6)
    assert await writer.close(PATIENCE)
    assert store.order == ["write", "retain"] * 6 + ["write"]
    assert store.changes() == [9.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0]


class Counting(Writer):
    """Counts how often its thread looks whether there is something to do."""

    looks = 0

    def _due(self) -> bool:
        self.looks += 1
        return super()._due()


async def test_an_idle_writer_sleeps(store: MadeStore) -> None:
    writer = Counting(store, every=0.02)
    writer.submit(moments(1))
    await writer.flush(PATIENCE)
    before = writer.looks
    await asyncio.sleep(0.3)
    assert writer.looks - before <= 1  # the look that sends it to sleep
    assert await writer.close(PATIENCE)


async def test_a_store_that_cannot_be_opened_is_tried_again_later(tmp_path: Path) -> None:
    directory = tmp_path / "later"
    writer = Writer(Database(f"sqlite:///{directory}/x.db"), every=0.02, longest_wait=0.05)
    with pytest.raises(StoreError, match="does not exist; make it"):
        await writer.open()
    assert not writer.healthy
    writer.submit(CheckBatch({KEY: snapshot()}))
    assert not await writer.flush(PATIENCE)
    directory.mkdir()
    await until(lambda: writer.healthy)
    assert await writer.read(targets.load) == [snapshot()]
    assert await writer.close(PATIENCE)


class SlowToOpen(MadeStore):
    """Opens when its gate is open."""

    def open(self) -> None:
        self.gate.wait(60)
        super().open()


async def test_a_store_that_does_not_open_in_time_is_reported_and_takes_what_comes_later() -> None:
    store = SlowToOpen()
    store.gate.clear()
    writer = Writer(store, every=0.02, longest_wait=0.1)
    with pytest.raises(StoreError, match=r"^the store did not open within 0\.1 s; see its disk$"):
        await writer.open(0.1)
    assert (writer.healthy, writer.failed_writes) == (False, 1)
    store.gate.set()
    writer.submit(moments(1))
    assert await writer.flush(PATIENCE)
    assert writer.healthy
    assert await writer.close(PATIENCE)


def test_a_process_ends_although_its_store_hangs() -> None:
    script = """
import asyncio, time
from exporter.store.writer import Writer
from tests.store.records import whole_batch
from tests.store.test_writer import MadeStore
async def main():
    store = MadeStore()
    store.gate.clear()
    writer = Writer(store)
    writer.submit(whole_batch(1))
    try:
        await writer.read(lambda _: None, timeout=0.1)
    except Exception as error:
        print(error)
    print(await writer.close(0.1))
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("False\n")


def test_of_two_batches_the_newer_word_stands() -> None:
    older = CheckBatch({KEY: snapshot(), ("b", ""): snapshot(("b", ""))}, forget={("c", "")})
    newer = CheckBatch({("c", ""): snapshot(("c", ""))}, forget={KEY})
    older.merge(newer)
    assert older.cut(MOST) == 0
    assert older.snapshots.keys() == {("b", ""), ("c", "")}
    assert older.forget == {KEY}


class Unreadable(MadeStore):
    """Takes what it is given, and gives nothing back."""

    def read(self, call: Callable[[Any], T]) -> T:
        raise StoreError("no such table: failure")


async def test_a_store_that_cannot_be_read_is_not_healthy_even_when_nobody_asks() -> None:
    writer = Writer(Unreadable(), every=0.01)
    writer.submit(CheckBatch(changes=[change(1.0)]))
    assert await writer.flush(PATIENCE)
    before = writer.healthy
    watch = asyncio.create_task(writer.watch(0.01))
    await until(lambda: writer.failed_reads > 0)
    watch.cancel()
    assert (before, writer.healthy, writer.failed_writes) == (True, False, 0)
    assert await writer.close(PATIENCE)


async def test_what_waits_for_a_store_that_fails_grows_old_until_it_is_written(
    writer: Writer, store: MadeStore
) -> None:
    assert (writer.waiting, writer.lag) == (0, 0.0)
    store.error = StoreError("the disk is full")
    writer.submit(moments(3))
    await until(lambda: writer.failed_writes > 0 and writer.waiting == 3)
    young = writer.lag
    await until(lambda: writer.lag > young > 0)
    store.error = None
    assert await writer.flush(PATIENCE)
    assert (writer.waiting, writer.lag) == (0, 0.0)


async def test_the_size_of_a_store_is_known_once_it_was_looked_at(tmp_path: Path) -> None:
    writer = Writer(Database(f"sqlite:///{tmp_path}/state.db"), every=0.01)
    await writer.open()
    assert math.isnan(writer.size)
    watch = asyncio.create_task(writer.watch(0.01))
    await until(lambda: writer.size > 0)
    watch.cancel()
    assert await writer.close(PATIENCE)


async def test_a_store_that_works_is_opened_once_and_one_that_failed_not_again_only_to_be_closed() -> None:
    good, bad = MadeStore(), MadeStore()
    writer = Writer(good, every=0.01)
    await writer.open()
    writer.submit(CheckBatch(changes=[change(1.0)]))
    assert await writer.close(PATIENCE) and good.opened == 1
    bad.error = StoreError("the disk is gone")
    with structlog.testing.capture_logs() as logs:
        broken = Writer(bad, every=0.01)
        broken.submit(CheckBatch(changes=[change(1.0)]))
        await broken.flush(PATIENCE)
        opened = bad.opened
        await broken.close(PATIENCE)
    assert bad.closed and bad.opened <= opened + 1  # once more for what is still to be written
    assert "the store works again" not in [log["event"] for log in logs]
