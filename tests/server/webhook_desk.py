"""A server with a store, endpoints and an outbox that really delivers; and a short way to ask it."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from exporter.actions.deliver import KIND, DeliverAction
from exporter.core.action import ActionKit
from exporter.core.secret import Secret
from exporter.core.webhook import WebhookEndpoint, Webhooks, WebhookSource
from exporter.endpoints.directory import EndpointDirectory
from exporter.endpoints.stored import EndpointStore
from exporter.ingest.webhook_summaries import WebhookSummaries
from exporter.net.network import LoopNetwork
from exporter.outbox.outbox import Outbox
from exporter.store.batch import Batch
from exporter.store.database import Database
from exporter.store.encryption import Seals
from tests.server.house import House, Reply, Room, bearer, house
from tests.waiting import PATIENCE

KEY = Secret(Fernet.generate_key().decode())
TOKENS = """
bearer_tokens:
  - {name: ops, token: ops-0123456789abcdef, roles: [admin]}
  - {name: acme, token: acme-0123456789abcdef, roles: [ingest], tenants: [acme]}
  - {name: globex, token: globex-0123456789abc, roles: [ingest], tenants: [globex]}
  - {name: looker, token: looker-0123456789abc, roles: [viewer]}
  - {name: app, token: app-0123456789abcdef, roles: [ingest]}
"""
OPS, ACME, GLOBEX, LOOKER, APP = (
    bearer(token)
    for token in (
        *("ops-0123456789abcdef", "acme-0123456789abcdef", "globex-0123456789abc"),
        *("looker-0123456789abc", "app-0123456789abcdef"),
    )
)
GIVEN = "whsec_" + base64.b64encode(b"g" * 32).decode()
CRM = {"name": "acme-crm", "tenant": "acme", "url": "https://crm.acme.example/hook?token=hunter2hunter2"}
OF_THE_FILE = WebhookEndpoint("fixed", "acme", "https://fixed.example/", (Secret(GIVEN),))
SOURCE = WebhookSource("stripe", "stripe", (Secret("whsec_of_the_vendor"),), integration="payments")


@dataclass
class Desk:
    """A server with a store, and a short way to ask it."""

    house: House
    room: Room
    outbox: Outbox
    summaries: WebhookSummaries

    async def ask(self, method: str, path: str = "", body: Any = None, who: dict[str, str] = OPS) -> Reply:
        """Ask about endpoints."""
        return await self.api(method, f"/endpoints{path}", body, who)

    async def api(self, method: str, path: str, body: Any = None, who: dict[str, str] = OPS) -> Reply:
        """Ask anything; `body` is sent as it is where it is bytes."""
        # As a stream: aiohttp's client warns of long bodies that are bytes.
        data = io.BytesIO(body) if isinstance(body, bytes) else body if body is None else json.dumps(body)
        return await self.house.ask(f"/api/v1{path}", method, who, admin=False, data=data)

    async def make(self, who: dict[str, str] = OPS, **changes: Any) -> Reply:
        return await self.ask("POST", "", CRM | changes, who)

    @property
    def directory(self) -> EndpointDirectory:
        assert self.room.endpoints is not None
        return self.room.endpoints


@asynccontextmanager
async def webhook_desk(folder: Path, store: Database) -> AsyncIterator[Desk]:
    """Serve the API of endpoints and deliveries until the end of the block; loopback counts as private."""
    web = folder / "web.yml"
    web.write_text(TOKENS)
    network = LoopNetwork()
    room = Room([], path=web, store=store, token_keys=(KEY,))

    def write(batch: Batch) -> None:
        store.write([batch])

    kept = EndpointStore(store, Seals((KEY,)))
    directory = EndpointDirectory(kept, write, room.moment, room.audit.append)
    directory.apply(Webhooks(endpoints=(OF_THE_FILE,)))
    kit = ActionKit(network, directory.get, lambda _name: None, room.moment, directory.report)
    outbox = Outbox(store, [DeliverAction(kit)])
    directory.on_change = outbox.wake
    directory.abandon = partial(outbox.abandon, KIND)
    summaries = WebhookSummaries(write)
    outbox.listeners.append(summaries.record)
    room.endpoints, room.outbox, room.webhook_summaries = directory, outbox, summaries.hand_over
    await outbox.start()
    try:
        async with house(room) as made:
            yield Desk(made, room, outbox, summaries)
    finally:
        await outbox.stop(PATIENCE)
        await network.close()


async def settled(desk: Desk, path: str, state: str) -> Any:
    """Return the delivery at `path` once it is in `state`."""
    while True:
        found = await desk.api("GET", path)
        if found.status == 200 and found.json["state"] == state:
            return found.json
        await asyncio.sleep(0.05)
