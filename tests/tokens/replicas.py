"""Managers that share one store as replicas do, and a database of the platform's own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from cryptography.fernet import Fernet

from exporter.core.probe import Target
from exporter.core.secret import Secret
from exporter.core.token import SqlTokens, TokenSettings
from exporter.net.network import LoopNetwork
from exporter.store.encryption import Seals
from exporter.store.sql import SqlStore
from exporter.store.tokens import TokenStore
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.servers.rotating import SELECT, UPDATE
from tests.tokens.endpoints import ask_token, configured

Start = Callable[..., TokenManager]


@asynccontextmanager
async def replicas(folder: Path, clock: HandClock) -> AsyncIterator[Start]:
    """Start managers, each a replica of its own, on the store in `folder`."""
    url = f"sqlite:///{folder / 'state.db'}"
    whole = SqlStore(url)
    whole.open()
    whole.close()
    key = Secret(Fernet.generate_key().decode())
    network = LoopNetwork()
    running: list[tuple[TokenManager, TokenStore]] = []

    def make(target: Target, settings: TokenSettings | None = None, *, keys: bool = True) -> TokenManager:
        store = TokenStore(url, Seals((key,) if keys else ()))
        manager = TokenManager(network, clock, store=store)
        manager.apply(configured(target, settings=settings))
        running.append((manager, store))
        return manager

    yield make
    for manager, store in running:
        await manager.stop(5.0)
        store.close()
    await network.close()


async def ask(manager: TokenManager, target: Target) -> str:
    return (await ask_token(manager, target)).value.reveal()


def platform(folder: Path, refresh: str) -> TokenSettings:
    """Make the platform's database with the token of one tenant."""
    path = folder / "platform.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE connection (tenant, access_token, refresh_token, expires_at)")
        connection.execute("INSERT INTO connection VALUES ('acme', NULL, ?, NULL)", (refresh,))
        connection.commit()
    return TokenSettings(source="sql", sql=SqlTokens(Secret(f"sqlite:///{path}"), SELECT, UPDATE))


def row(folder: Path, statement: str = "SELECT refresh_token FROM connection", *values: str) -> str:
    """Run a statement in the platform's database and return the first value, as the platform would."""
    with closing(sqlite3.connect(folder / "platform.db", timeout=10)) as connection:
        found = connection.execute(statement, values).fetchone()
        connection.commit()
        return str(found[0]) if found else ""


async def rest(manager: TokenManager) -> None:
    """Wait until no refresh is under way."""
    while manager._running:
        await asyncio.wait(set(manager._running))
        await asyncio.sleep(0)
