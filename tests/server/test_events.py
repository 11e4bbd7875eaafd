"""`/api/v1/events` over a real socket, with a real store."""

import gzip
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.server.handlers.events import MOST_BYTES
from tests.ingest.reporting import MINIMAL, Desk, desk, event
from tests.server.house import House, Reply, Room, bearer, house
from tests.server.test_access import TOKENS, web_config

PATH = "/api/v1/events"
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def serving(directory: Path, *, closed: bool = True) -> AsyncIterator[tuple[House, Desk]]:
    async with desk(directory) as intake:
        path = web_config(directory) if closed else None
        async with house(Room([], path=path, events=intake.intake)) as made:
            yield made, intake


async def send(made: House, *events: Any, token: str = "ingest", **more: Any) -> Reply:
    data = more.pop("data", None) or json.dumps(events).encode()
    headers = {**bearer(TOKENS.get(token, token)), **JSON, **more.pop("headers", {})}
    return await made.ask(PATH, "POST", headers, admin=False, data=data, **more)


async def test_events_are_taken_with_the_role_ingest(tmp_path: Path) -> None:
    async with serving(tmp_path) as (made, _):
        reply = await send(made, *(event(kind) for kind in MINIMAL))
        assert reply.status == 202
        assert json.loads(reply.text) == {"accepted": len(MINIMAL), "duplicates": 0, "rejected": []}


async def test_good_ones_are_kept_beside_bad_ones(tmp_path: Path) -> None:
    async with serving(tmp_path) as (made, _):
        reply = await send(made, event("payment"), event("payment", outcome="lost"))
        assert reply.status == 207
        (refused,) = json.loads(reply.text)["rejected"]
        assert (refused["index"], refused["path"], refused["reason"]) == (1, "/outcome", "bad_value")
        assert (await send(made, event("payment", outcome="lost"))).status == 400


async def test_a_body_may_be_packed_but_not_a_bomb(tmp_path: Path) -> None:
    packed = {"Content-Encoding": "gzip"}
    async with serving(tmp_path) as (made, _):
        body = gzip.compress(json.dumps([event("payment")]).encode())
        assert (await send(made, data=body, headers=packed)).status == 202
        bomb = gzip.compress(b"[" + b" " * (MOST_BYTES * 50) + b"]")
        assert (await send(made, data=bomb, headers=packed)).status == 413
        assert (await send(made, data=b"no gzip", headers=packed)).status == 400
        assert (await send(made, data=body, headers={"Content-Encoding": "zstd"})).status == 415
        assert (await send(made, data=io.BytesIO(b"[" + b" " * MOST_BYTES + b"]"))).status == 413


async def test_a_type_of_body_that_is_not_known_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as (made, _):
        reply = await send(made, event("payment"), headers={"Content-Type": "text/plain"})
        assert reply.status == 415
        assert "application/x-ndjson" in json.loads(reply.text)["error"]


@pytest.mark.parametrize(
    ("token", "status"), [("ingest", 202), ("admin", 202), ("viewer", 403), ("wrong", 401)]
)
async def test_who_may_report(tmp_path: Path, token: str, status: int) -> None:
    async with serving(tmp_path) as (made, _):
        assert (await send(made, event("traffic"), token=token)).status == status


async def test_without_access_a_report_needs_the_admin_token(tmp_path: Path) -> None:
    async with serving(tmp_path, closed=False) as (made, _):
        body = json.dumps([event("traffic")]).encode()
        assert (await made.ask(PATH, "POST", JSON, admin=False, data=body)).status == 401
        assert (await made.ask(PATH, "POST", JSON, data=body)).status == 202


async def test_a_store_that_fails_is_503_and_nothing_is_counted(tmp_path: Path) -> None:
    async with serving(tmp_path) as (made, intake):
        intake.broken = True
        reply = await send(made, event("payment", id="one"), event("traffic", id="two"))
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        intake.broken = False
        assert (
            json.loads((await send(made, event("payment", id="one"), event("traffic", id="two"))).text)[
                "accepted"
            ]
            == 2
        )


async def test_what_was_reported_is_listed_and_exported(tmp_path: Path) -> None:
    async with serving(tmp_path) as (made, intake):
        made.room.store = intake.database
        await send(made, event("payment", id="one", tenant="acme", amount=5.0, currency="EUR"))
        page = json.loads(
            (await made.ask("/api/v1/payments", headers=bearer(TOKENS["viewer"]), admin=False)).text
        )
        assert [(row["id"], row["amount"]) for row in page["payments"]] == [("one", 5.0)]
        text = (
            await made.ask("/api/v1/payments?format=csv", headers=bearer(TOKENS["viewer"]), admin=False)
        ).text
        assert text.splitlines()[0].startswith("at,integration,tenant,id,outcome")
        assert (
            await made.ask("/api/v1/sign-ins", headers=bearer(TOKENS["viewer"]), admin=False)
        ).status == 403
