"""A server with a desk where alerts are answered, and alerts as rules send them."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.alertmanager.client import TIMEOUT
from exporter.core.alertmanager import FiredAlert
from tests.notices.alert_desk import DeskStage, desk_stage
from tests.server.house import House, Reply, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

PATH = "/api/v1/alerts"


@dataclass
class Office:
    """A server with a desk."""

    house: House
    stage: DeskStage

    async def ask(
        self, path: str = PATH, method: str = "GET", token: str = "admin", body: Any = None
    ) -> Reply:
        more = {} if body is None else {"json": body}
        return await self.house.ask(path, method, bearer(TOKENS[token]), **more)

    async def rows(self, query: str = "", token: str = "admin") -> list[dict[str, Any]]:
        reply = await self.ask(f"{PATH}?{query}", token=token)
        assert reply.status == 200, reply.text
        return list(reply.json["alerts"])

    async def change(self, fingerprint: str, token: str = "admin", **body: Any) -> Reply:
        if "seconds" in body:
            body["for"] = body.pop("seconds")
        return await self.ask(f"{PATH}/{fingerprint}", "PATCH", token, body)


def labels(tenant: str = "acme", severity: str = "high", **more: str) -> dict[str, str]:
    names = {"alertname": "IntegrationDown", "integration": "payments", "provider": "stripe"}
    return {**names, "severity": severity, "tenant": tenant, "scope": "tenant", **more}


def fired(given: dict[str, str], seconds: float = 3600, ago: float = 60) -> FiredAlert:
    now = time.time()
    return FiredAlert(given, {"summary": "it is down", "description": "See."}, now - ago, now + seconds)


@asynccontextmanager
async def office_at(
    folder: Path, addresses: Sequence[str], database: str = "", timeout: float = TIMEOUT
) -> AsyncIterator[Office]:
    async with desk_stage(database or f"sqlite:///{folder}/state.db", *addresses, timeout=timeout) as stage:
        states = [state("payments", "acme"), state("payments", "globex")]
        room = Room(states, path=web_config(folder), store=stage.database, alerts=stage.desk)
        room.live = True
        async with house(room) as made:
            yield Office(made, stage)
