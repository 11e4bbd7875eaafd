"""`/api/v1/notices` and `/api/v1/alert-noise` over a real socket, with a real store."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.server.handlers import notices as handler
from tests.notices.messages import NOW, NoticeDesk, alert, message, notice_desk
from tests.server.house import House, Reply, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

PATH, NOISE = "/api/v1/notices", "/api/v1/alert-noise"


@dataclass
class Office:
    """A server that takes notices, and what it keeps them in."""

    house: House
    desk: NoticeDesk

    async def send(self, body: bytes, token: str = "notify") -> Reply:
        headers = {**bearer(TOKENS[token]), "Content-Type": "application/json"}
        return await self.house.ask(PATH, "POST", headers, data=body)

    async def read(self, path: str, token: str = "admin") -> Reply:
        return await self.house.ask(path, headers=bearer(TOKENS[token]))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with notice_desk(f"sqlite:///{tmp_path}/state.db") as desk:
        states = [state("payments", "acme"), state("payments", "globex")]
        room = Room(states, path=web_config(tmp_path), store=desk.database, notices=desk.intake)
        async with house(room) as made:
            yield Office(made, desk)


async def test_200_is_answered_once_it_is_stored_and_again_for_what_is_there(office: Office) -> None:
    reply = await office.send(message(alert(), truncatedAlerts=3))
    assert (reply.status, reply.json) == (200, {"accepted": 1, "duplicates": 0, "truncated": 3})
    reply = await office.send(message(alert()))
    assert (reply.status, reply.json) == (200, {"accepted": 0, "duplicates": 1, "truncated": 0})
    (found,) = (await office.read(PATH)).json["notices"]
    assert (found["state"], found["alert"], found["ends"]) == ("firing", "IntegrationDown", None)


async def test_a_store_that_fails_is_503_so_that_alertmanager_sends_it_again(office: Office) -> None:
    office.desk.broken = True
    reply = await office.send(message(alert()))
    assert (reply.status, reply.headers["retry-after"]) == (503, "10")
    assert "not stored" in reply.json["error"]
    office.desk.broken = False
    assert (await office.send(message(alert()))).json["accepted"] == 1


async def test_a_body_that_is_no_message_is_400_and_one_that_is_too_long_413(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = await office.send(b"{}")
    assert reply.status == 400 and "version" in reply.json["error"]
    monkeypatch.setattr(handler, "MOST_BYTES", 1000)
    assert (await office.send(b"[" + b" " * 1000 + b"]")).status == 413


async def test_notices_are_narrowed_by_every_parameter(office: Office) -> None:
    await office.send(message(alert(tenant="acme"), alert("QuotaLow", tenant="globex", severity="low")))
    office.desk.now = NOW + 100
    await office.send(message(alert(tenant="acme", ends=NOW + 90)))

    async def found(query: str) -> list[tuple[str, str]]:
        rows = (await office.read(f"{PATH}?{query}")).json["notices"]
        return [(row["alert"], row["state"]) for row in rows]

    down, up, low = ("IntegrationDown", "firing"), ("IntegrationDown", "resolved"), ("QuotaLow", "firing")
    # What came in one message has one time: its order is the store's.
    assert sorted(await found("")) == sorted([up, low, down])
    assert await found("severity=low") == await found("alert=QuotaLow") == [low]
    assert await found("state=resolved") == await found(f"since={NOW + 50}") == [up]
    assert await found("tenant=acme") == [up, down]
    assert sorted(await found("integration=payments&state=firing")) == sorted([low, down])
    assert await found("q=quota") == [low] and await found("q=nothing+such") == []


async def test_noise_is_answered_by_what_is_asked_for_in_every_form(office: Office) -> None:
    await office.send(message(alert(tenant="acme"), alert(tenant="globex")))
    await office.send(message(alert(tenant="acme", ends=NOW)))
    reply = (await office.read(f"{NOISE}?by=tenant&window=1h&limit=1")).json
    assert reply["window"] == "1h" and reply["next_offset"] == 1
    assert reply["alerts"] == [
        {
            **{"alert": "IntegrationDown", "integration": "payments", "tenant": "acme"},
            **{"fired": 1, "acknowledged": 0, "resolved": 1, "flaps": 0},
            **{"mean_seconds_to_acknowledge": None, "longest_seconds_to_acknowledge": None},
            **{"mean_seconds_to_resolve": 60.0, "longest_seconds_to_resolve": 60.0},
            "last_fired": "2026-11-18T11:05:40Z",
        }
    ]
    second = (await office.read(f"{NOISE}?by=tenant&window=1h&limit=1&offset=1")).json
    assert [row["tenant"] for row in second["alerts"]] == ["globex"] and second["next_offset"] is None
    text = (await office.read(f"{NOISE}?by=alert&format=csv")).text
    assert [row["fired"] for row in csv.DictReader(io.StringIO(text))] == ["2"]
    assert (await office.read(f"{NOISE}?window=2h")).status == 400
    assert (await office.read(f"{NOISE}?integration=nothing")).status == 404


async def test_a_caller_bound_to_a_tenant_reads_its_own_noise_and_notices(office: Office) -> None:
    await office.send(message(alert(tenant="acme"), alert(tenant="globex")))
    rows = (await office.read(PATH, "bound_admin")).json["notices"]
    assert [row["tenant"] for row in rows] == ["acme"]
    (row,) = (await office.read(f"{NOISE}?by=alert", "bound_admin")).json["alerts"]
    assert row["fired"] == 1


async def test_the_command_shows_history_and_noise(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await office.send(message(alert(tenant="acme"), alert("QuotaLow", tenant="globex")))
    await office.send(message(alert(tenant="acme", ends=NOW)))
    token = tmp_path / "token"
    token.write_text(TOKENS["admin"])

    async def run(*words: str) -> str:
        flags = (f"--exporter.url={office.house.url}", f"--token-file={token}")
        assert await asyncio.to_thread(main, ["alerts", *words, *flags]) == 0
        return capsys.readouterr().out

    table = (await run("history", "--alert=IntegrationDown")).splitlines()
    assert [line.split()[1:5] for line in table[1:]] == [
        ["resolved", "high", "IntegrationDown", "payments"],
        ["firing", "high", "IntegrationDown", "payments"],
    ]
    assert [
        json.loads(line)["alert"] for line in (await run("history", "-q", "quota", "--json")).splitlines()
    ] == ["QuotaLow"]
    table = (await run("noise", "--window=1h", "--by=tenant", "--tenant=acme")).splitlines()
    assert table[1].split() == [
        *("IntegrationDown", "payments", "acme", "1", "0", "0", "1", "1m", "1m", "2026-11-18T11:05:40Z")
    ]
    assert await run("noise", "--window=1h", "--tenant=acme", "--severity=low") == ""
