"""The whole product as processes: sandbox, exporter, Prometheus, Alertmanager, sinks for notifications."""

import asyncio
import email
import email.policy
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from exporter import registry
from exporter.demo.services import DemoProcess, program
from exporter.demo.sink import Sink
from tests.e2e.asking import ask, tell
from tests.servers.ports import free_port, free_row
from tests.waiting import PATIENCE

COMMAND = [sys.executable, "-m", "exporter"]
CONFIGURATION = """\
defaults: {{timeout: 2s}}
integrations:
  - name: payments
    provider: stripe
    critical: true
    interval: 2s
    allow_over_budget: true
    options: {{base_url: "http://127.0.0.1:{sandbox}/stripe", secret_key: {secret}}}
    tenants:
      list: [{{id: acme, labels: {{plan: gold}}}}, {{id: globex}}]
  - name: vendor-page
    provider: http
    interval: 2s
    options:
      url: http://127.0.0.1:{sandbox}/_sandbox/stripe
      expect: {{body: ["title == 'Stripe'"]}}
  - name: vendor-port
    provider: tcp
    interval: 2s
    options: {{host: 127.0.0.1, port: {sandbox}}}
  - name: secure-page
    provider: http
    interval: 2s
    options: {{url: "{tls_url}/nothing", expect: {{status: [401, 404]}}, tls: {{ca_file: {ca_file}}}}}
  - name: not-yet-connected
    provider: stripe
notifications:
  webhook: {{url: "http://127.0.0.1:{sink}/"}}
  email:
    to: [oncall@example.org]
    sender: alerts@example.org
    smarthost: "127.0.0.1:{smtp}"
    require_tls: false
store: {{url: "sqlite:///{folder}/state.db"}}
"""
SECRET = "sk_test_sandboxPlantedKey4242"


class MailSink:
    """Takes mail by SMTP on loopback."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 taken"


@dataclass
class Platform:
    """What runs: ports by part, the folder with logs and bundle, and what arrived."""

    folder: Path
    ports: dict[str, int]
    hooks: Sink = field(default_factory=Sink)
    mail: MailSink = field(default_factory=MailSink)
    services: dict[str, DemoProcess] = field(default_factory=dict)
    nothing_on_a_good_day: set[tuple[str, str, str]] = field(default_factory=set)

    def url(self, part: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[part]}{path}"

    async def query(self, expression: str) -> list[dict[str, Any]]:
        answer = await ask(self.url("prometheus", "/api/v1/query"), query=expression)
        assert answer["status"] == "success", (expression, answer)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    async def start(self, service: DemoProcess) -> None:
        self.services[service.name] = service
        await service.start()


PARTS = ("sandbox", "exporter", "prometheus", "alertmanager", "sink", "smtp")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    ports = {part: free_port() for part in PARTS}
    ports["sandbox"] = free_row(1 + 2 * len(registry.sandbox_vendors()))
    made = Platform(folder, ports)
    async with AsyncExitStack() as stack:
        await made.hooks.start(made.ports["sink"])
        stack.push_async_callback(made.hooks.stop)
        smtp = made.ports["smtp"]
        controller = Controller(made.mail, hostname="127.0.0.1", port=smtp, ready_timeout=PATIENCE)
        controller.start()
        stack.callback(controller.stop)
        stack.push_async_callback(_stop, made)
        await _start(made)
        yield made


async def _start(made: Platform) -> None:
    sandbox_log = made.folder / "sandbox.log"
    listen = f"127.0.0.1:{made.ports['sandbox']}"
    command = [*COMMAND, "sandbox", "--listen", listen]
    await made.start(DemoProcess("sandbox", command, made.url("sandbox", "/_sandbox"), sandbox_log))
    vendor = await ask(made.url("sandbox", "/_sandbox/stripe"))
    lack = {"scenario": "no_payouts_permission"}
    assert (await tell(made.url("sandbox", "/_sandbox/stripe/scenario"), lack))[0] == 200
    text = CONFIGURATION.format(
        **made.ports, secret=SECRET, folder=made.folder, tls_url=vendor["tls_url"], ca_file=vendor["ca_file"]
    )
    (made.folder / "config.yml").write_text(text)
    await made.start(exporter(made))
    await _generate(made)
    await made.start(_alertmanager(made))
    await made.start(_prometheus(made))


def exporter(made: Platform) -> DemoProcess:
    """Return the exporter as a service, on the platform's configuration."""
    command = [
        *COMMAND,
        f"--config.file={made.folder / 'config.yml'}",
        f"--web.listen-address=127.0.0.1:{made.ports['exporter']}",
        "--log.format=json",
    ]
    return DemoProcess("exporter", command, made.url("exporter", "/-/ready"), made.folder / "exporter.log")


async def _generate(made: Platform) -> None:
    command = [
        *COMMAND,
        "generate",
        f"--config.file={made.folder / 'config.yml'}",
        f"--out={made.folder / 'bundle'}",
    ]
    command += [
        f"--{part}.address=127.0.0.1:{made.ports[part]}"
        for part in ("exporter", "prometheus", "alertmanager")
    ]
    await DemoProcess("generate", command, "", made.folder / "generate.log").run()
    for path in (made.folder / "bundle/prometheus/rules").glob("*.yml"):
        # What is over stays on for minutes, so that a restart repeats nothing; no test waits for that.
        path.write_text(re.sub(r"keep_firing_for: \S+", "keep_firing_for: 10s", path.read_text()))


def _alertmanager(made: Platform) -> DemoProcess:
    path = program("prometheus-alertmanager", "alertmanager")
    assert path, "Alertmanager is needed: apt-get install prometheus-alertmanager"
    command = [
        path,
        f"--config.file={made.folder / 'bundle/alertmanager/alertmanager.yml'}",
        f"--storage.path={made.folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{made.ports['alertmanager']}",
        "--cluster.listen-address=",
    ]
    return DemoProcess(
        "alertmanager", command, made.url("alertmanager", "/-/ready"), made.folder / "alertmanager.log"
    )


def _prometheus(made: Platform) -> DemoProcess:
    path = program("prometheus")
    assert path, "Prometheus is needed: apt-get install prometheus"
    command = [
        path,
        f"--config.file={made.folder / 'bundle/prometheus/prometheus.yml'}",
        f"--storage.tsdb.path={made.folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{made.ports['prometheus']}",
    ]
    return DemoProcess(
        "prometheus", command, made.url("prometheus", "/-/ready"), made.folder / "prometheus.log"
    )


async def _stop(made: Platform) -> None:
    await asyncio.gather(*(service.stop() for service in made.services.values()))
