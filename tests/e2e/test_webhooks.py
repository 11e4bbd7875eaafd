"""Webhooks through a whole exporter: what was acknowledged reaches the app, whatever happens to it."""

import asyncio
import hashlib
import hmac
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from exporter.demo.services import DemoProcess
from tests.e2e.asking import read, tell, until
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port
from tests.waiting import until as happens

SECRET = "0123456789abcdef"
OTHER = "fedcba9876543210"
LABELS = 'integration="",provider="",source="github",tenant=""'
FAILED = LABELS.replace("source", 'reason="vendor_error",source').join(('direction="inbound",', ""))
FORGED = LABELS.replace("source", 'reason="mismatch",source')
CONFIGURATION = """\
integrations: []
store: {{url: "sqlite:///{folder}/state.db"}}
webhooks:
  sources:
    - name: github
      scheme: github
      secrets: ["{secret}"]
      types: [push]
      forward: {{url: "http://127.0.0.1:{app}/hook", timeout: 2s}}
"""


class App:
    """The platform's app: it notes each webhook that it accepts, and fails on request."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.status = 200

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        mark = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert request.headers["X-Hub-Signature-256"] in (f"sha256={mark}", sign(body, OTHER))
        if self.status == 200:
            self.seen[json.loads(body)["number"]] += 1
        return web.Response(status=self.status)


@asynccontextmanager
async def app() -> AsyncIterator[tuple[App, int]]:
    made = App()
    application = web.Application()
    application.router.add_post("/hook", made.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield made, runner.addresses[0][1]
    finally:
        await runner.cleanup()


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(number: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": number,
        "X-Hub-Signature-256": sign(body, secret),
    }


async def send(port: int, number: str, secret: str = SECRET) -> int:
    """Return the status, 0 where the exporter was not there."""
    body = f'{{"number": "{number}"}}'.encode()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"http://127.0.0.1:{port}/webhooks/github", data=body, headers=headers(number, body, secret)
            ) as answer,
        ):
            return answer.status
    except aiohttp.ClientError:
        return 0


def write(folder: Path, app_port: int, secret: str = SECRET) -> Path:
    config = folder / "config.yml"
    config.write_text(CONFIGURATION.format(folder=folder, app=app_port, secret=secret))
    return config


def process(folder: Path, port: int, config: Path) -> DemoProcess:
    command = [*COMMAND, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    return DemoProcess("exporter", command, f"http://127.0.0.1:{port}/-/ready", folder / "exporter.log")


async def test_after_kill_9_all_that_was_acknowledged_reaches_the_app(tmp_path: Path) -> None:
    port = free_port()
    acknowledged: set[str] = set()

    async def flood(name: str) -> None:
        for number in range(60):
            if await send(port, f"{name}-{number}") == 200:
                acknowledged.add(f"{name}-{number}")

    async with app() as (server, app_port):
        config = write(tmp_path, app_port)
        first = process(tmp_path, port, config)
        await first.start()
        floods = [asyncio.create_task(flood(f"sender{number}")) for number in range(4)]
        await happens(lambda: len(acknowledged) >= 40)
        assert first.process is not None
        first.process.send_signal(signal.SIGKILL)
        await first.process.wait()
        await asyncio.gather(*floods)
        before = set(acknowledged)
        assert 40 <= len(before) < 240, "it was killed in the midst"
        second = process(tmp_path, port, config)
        await second.start()
        try:

            async def all_there() -> bool:
                return before <= server.seen.keys()

            await until("what was acknowledged before the kill is at the app", all_there)
            again = sorted(before)[0]
            assert await send(port, again) == 200, "a duplicate is acknowledged"
            assert await send(port, "last") == 200

            async def last() -> bool:
                return "last" in server.seen

            await until("a new one is at the app", last)
            assert server.seen["last"] == 1
            page = await read(f"http://127.0.0.1:{port}/metrics")
            assert f"integration_webhook_duplicates_total{{{LABELS}}} 1.0" in page
        finally:
            await second.stop()


async def test_a_reload_rotates_a_secret_and_what_waited_goes_out_once_the_app_is_back(
    tmp_path: Path,
) -> None:
    port = free_port()
    async with app() as (server, app_port):
        server.status = 503
        config = write(tmp_path, app_port)
        service = process(tmp_path, port, config)
        await service.start()
        try:
            assert await send(port, "one") == 200
            assert await send(port, "two", OTHER) == 401
            write(tmp_path, app_port, OTHER)
            status, text = await tell(f"http://127.0.0.1:{port}/-/reload")
            assert status == 200, text
            assert await send(port, "two", OTHER) == 200
            assert await send(port, "three") == 401
            metrics = f"http://127.0.0.1:{port}/metrics"

            async def failing() -> bool:
                return f"event_failures_total{{{FAILED}}} 0.0" not in await read(metrics)

            await until("the app's failures are counted", failing)
            server.status = 200

            async def both() -> bool:
                return {"one", "two"} <= server.seen.keys()

            await until("both are at the app", both)
            page = await read(metrics)
            assert f"signature_failures_total{{{FORGED}}} 2.0" in page
        finally:
            await service.stop()
    log = (tmp_path / "exporter.log").read_text()
    assert "webhook refused" in log and SECRET not in log and OTHER not in log and "Traceback" not in log
