"""Kills an exporter at random moments while apps report, and counts what was lost or is there twice."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Connection, select

from exporter import registry
from exporter.demo.services import DemoProcess
from exporter.store.database import Database
from exporter.store.subjects import audit, events
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port

TOKEN = "planted-ingest-0123456789"
APPS, BATCH = 4, 10


@dataclass
class EventLosses:
    """What came of it: `acknowledged` events, those of them that are lost, and those that are stored twice.

    `again` counts the bodies that apps had to send more than once.
    """

    kills: int = 0
    again: int = 0
    acknowledged: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


class ReportingApp:
    """Sends batches of durable events, each again with the same ids until it is acknowledged."""

    def __init__(self, name: str, url: str, found: EventLosses) -> None:
        self._name, self._url, self._found = name, url, found
        self._numbers = count()
        self.stopping = False

    async def run(self) -> None:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            while not self.stopping:
                batch = list(self._batch())
                tries = 1
                while not await self._send(session, batch):
                    tries += 1
                    await asyncio.sleep(0.02)
                self._found.again += tries > 1
                self._found.acknowledged |= {f"{event['kind']}:{event['id']}" for event in batch}

    def _batch(self) -> Iterator[dict[str, Any]]:
        kinds = [kind for kind in registry.events().values() if kind.durable]
        for _ in range(BATCH):
            number = next(self._numbers)
            kind = kinds[number % len(kinds)]
            yield {"kind": kind.name, "id": f"{self._name}-{number}", **kind.example}

    async def _send(self, session: aiohttp.ClientSession, batch: list[dict[str, Any]]) -> bool:
        with suppress(aiohttp.ClientError, OSError):
            async with session.post(self._url, json=batch) as answer:
                if answer.status == 503:  # it starts, or stops
                    return False
                reply = await answer.json()
                assert answer.status == 202, reply
                assert reply["accepted"] + reply["duplicates"] == len(batch), reply
                return True
        return False


async def kill_often(folder: Path, url: str, kills: int, seed: int = 1) -> EventLosses:
    """Start, kill -9 and start again, on the store at `url`; at the end compare with what is stored."""
    dice, found, port = random.Random(seed), EventLosses(kills), free_port()
    process = _process(folder, url, port)
    await process.start()
    apps = [ReportingApp(f"app{n}", f"http://127.0.0.1:{port}/api/v1/events", found) for n in range(APPS)]
    tasks = [asyncio.create_task(app.run()) for app in apps]
    try:
        for _ in range(kills):
            await _kill(process, found, dice, tasks)
            process = _process(folder, url, port)
            await process.start(60.0)
        for app in apps:
            app.stopping = True
        async with asyncio.timeout(60.0):
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await process.stop()
    _compare(url, found)
    return found


async def _kill(
    process: DemoProcess, found: EventLosses, dice: random.Random, tasks: list[asyncio.Task[None]]
) -> None:
    # After a number of events, not of seconds: machines differ. The rest of a second hits any step of one.
    enough = len(found.acknowledged) + dice.randrange(1, 20) * BATCH
    async with asyncio.timeout(60.0):
        while len(found.acknowledged) < enough and not any(task.done() for task in tasks):
            await asyncio.sleep(0.001)
    await asyncio.sleep(dice.uniform(0.0, 0.03))
    assert process.process is not None
    process.process.send_signal(signal.SIGKILL)
    await process.process.wait()


def _process(folder: Path, url: str, port: int) -> DemoProcess:
    (folder / "config.yml").write_text(f"integrations: []\nstore: {{url: '{url}'}}\n")
    (folder / "web.yml").write_text(f"bearer_tokens: [{{name: app, token: {TOKEN}, roles: [ingest]}}]\n")
    command = [
        *COMMAND,
        f"--config.file={folder / 'config.yml'}",
        f"--web.config.file={folder / 'web.yml'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    return DemoProcess("exporter", command, f"http://127.0.0.1:{port}/-/ready", folder / "exporter.log")


def _compare(url: str, found: EventLosses) -> None:
    database = Database(url)
    database.open()
    try:
        stored = database.read(_stored)
    finally:
        database.close()
    found.lost = sorted(found.acknowledged - stored.keys())
    found.twice = sorted(name for name, times in stored.items() if times > 1)


def _stored(connection: Connection) -> Counter[str]:
    """Count what is stored by kind and id; an entry of the audit that is of no app has no such name."""
    rows = connection.execute(select(events.TABLE.c.kind, events.TABLE.c.event_id))
    action = registry.events()["audit"].example["action"]
    entries = connection.execute(select(audit.TABLE.c.once).where(audit.TABLE.c.action == action))
    return Counter([f"{kind}:{number}" for kind, number in rows] + [str(once) for once in entries.scalars()])
