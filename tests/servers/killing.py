"""Kills a process at random moments while it rotates refresh tokens, and counts what was lost."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from exporter.core.clock import SystemClock
from exporter.core.secret import Secret
from exporter.core.token import SqlTokens, TokenSettings
from exporter.net.network import LoopNetwork
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.subjects.tokens import LEASE
from exporter.store.tokens import TokenStore
from exporter.tokens.manager import TokenManager
from tests.servers.rotating import SELECT, UPDATE, mark
from tests.tokens.endpoints import configured, made

ROOT = Path(__file__).parents[2]

PATIENCE = LEASE - 5.0
"""Seconds: whoever waits for the lease of a process that was killed takes longer."""


@dataclass
class Losses:
    """What came of it: kills, refreshes that the vendor made, connections that are no more.

    `unexplained` are those lost although the process had said that the newest refresh token was kept.
    """

    kills: int = 0
    refreshes: int = 0
    lost: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


async def kill_often(
    directory: Path, rotation: str, kills: int, *, accounts: int = 12, sql: bool = False, seed: int = 1
) -> Losses:
    """Start, kill -9 and start again; at the end refresh every account once more and see who is connected."""
    dice, found = random.Random(seed), Losses(kills)
    key = Fernet.generate_key().decode()
    async with serving(OAuthServer(rotation=rotation)) as server:
        names = [f"t{number}" for number in range(accounts)]
        seeds = {name: server.connect(name) for name in names}
        (directory / "seeds").write_text("".join(f"{name} {seeds[name]}\n" for name in names))
        platform = _platform(directory, seeds) if sql else ""
        kept: dict[str, str] = {}
        for _ in range(kills):
            server.hold = dice.choice((0.0, 0.002, 0.01))
            await _once(directory, server, key, platform, dice, kept)
        server.hold = 0.0
        async with asyncio.timeout(PATIENCE):
            await _judge(directory, server, key, platform, seeds, kept, found)
        found.refreshes = sum(one.refreshes for one in server.connections.values())
    return found


def _platform(directory: Path, seeds: dict[str, str]) -> str:
    path = directory / "platform.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE connection (tenant, access_token, refresh_token, expires_at)")
        rows = list(seeds.items())
        connection.executemany("INSERT INTO connection VALUES (?, '', ?, NULL)", rows)
    connection.close()
    return f"sqlite:///{path}"


async def _once(
    directory: Path, server: OAuthServer, key: str, platform: str, dice: random.Random, kept: dict[str, str]
) -> None:
    words = [sys.executable, "-m", "tests.servers.rotating", str(directory), server.url(), key]
    process = await asyncio.create_subprocess_exec(
        *words, *([platform] if platform else []), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    reader = asyncio.create_task(_read(process.stdout, kept))
    # A number of refreshes, not of seconds: machines differ. The rest of a second hits any step of one.
    enough = server.seen["refresh_token"] + dice.randrange(4, 60)
    async with asyncio.timeout(PATIENCE):
        while server.seen["refresh_token"] < enough and not reader.done():
            await asyncio.sleep(0.001)
    await asyncio.sleep(dice.uniform(0.0, 0.03))
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    await reader


async def _read(stream: asyncio.StreamReader, kept: dict[str, str]) -> None:
    async for line in stream:
        words = line.decode().split()
        if not line.endswith(b"\n"):
            return
        if words[0] == "kept":
            kept[words[1]] = words[2]


async def _judge(
    directory: Path,
    server: OAuthServer,
    key: str,
    platform: str,
    seeds: dict[str, str],
    kept: dict[str, str],
    found: Losses,
) -> None:
    network = LoopNetwork()
    store = TokenStore(Database(f"sqlite:///{directory / 'state.db'}"), Seals((Secret(key),)))
    manager = TokenManager(network, SystemClock(), store=store)
    sql = SqlTokens(Secret(platform), SELECT, UPDATE) if platform else None
    settings = TokenSettings(source="sql" if sql else "options", sql=sql)
    seen = {name: list(one.refresh) for name, one in server.connections.items()}
    targets = [
        made(server, "calendar", name, refresh_token=Secret("" if platform else refresh))
        for name, refresh in seeds.items()
    ]
    manager.apply(configured(*targets, settings=settings))
    for target in targets:
        event = await manager.refresh(target.key, "judge")
        if event.result == "ok":
            continue
        found.lost.append(target.tenant)
        if kept.get(target.tenant) in {mark(refresh) for refresh in seen[target.tenant][-1:]}:
            found.unexplained.append(target.tenant)
    await manager.stop(60.0)
    await network.close()
    store.database.close()
