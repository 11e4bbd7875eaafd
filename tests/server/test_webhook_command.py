"""The command `webhooks` against a running exporter: it lists, shows, retries and pings."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.core.webhook import Webhooks
from exporter.store.database import Database
from tests.server.webhook_desk import GIVEN, OF_THE_FILE, SOURCE, Desk, settled, webhook_desk
from tests.servers.raw import Raw, keeping, ok, serving

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
async def desk(tmp_path: Path, store: Database) -> AsyncIterator[Desk]:
    async with webhook_desk(tmp_path, store) as made:
        made.room.live = True
        yield made


@pytest.fixture
def run(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    token = tmp_path / "token"
    token.write_text("ops-0123456789abcdef")

    async def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        flags = ("--exporter.url", desk.house.url, "--token-file", str(token))
        code = await asyncio.to_thread(main, ["webhooks", *words, *flags])
        out, err = capsys.readouterr()
        return code, out, err

    return command


@pytest.fixture
async def receiver() -> AsyncIterator[Raw]:
    async with serving(keeping()) as made:
        yield made


async def deliver(desk: Desk, receiver: Raw, count: int = 1) -> None:
    await desk.make(url=receiver.url(), allow_private=True, secret=GIVEN)
    for number in range(count):
        body = {"id": f"evt_{number}", "tenant": "acme", "type": "order.created", "payload": number}
        await desk.api("POST", "/deliveries", body)
        await settled(desk, f"/deliveries/deliver/acme-crm/evt_{number}", "delivered")


async def test_it_lists_deliveries_as_a_table_and_as_json(desk: Desk, run: Run, receiver: Raw) -> None:
    await deliver(desk, receiver, 2)
    code, out, _ = await run("list", "--endpoint", "acme-crm")
    assert code == 0 and "ENDPOINT" in out and "deliver/acme-crm/evt_1" in out
    code, out, _ = await run("list", "--state", "delivered", "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == [
        "deliver/acme-crm/evt_1",
        "deliver/acme-crm/evt_0",
    ]
    code, out, err = await run("dead")
    assert (code, out) == (0, "") and "no deliveries" in err


async def test_it_shows_a_delivery_with_every_attempt(desk: Desk, run: Run, receiver: Raw) -> None:
    await deliver(desk, receiver)
    code, out, _ = await run("show", "deliver/acme-crm/evt_0")
    assert code == 0 and "state:" in out and "delivered" in out and "200" in out
    code, out, _ = await run("show", "deliver/acme-crm/evt_0", "--json")
    assert json.loads(out)["attempts_made"][0]["http_status"] == 200
    code, _, err = await run("show", "deliver/acme-crm/none")
    assert code == 1 and "no such delivery" in err


async def test_it_retries_by_id_and_all_that_are_dead(desk: Desk, run: Run) -> None:
    async with serving(keeping(ok(b"", status="410 Gone"))) as gone:
        await desk.make(url=gone.url(), allow_private=True)
        await desk.api("POST", "/deliveries", {"id": "a", "tenant": "acme", "type": "x", "payload": 1})
        await settled(desk, "/deliveries/deliver/acme-crm/a", "dead")
    async with serving(keeping()) as receiver:
        await desk.ask("PATCH", "/acme-crm", {"state": "active", "url": receiver.url()})
        code, out, _ = await run("dead")
        assert code == 0 and "deliver/acme-crm/a" in out
        code, _, err = await run("retry", "--all")
        assert code == 0 and "1 of 1 are tried again" in err
        await settled(desk, "/deliveries/deliver/acme-crm/a", "delivered")
        code, out, _ = await run("retry", "deliver/acme-crm/a", "--json")
        assert code == 0 and json.loads(out)["retried"] == 1
        code, _, err = await run("retry", "deliver/acme-crm/unknown")
        assert code == 1 and "0 of" in err


@pytest.mark.parametrize("words", [(), ("--all", "--endpoint", "x"), ("an-id", "--all")])
async def test_a_retry_says_which_in_one_way(run: Run, words: tuple[str, ...]) -> None:
    code, _, err = await run("retry", *words)
    assert code == 1 and "say which deliveries" in err


async def test_it_pings_an_endpoint_and_lists_endpoints_and_sources(
    desk: Desk, run: Run, receiver: Raw
) -> None:
    await deliver(desk, receiver)
    desk.room.webhook_settings = Webhooks(sources=(SOURCE,), endpoints=(OF_THE_FILE,))
    code, out, _ = await run("ping", "acme-crm", "--json")
    assert code == 0
    await settled(desk, f"/deliveries/{json.loads(out)['id']}", "delivered")
    code, _, err = await run("ping", "none")
    assert code == 1 and "no such endpoint" in err
    code, out, _ = await run("endpoints")
    assert code == 0 and "acme-crm" in out and "fixed" in out and "closed" in out
    code, out, _ = await run("endpoints", "--state", "disabled", "--json")
    assert (code, out) == (0, ""), out
    code, out, _ = await run("sources")
    assert code == 0 and "stripe" in out and "/webhooks/stripe" in out and "whsec_" not in out
