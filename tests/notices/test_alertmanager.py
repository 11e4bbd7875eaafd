"""A real Alertmanager, with the files that `generate` writes, sends to a real exporter, which is killed."""

import asyncio
import random
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter.core.notice_metrics import REPEATED
from exporter.demo.services import DemoProcess
from tests.e2e.asking import read, until
from tests.e2e.conftest import COMMAND
from tests.notices.messages import alert, message
from tests.servers.alertmanager import alertmanager
from tests.servers.ports import free_port

TOKENS = {"notify": "notify-0123456789abcdef", "admin": "admin-0123456789abcdef"}
KILLS = 3


class Exporter:
    """The exporter as a process that others kill, with what it keeps in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        tokens = [f"{{name: {role}, token: {token}, roles: [{role}]}}" for role, token in TOKENS.items()]
        (folder / "web.yml").write_text(f"bearer_tokens: [{', '.join(tokens)}]\n")
        (folder / "config.yml").write_text(
            f"generate: {{secrets: {{dir: '{folder}/secrets'}},"
            f" exporter: {{addresses: ['127.0.0.1:{self.port}']}}}}\n"
            f"notifications: {{history: {{bearer_token: {TOKENS['notify']}}}}}\n"
            f"store: {{url: 'sqlite:///{folder}/state.db'}}\n"
        )
        self.process = self._service()

    def _service(self) -> DemoProcess:
        command = [
            *COMMAND,
            f"--config.file={self.folder}/config.yml",
            f"--web.config.file={self.folder}/web.yml",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        return DemoProcess("exporter", command, f"{self.url}/-/ready", self.folder / "exporter.log")

    async def start(self) -> None:
        self.process = self._service()
        await self.process.start()

    async def kill(self) -> None:
        assert self.process.process is not None
        self.process.process.kill()
        await self.process.process.wait()

    async def generate(self) -> Path:
        """Write the bundle; the waits of routes are a second, so that the test has not to wait for them."""
        words = ["generate", f"--config.file={self.folder}/config.yml", f"--out={self.folder}/bundle"]
        await DemoProcess("generate", [*COMMAND, *words], "", self.folder / "generate.log").run()
        path = self.folder / "bundle/alertmanager/alertmanager.yml"
        text = path.read_text()
        for name in ("group_wait", "group_interval"):
            for wait in ("10s", "1m", "5m", "30m"):
                text = text.replace(f"{name}: {wait}\n", f"{name}: 1s\n")
        path.write_text(text)
        return path

    async def has_repeats(self, count: int) -> bool:
        headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
        text = await read(f"{self.url}/metrics", **headers)
        (line,) = [one for one in text.splitlines() if one.startswith(f"{REPEATED.name} ")]
        return float(line.split()[1]) >= count

    async def notices(self, query: str = "") -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self.url}/api/v1/notices?limit=1000{query}") as answer,
        ):
            assert answer.status == 200, await answer.text()
            return list((await answer.json())["notices"])


@pytest.fixture
async def exporter(tmp_path: Path) -> AsyncIterator[Exporter]:
    made = Exporter(tmp_path)
    await made.start()
    try:
        yield made
    finally:
        await made.process.stop()


@asynccontextmanager
async def two_alertmanagers(folder: Path, config: Path) -> AsyncIterator[tuple[Any, Any]]:
    async with AsyncExitStack() as stack:
        made = []
        for name in ("first", "second"):
            (folder / name).mkdir()
            made.append(await stack.enter_async_context(alertmanager(folder / name, config)))
        yield made[0], made[1]


async def test_what_two_alertmanagers_send_is_one_history_also_over_a_kill(exporter: Exporter) -> None:
    config = await exporter.generate()
    (secret,) = (exporter.folder / "secrets").iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    sent = {key: alert(tenant="acme")[key] for key in ("labels", "annotations")}
    begun = {**sent, "startsAt": "2026-11-28T12:00:00.123456789Z"}
    low = {**begun, "labels": {**sent["labels"], "alertname": "QuotaLow", "severity": "low"}}
    watchdog = {**begun, "labels": {"alertname": "Watchdog", "severity": "none"}}

    async def seen(*wanted: tuple[str, str]) -> bool:
        found = await exporter.notices()
        return sorted((one["alert"], one["state"]) for one in found) == sorted(wanted)

    firing = [("IntegrationDown", "firing"), ("QuotaLow", "firing")]
    async with two_alertmanagers(exporter.folder, config) as both:
        for one in both:
            await one.post([begun, low, watchdog])
        await until("both alerts", lambda: seen(*firing))
        await until("both alerts of the other one, which are there", lambda: exporter.has_repeats(2))
        assert await seen(*firing)
        (found,) = await exporter.notices("&alert=IntegrationDown")
        assert (found["severity"], found["integration"], found["tenant"]) == ("high", "payments", "acme")
        assert found["labels"] == sent["labels"] and found["starts"] == "2026-11-28T12:00:00Z"
        assert len(found["fingerprint"]) == 16 and found["receiver"] == "history"
        await exporter.kill()
        for one in both:
            await one.post([{**begun, "endsAt": "2026-11-28T12:30:00Z"}])
        await exporter.start()
        await until("the resolution of meanwhile", lambda: seen(*firing, ("IntegrationDown", "resolved")))
        assert (await exporter.notices("&state=resolved"))[0]["ends"] == "2026-11-28T12:30:00Z"


async def test_no_notice_that_was_acknowledged_is_lost_by_kill_9(exporter: Exporter) -> None:
    dice, acknowledged, number = random.Random(1), set[str](), 0
    headers = {"Authorization": f"Bearer {TOKENS['notify']}"}

    async def send(tenant: str) -> None:
        async with aiohttp.ClientSession(headers=headers) as session:
            body = message(alert(tenant=tenant))
            async with session.post(f"{exporter.url}/api/v1/notices", data=body) as answer:
                assert answer.status == 200, await answer.text()
                acknowledged.add(tenant)

    for _ in range(KILLS):
        tasks = [asyncio.create_task(send(f"t{number + one}")) for one in range(150)]
        number += len(tasks)
        enough = len(acknowledged) + dice.randrange(1, 100)
        while len(acknowledged) < enough and not all(task.done() for task in tasks):
            await asyncio.sleep(0.001)
        await exporter.kill()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [one for one in results if isinstance(one, AssertionError)]
        await exporter.start()
    assert acknowledged and acknowledged <= {one["tenant"] for one in await exporter.notices()}
