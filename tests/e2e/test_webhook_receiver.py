"""A receiver of others' making, in a process of its own, takes what a running exporter sends."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.fernet import Fernet

from tests.servers.ports import free_port
from tests.servers.raw import answering, ok, serving
from tests.waiting import PATIENCE, until

RECEIVER = """
import http.server, json, sys
from {library} import Webhook

seen = {{}}

class Receiver(http.server.BaseHTTPRequestHandler):
    fails = 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        secret = open(sys.argv[2]).read().strip()
        try:
            Webhook(secret).verify(body, {{k.lower(): v for k, v in self.headers.items()}})
        except Exception:
            return self.answer(401)
        if Receiver.fails:
            Receiver.fails -= 1
            return self.answer(503)
        seen.setdefault(self.headers["webhook-id"], []).append(json.loads(body))
        self.answer(204)

    def do_GET(self):
        self.answer(200, json.dumps(seen).encode())

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
"""
TOKEN = "ops-0123456789abcdef"


@contextmanager
def process(*words: str, log: Path, **environment: str) -> Iterator[None]:
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, *words], stdout=out, stderr=out, env=os.environ | environment
        )
        try:
            yield
        finally:
            running.terminate()
            running.wait(60)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("library", ["standardwebhooks", "svix.webhooks"])
async def test_a_receiver_with_a_public_library_gets_each_webhook_once_though_it_failed_at_first(
    library: str, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "receiver.py").write_text(RECEIVER.format(library=library))
    receiver = (str(tmp_path / "receiver.py"), str(port), str(tmp_path / "secret"))
    with process(*receiver, log=tmp_path / "receiver.log"):
        await until(partial(listens, port))  # else its first attempt would be refused, not answered
        async with exporter(tmp_path) as api:
            hook = {
                "name": "crm",
                "tenant": "acme",
                "url": f"http://127.0.0.1:{port}/",
                "allow_private": True,
            }
            made = await ask(api, "POST", "/api/v1/endpoints", hook)
            (tmp_path / "secret").write_text(made["secret"])
            event = {
                "id": "evt_1",
                "tenant": "acme",
                "type": "order.created",
                "payload": {"total": "12.50 €"},
            }
            for _ in range(2):
                await ask(api, "POST", "/api/v1/deliveries", event)
            found = await delivered(api, "deliver/crm/evt_1")
            assert [one["http_status"] for one in found["attempts_made"]] == [503, 204]
        async with aiohttp.ClientSession() as plain, plain.get(f"http://127.0.0.1:{port}/") as answer:
            assert json.loads(await answer.read()) == {"evt_1": [{"total": "12.50 €"}]}


async def test_an_operator_sees_that_an_endpoint_was_disabled_and_what_became_of_one_deleted(
    tmp_path: Path,
) -> None:
    async with serving(answering(ok(b"", status="410 Gone"))) as server, exporter(tmp_path) as api:
        for name in ("gone", "shop"):
            hook = {"name": name, "tenant": "acme", "url": server.url("/"), "allow_private": True}
            await ask(api, "POST", "/api/v1/endpoints", hook)
        await ask(api, "POST", "/api/v1/endpoints/gone/ping")
        while (await ask(api, "GET", "/api/v1/endpoints/gone"))["state"] != "disabled":
            await asyncio.sleep(0.1)
        async with api.get("/metrics") as answer:
            page = await answer.text()
        for name, value in (("gone", "1.0"), ("shop", "0.0")):
            labels = f'endpoint="{name}",integration="",provider="",tenant="acme"'
            assert f"integration_webhook_endpoint_disabled{{{labels}}} {value}\n" in page
        entries = (await ask(api, "GET", "/api/v1/audit"))["audit"]
        assert {"endpoint.disabled", "webhook.given_up"} <= {one["action"] for one in entries}
        await ask(api, "PATCH", "/api/v1/endpoints/shop", {"state": "paused"})
        event = {"id": "evt_1", "tenant": "acme", "type": "order.created", "payload": {}}
        await ask(api, "POST", "/api/v1/deliveries", event)
        async with api.delete("/api/v1/endpoints/shop") as answer:
            assert answer.status == 204
        found = await ask(api, "GET", "/api/v1/deliveries/deliver/shop/evt_1")
        assert (found["state"], found["reason"]) == ("dead", "not_configured")


@asynccontextmanager
async def exporter(folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Run an exporter whose files are in `folder`; yield a session of its admin."""
    (folder / "keys").write_text(Fernet.generate_key().decode())
    store = f"{{url: 'sqlite:///{folder}/s.db', token_keys_file: {folder}/keys}}"
    (folder / "exporter.yml").write_text(f"store: {store}\n")
    roles = f"bearer_tokens: [{{name: ops, token: {TOKEN}, roles: [admin, ingest]}}]\n"
    (folder / "web.yml").write_text(roles)
    flags = (f"--config.file={folder}/exporter.yml", f"--web.config.file={folder}/web.yml")
    port, headers = free_port(), {"Authorization": f"Bearer {TOKEN}"}
    words = ("-m", "exporter", *flags, f"--web.listen-address=127.0.0.1:{port}")
    with process(*words, log=folder / "exporter.log"):
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as api:
            await ready(api)
            yield api


async def ready(api: aiohttp.ClientSession) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            async with api.get("/-/ready") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("the exporter does not get ready")


async def ask(api: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> Any:
    async with api.request(method, path, json=body) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def delivered(api: aiohttp.ClientSession, name: str) -> Any:
    while (found := await ask(api, "GET", f"/api/v1/deliveries/{name}"))["state"] != "delivered":
        await asyncio.sleep(0.2)
    return found
