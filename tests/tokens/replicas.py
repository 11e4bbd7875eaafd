"""Managers that share one store as replicas do, and a database of the platform's own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from cryptography.fernet import Fernet

from exporter.core.probe import Target
from exporter.core.secret import Secret
from exporter.core.token import SqlTokens, TokenEvent, TokenSettings
from exporter.net.network import LoopNetwork
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.subjects import token_log
from exporter.store.tokens import TokenStore
from exporter.store.writer import Writer
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.servers.rotating import SELECT, UPDATE
from tests.tokens.endpoints import ask_token, configured
from tests.waiting import PATIENCE


class Start:
    """Starts managers, each a replica of its own, on one store; `log` reads what all of them did."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        self._url = f"sqlite:///{folder / 'state.db'}"
        self._clock = clock
        self._key = Secret(Fernet.generate_key().decode())
        self._network = LoopNetwork()
        self._running: list[tuple[TokenManager, Writer]] = []

    def __call__(
        self, target: Target, settings: TokenSettings | None = None, *, keys: bool = True
    ) -> TokenManager:
        database = Database(self._url)
        writer = Writer(database, every=0.01)
        store = TokenStore(database, Seals((self._key,) if keys else ()))
        manager = TokenManager(self._network, self._clock, store=store, submit=writer.submit)
        manager.apply(configured(target, settings=settings))
        self._running.append((manager, writer))
        return manager

    async def log(self) -> list[TokenEvent]:
        """Return the log of tokens, the newest entry first, once everything is written."""
        for _, writer in self._running:
            assert await writer.flush(PATIENCE)
        database = Database(self._url)
        with database.attach() as connection:
            found = token_log.query(connection)
        database.close()
        return list(found.rows)

    async def stop(self) -> None:
        for manager, writer in self._running:
            await manager.stop(PATIENCE)
            await writer.close(PATIENCE)
        await self._network.close()


@asynccontextmanager
async def replicas(folder: Path, clock: HandClock) -> AsyncIterator[Start]:
    """Start managers, each a replica of its own, on the store in `folder`."""
    whole = Database(f"sqlite:///{folder / 'state.db'}")
    whole.open()
    whole.close()
    start = Start(folder, clock)
    yield start
    await start.stop()


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
    with closing(sqlite3.connect(folder / "platform.db", timeout=PATIENCE)) as connection:
        found = connection.execute(statement, values).fetchone()
        connection.commit()
        return str(found[0]) if found else ""


async def rest(manager: TokenManager) -> None:
    """Wait until no refresh is under way."""
    while manager._running:
        await asyncio.wait(set(manager._running))
        await asyncio.sleep(0)


def away(folder: Path) -> Callable[[], object]:
    """Take the store's file away, so that nobody makes another one; return what brings it back."""
    file = folder / "state.db"
    moved = file.rename(folder / "away.db")
    while not file.is_dir():
        # The writer may make a new file in between; the store notices that its file is another one.
        file.unlink(missing_ok=True)
        with suppress(FileExistsError):
            file.mkdir()

    def back() -> None:
        file.rmdir()
        moved.rename(file)

    return back
