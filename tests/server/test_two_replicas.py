"""Two whole replicas with one PostgreSQL: what people do at one is seen at the other, which goes on alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from exporter.server.pages import tabs
from tests.server.house import bearer
from tests.server.running import RunningExporter, replica_of, running_exporter
from tests.server.test_access import TOKENS
from tests.server.test_change_stream import PATH, Reader
from tests.servers.postgres import cluster
from tests.waiting import PATIENCE, rest

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGE = {"X-Integration-Exporter": "1"}
BLOCKS = "/api/v1/ratelimits/blocks"


@dataclass
class Pair:
    """Where people act, and where others look on."""

    here: RunningExporter
    there: RunningExporter

    async def do(self, method: str, path: str, body: Any = None) -> Any:
        """Do it here."""
        status, _, answer = await self.here.ask(method, path, headers=CHANGE, json=body)
        assert status < 300, answer
        return json.loads(answer) if answer else None

    async def until_seen(self, path: str, text: str, *, gone: bool = False) -> None:
        """Wait until what is answered there has `text`, or has it no longer."""
        async with asyncio.timeout(PATIENCE):
            while (text in await self.seen(path)) is gone:
                await rest()

    async def seen(self, path: str) -> str:
        """Return what is answered there."""
        status, _, answer = await self.there.ask("GET", path, headers={"Accept": "text/html"})
        assert status == 200, answer
        return answer.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    with cluster(connections=40) as server:
        server.admin("CREATE DATABASE pair OWNER app")
        url = f"postgresql://app:app-password@127.0.0.1:{server.port}/pair?sslmode=require"
        async with running_exporter(tmp_path_factory.mktemp("pair"), url) as here, replica_of(here) as there:
            yield Pair(here, there)


async def heard(reader: Reader, kind: str) -> None:
    """Read until the stream says that something of `kind` changed."""
    while kind not in (await reader.change())["kinds"]:
        pass


async def test_what_is_done_at_one_is_said_and_shown_at_the_other(pair: Pair) -> None:
    crm = {"name": "crm", "tenant": "acme", "url": "http://127.0.0.1:9/x", "allow_private": True}
    window = {"name": "night", "tenants": ["acme"], "for": "1h", "comment": "the key is replaced"}
    much = {"kind": "audit", "actor": "ben", "action": "db.dump", "details": {"rows": 50_000}}
    url, session = pair.there.url + PATH, pair.there.session
    async with session.get(url, headers=bearer(TOKENS["admin"])) as answer:
        reader = Reader(answer)
        # What was written before is news to a stream that has just been opened.
        await heard(reader, "audit")
        await pair.do("POST", "/api/v1/endpoints", crm)
        await heard(reader, "endpoints")
        await pair.until_seen("/webhooks", "crm")
        await pair.do("PATCH", "/api/v1/endpoints/crm", {"state": "paused"})
        await heard(reader, "endpoints")
        await pair.until_seen("/api/v1/endpoints/crm", '"state":"paused"')
        await pair.do("POST", "/api/v1/maintenance", window)
        await heard(reader, "maintenance")
        await pair.until_seen("/alerts", "the key is replaced")
        await pair.do("DELETE", "/api/v1/maintenance/night")
        await pair.until_seen("/api/v1/maintenance", "night", gone=True)
        await pair.do("POST", "/api/v1/events", much)
        await heard(reader, "audit")
        await pair.until_seen("/security", "db.dump")
        flagged = json.loads(await pair.seen("/api/v1/audit?review=open"))["audit"]
        (entry,) = (one["id"] for one in flagged if one["action"] == "db.dump")
        await pair.do("POST", f"/api/v1/audit/{entry}/review", {"note": "it was a drill"})
        await heard(reader, "audit")
        status, _, _ = await pair.there.ask(
            "POST", f"/api/v1/audit/{entry}/review", headers=CHANGE, json={"note": "again"}
        )
        assert status == 409


async def test_what_was_answered_by_one_that_is_killed_is_at_the_other(pair: Pair) -> None:
    await pair.do("POST", BLOCKS, {"policy": "api", "identifier": "203.0.113.99", "reason": "it guesses"})
    process = pair.here.service.process
    assert process is not None
    process.kill()
    await process.wait()
    await pair.until_seen(BLOCKS, "203.0.113.99")
    await pair.until_seen("/rate-limits", "203.0.113.99")
    for tab in tabs():
        assert 'class="problem"' not in await pair.seen(tab.path), tab.path
