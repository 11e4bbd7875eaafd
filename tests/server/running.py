"""A whole exporter as a process, with all that the API is about: vendor, tenants, Alertmanager, store."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.fernet import Fernet

from exporter.demo.services import DemoProcess
from tests.e2e.conftest import COMMAND
from tests.server.house import bearer
from tests.server.test_access import TOKENS, web_config
from tests.servers.alertmanager import alertmanager
from tests.servers.ports import free_port
from tests.waiting import PATIENCE

ALERTMANAGER = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
MARKER = "zzplanted"
"""A tenant with a name that occurs nowhere else, and what is its own bears it as well."""

SECRETS = ("access-token-of-all-0123456789", "secret-of-acme", "secret-of-other")
"""What no answer may have, besides the credentials of the callers and of webhooks."""

CONFIGURATION = """\
integrations:
  - name: payments
    provider: http
    critical: true
    interval: 1h
    options: {{url: "{vendor}/good"}}
    tenants: {{list: [{{id: acme}}, {{id: globex}}, {{id: {marker}, labels: {{plan: {marker}}}}}]}}
  - name: {marker}-mail
    provider: http
    interval: 1h
    options: {{url: "{vendor}/{marker}"}}
    tenants: {{list: [{{id: {marker}}}]}}
  - name: partner
    provider: http
    interval: 1h
    options: {{url: "{vendor}/good", token_endpoint: {{url: "{vendor}/token"}}}}
    tenants:
      list:
        - {{id: acme, options: {{auth: {{oauth2: {{client_id: acme, client_secret: secret-of-acme}}}}}}}}
        - id: {marker}
          options: {{auth: {{oauth2: {{client_id: {marker}, client_secret: secret-of-other}}}}}}
  - {{name: mail, provider: http, interval: 1h, options: {{url: "{vendor}/bad"}}}}
events:
  allow: {{route: ["/{marker}", "/checkout"], endpoint: [{marker}, chat], widget: [{marker}, donate]}}
  beacon: {{sites: [{{key: pub_shop, tenant: acme, origins: ["https://shop.example"]}}]}}
ratelimits:
  policies: [{{name: api, endpoint: "shop/*", by: address, limit: 1000/1m}}]
webhooks:
  sources:
    - {{name: shop, scheme: hmac, secret: whsec_of_the_shop_0123456789, tenant: acme, integration: payments,
       options: {{header: X-Shop-Signature}}}}
    - {{name: {marker}-source, scheme: hmac, secret: whsec_of_another_0123456789, tenant: {marker},
       integration: payments, options: {{header: X-Shop-Signature}}}}
notifications:
  alertmanager: {{url: "http://{alertmanager}"}}
store: {{url: "{store}", token_keys: "{key}"}}
"""


@dataclass
class RunningExporter:
    """Where it listens, and a short way to ask it as a caller by name."""

    url: str
    session: aiohttp.ClientSession
    service: DemoProcess
    store: str
    folder: Path

    async def ask(
        self, method: str, path: str, caller: str = "admin", **more: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body; of a stream the body is empty."""
        headers = {**bearer(TOKENS[caller]), **more.pop("headers", {})}
        async with self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            endless = answer.content_type == "text/event-stream"
            return answer.status, answer.headers, b"" if endless else await answer.read()


@asynccontextmanager
async def running_exporter(folder: Path, store: str = "") -> AsyncIterator[RunningExporter]:
    """Run it in `folder` until the block ends; every target has been checked once."""
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(_vendor())
        (folder / "alertmanager.yml").write_text(ALERTMANAGER)
        manager = await stack.enter_async_context(alertmanager(folder, folder / "alertmanager.yml"))
        store = store or f"sqlite:///{folder}/state.db"
        (folder / "config.yml").write_text(
            CONFIGURATION.format(
                vendor=vendor,
                marker=MARKER,
                alertmanager=manager.address,
                store=store,
                key=Fernet.generate_key().decode(),
            )
        )
        web_config(folder)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield await stack.enter_async_context(_started(folder, session, store, "exporter"))


@asynccontextmanager
async def replica_of(first: RunningExporter) -> AsyncIterator[RunningExporter]:
    """Run another exporter with the files and the store of `first` until the block ends."""
    async with _started(first.folder, first.session, first.store, "replica") as made:
        yield made


@asynccontextmanager
async def _started(
    folder: Path, session: aiohttp.ClientSession, store: str, name: str
) -> AsyncIterator[RunningExporter]:
    port = free_port()
    command = [
        *COMMAND,
        f"--config.file={folder}/config.yml",
        f"--web.config.file={folder}/web.yml",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    service = DemoProcess(name, command, f"{url}/-/ready", folder / f"{name}.log")
    try:
        await service.start(PATIENCE)
        made = RunningExporter(url, session, service, store, folder)
        await until_checked(made)
        yield made
    finally:
        await service.stop()


async def until_checked(made: RunningExporter) -> None:
    """Return once every target has a state."""

    async def left() -> bytes:
        _, _, body = await made.ask("GET", "/api/v1/targets?status=unknown")
        return body

    found: list[bytes] = []
    while not (found and b'"targets":[]' in found[-1]):
        found.append(await left())


@asynccontextmanager
async def _vendor() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.json_response({"access_token": SECRETS[0], "token_type": "Bearer", "expires_in": 3600})
        return web.Response(text="ok", status=200 if request.path == "/good" else 503)

    application = web.Application()
    application.router.add_route("*", "/{name}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
