"""A process that refreshes tokens as fast as it can and is to be killed: run by tests and benchmarks.

    python -m tests.servers.rotating DIRECTORY TOKEN_URL KEY [SQL_URL]

Its accounts have their seeds in DIRECTORY/seeds; it says "kept NAME MARK" when a refresh token of an
account is where it is kept for good. With SQL_URL the tokens are in the table `connection` there.
"""

import asyncio
import sys
from pathlib import Path

from exporter.core.clock import SystemClock
from exporter.core.secret import Secret
from exporter.core.token import SqlTokens, TokenSet, TokenSettings
from exporter.net.network import LoopNetwork
from exporter.sandbox.oauth import OAuthServer
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.tokens import TokenStore
from exporter.tokens.manager import TokenManager
from exporter.tokens.storage import mark_of
from tests.tokens.endpoints import configured, made

SELECT = "SELECT access_token, refresh_token, expires_at FROM connection WHERE tenant = :tenant"
UPDATE = (
    "UPDATE connection SET access_token = :access_token, refresh_token = :refresh_token,"
    " expires_at = :expires_at WHERE tenant = :tenant"
)


def mark(refresh: str) -> str:
    """Return what tells one refresh token from another."""
    return mark_of(TokenSet(refresh=Secret(refresh)))


async def rotate(directory: Path, token_url: str, key: str, sql: str) -> None:
    """Refresh every account again and again, a few at one time."""
    url = f"sqlite:///{directory / 'state.db'}"
    whole = Database(url)
    whole.open()
    whole.close()
    manager = TokenManager(
        LoopNetwork(), SystemClock(), store=TokenStore(Database(url), Seals((Secret(key),)))
    )
    settings = (
        TokenSettings(source="sql", sql=SqlTokens(Secret(sql), SELECT, UPDATE)) if sql else TokenSettings()
    )
    server = OAuthServer(port=int(token_url.rpartition(":")[2].partition("/")[0]))
    targets = [
        made(server, "calendar", name, refresh_token=Secret("" if sql else seed))
        for name, seed in (line.split() for line in (directory / "seeds").read_text().splitlines())
    ]
    manager.apply(configured(*targets, settings=settings))

    async def work(number: int) -> None:
        while True:
            for target in targets[number::4]:
                event = await manager.refresh(target.key, "test")
                account = manager.account(target.key)
                if event.result != "ok" or account is None or account.tokens is None or account.unsaved:
                    print("failed", target.tenant, event.reason, flush=True)
                else:
                    print("kept", target.tenant, mark(account.tokens.refresh.reveal()), flush=True)

    await asyncio.gather(*(work(number) for number in range(4)))


if __name__ == "__main__":
    folder, address, secret_key, *rest = sys.argv[1:]
    asyncio.run(rotate(Path(folder), address, secret_key, rest[0] if rest else ""))
