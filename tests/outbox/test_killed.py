"""Processes that are killed, frozen, or have no disk: nothing acknowledged is lost, nobody has two owners."""

import asyncio
import os
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from exporter.store.database import Database
from tests.outbox.parcels import rows
from tests.servers.postgres import cluster
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
KILLS = 5


class Sink:
    """Counts the lines that arrive, and remembers who brought each.

    `at_once` are those that two brought at one time: the second before the first was answered, or gone.
    """

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.by: dict[str, list[str]] = defaultdict(list)
        self.at_once: set[str] = set()
        self.hold = 0.0
        self._here: Counter[str] = Counter()
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            owner, _, name = (await reader.readline()).decode().strip().partition(" ")
            if name:
                self.got[name] += 1
                self.by[name].append(owner)
                with self._present(name):
                    await asyncio.sleep(self.hold)
                    writer.write(b"ok\n")
                    await writer.drain()
        writer.close()

    @property
    def owners(self) -> set[str]:
        """Who brought anything."""
        return {owner for owners in self.by.values() for owner in owners}

    @contextmanager
    def _present(self, name: str) -> Iterator[None]:
        if self._here[name]:
            self.at_once.add(name)
        self._here[name] += 1
        try:
            yield
        finally:
            self._here[name] -= 1


@asynccontextmanager
async def sinking() -> AsyncIterator[Sink]:
    sink = Sink()
    server = await asyncio.start_server(sink.answer, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()


class Replica:
    """A child process; `acked` are the deliveries that it acknowledged."""

    def __init__(self, process: asyncio.subprocess.Process, acked: set[str]) -> None:
        self.process, self.acked, self.refused, self.ready = process, acked, 0, asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            words = line.decode().split()
            if not line.endswith(b"\n"):
                return
            if words[0] == "ack":
                self.acked.add(words[1])
            elif words[0] == "refused":
                self.refused += 1
            else:
                self.ready.set()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.process.wait()
        await self.reading


async def start(
    url: str, sink: Sink, name: str, acked: set[str], *, most: int = 5, lease: float = 30.0, limit: int = 0
) -> Replica:
    words = [sys.executable, "-m", "tests.servers.outbox_process", url, str(sink.port), name]
    words += [str(lease), str(most)]
    if limit:
        words = ["/bin/sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", *words]
    process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    made = Replica(process, acked)
    async with asyncio.timeout(60.0):
        await made.ready.wait()
    return made


def has_grown(acked: set[str], beyond: int) -> bool:
    return len(acked) > beyond


async def test_kill_9_loses_nothing_acknowledged_and_repeats_only_what_was_under_way(tmp_path: Path) -> None:
    url, acked = f"sqlite:///{tmp_path}/state.db", set[str]()
    async with sinking() as sink:
        for number in range(KILLS):
            sink.hold = (0.0, 0.003)[number % 2]
            replica = await start(url, sink, f"r{number}", acked)
            await until(partial(has_grown, acked, len(acked) + 40 + 7 * number))
            await replica.kill()
        last = await start(url, sink, "last", acked, most=0)
        await until(lambda: acked <= sink.got.keys())
        await until_stored(lambda: left(url) == [])
        await last.kill()
    again = [name for name, times in sink.got.items() if times > 1]
    # Under way at a kill are at most the places of three endpoints, and outcomes that were being stored.
    assert len(again) < KILLS * 60
    assert all(len(set(sink.by[name])) == sink.got[name] for name in again), "none twice by one process"


async def until_stored(true: Callable[[], bool]) -> None:
    """Return as soon as the store says what `true` asks it; the sink serves meanwhile."""
    async with asyncio.timeout(2 * PATIENCE):  # leases expire, and one brings what others had
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.2)


def asked(url: str, columns: str, table: str) -> list[Any]:
    store = Database(url)
    store.open()
    try:
        return rows(store, columns, table)
    finally:
        store.close()


def left(url: str) -> list[str]:
    return asked(url, "delivery", "delivery WHERE state = 'waiting'")


async def test_of_three_replicas_one_is_killed_and_one_frozen_and_all_arrives() -> None:
    lease = 2.0
    with cluster(connections=60) as server:
        server.admin("CREATE DATABASE state OWNER app")
        url = f"postgresql://app:app-password@127.0.0.1:{server.port}/state"
        acked = set[str]()
        async with sinking() as sink:
            sink.hold = 0.02
            replicas = [await start(url, sink, name, acked, lease=lease) for name in "abc"]
            await until(lambda: len(acked) > 300 and sink.owners == {"a", "b", "c"})
            gone, frozen, alive = replicas
            frozen.signal(signal.SIGSTOP)
            await gone.kill()
            await until(lambda: len({*acked} - sink.got.keys()) == 0 or len(acked) > 1500)
            alive_acked = len(acked)
            await asyncio.sleep(2 * lease)  # the lease of the frozen one must expire
            frozen.signal(signal.SIGCONT)
            await until(lambda: len(acked) > alive_acked + 50)
            for replica in (frozen, alive):
                await replica.kill()
            carriers = [await start(url, sink, name, acked, lease=lease, most=0) for name in "de"]
            await until(lambda: acked <= sink.got.keys())
            await until_stored(lambda: left(url) == [])
            for replica in carriers:
                await replica.kill()
        # Twice is only what a process had under way when it was killed or frozen, never more.
        again = [name for name, times in sink.got.items() if times > 1]
        assert len(again) <= 4 * 60
        assert all(len(set(sink.by[name])) == sink.got[name] for name in again)
        assert sink.at_once == set(), "none was brought by two at one time"
        # One that was frozen in an attempt goes on with that, and begins no other of its old ones.
        late = [name for name in again if sink.by[name][0] != "b" and "b" in sink.by[name]]
        assert len(late) <= 3 * 4


async def test_a_disk_that_is_full_refuses_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    url, acked = f"sqlite:///{tmp_path}/state.db", set[str]()
    async with sinking() as sink:
        replica = await start(url, sink, "small", acked, most=50, limit=3000)  # 512-byte blocks
        await until(lambda: replica.refused > 3)
        assert acked
        await replica.kill()
        carrier = await start(url, sink, "large", acked, most=0)
        await until(lambda: acked <= sink.got.keys())
        await carrier.kill()
