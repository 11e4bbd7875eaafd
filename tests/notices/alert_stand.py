"""A real Alertmanager with generated routes, sinks that take its messages, and replicas that watch it."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from exporter.alertmanager.client import AlertmanagerClient
from exporter.config.load import load_text
from exporter.core.alertmanager import ActiveAlert, AlertmanagerAddress, FiredAlert, Matcher, Silence
from exporter.core.configuration import Configuration
from exporter.core.metric import Metric
from exporter.generate import bundle
from exporter.net.network import LoopNetwork
from exporter.notices.contact import AlertmanagerContact
from exporter.notices.escalation import EscalationWatch
from exporter.notices.maintenance import MaintenanceKeeper
from exporter.registry import catalogue
from exporter.store.database import Database
from exporter.store.escalations import EscalationStore
from exporter.store.maintenance import MaintenanceStore
from tests.rules.tools import write
from tests.servers.alertmanager import RunningAlertmanager, alertmanager, alertmanager_pair
from tests.servers.message_sinks import MessageSinks, message_sinks

HOUR = 3600.0
DOWN = {
    "alertname": "IntegrationTargetFailing",
    "severity": "high",
    "scope": "tenant",
    "integration": "payments",
    "provider": "stripe",
    "tenant": "acme",
}
_CONFIGURATION = """\
generate: {{secrets: {{dir: "{folder}/secrets"}}}}
notifications:
  pagerduty: {{routing_key: key, url: "http://127.0.0.1:{port}/pagerduty"}}
  webhook: {{url: "http://127.0.0.1:{port}/webhook"}}
"""


def configuration(text: str = "") -> Configuration:
    """Return a configuration of `text`, which is YAML."""
    return load_text(f"integrations: []\n{text}", None, catalogue(), {})


def write_routes(folder: Path, sinks: MessageSinks) -> Path:
    """Write what `generate` writes, but for the pace: nobody waits a minute here."""
    made = bundle.user_files(configuration(_CONFIGURATION.format(folder=folder, port=sinks.port)))
    write(folder / "secrets", {name: secret.reveal() for name, secret in made.secrets.items()})
    content = yaml.safe_load(made.files["alertmanager/alertmanager.yml"])
    for route in (content["route"], *content["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    write(folder, {**made.files, "alertmanager/alertmanager.yml": yaml.safe_dump(content)})
    return folder / "alertmanager/alertmanager.yml"


@dataclass
class Series:
    """What a process shows."""

    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, metric: Metric, labels: tuple[str, ...], amount: float) -> None:
        key = (metric.name, *labels)
        self.values[key] = self.values.get(key, 0.0) + amount

    def set(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        self.values[(metric.name, *labels)] = value

    def keep(self, metric: Metric, wanted: Callable[[tuple[str, ...]], bool]) -> None:
        gone = [key for key in self.values if key[0] == metric.name and not wanted(key[1:])]
        for key in gone:
            del self.values[key]

    def value(self, metric: Metric, *labels: str) -> float | None:
        return self.values.get((metric.name, *labels))


@dataclass
class AlertStand:
    """Alertmanagers at `addresses`, and the time that replicas of the exporter see: that of this machine."""

    addresses: Sequence[str]
    network: LoopNetwork
    sinks: MessageSinks = field(default_factory=MessageSinks)
    ahead: float = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    @property
    def client(self) -> AlertmanagerClient:
        return AlertmanagerClient(self.network, self.address)

    def address(self) -> AlertmanagerAddress:
        return AlertmanagerAddress(tuple(f"http://{one}" for one in self.addresses))

    def watch(
        self, database: Database, text: str = "", url: str = "http://configured.example"
    ) -> tuple[EscalationWatch, Series]:
        """Return what a process has that begins now, with `text` as its notifications."""
        series = Series()
        contact = AlertmanagerContact(series.set)
        store = EscalationStore(database)
        made = EscalationWatch(self.client, store, contact, series.add, self.now)
        settings = configuration(f"notifications: {{alertmanager: {{url: '{url}'}}, {text}}}")
        contact.apply(settings)
        made.apply(settings)
        return made, series

    def keeper(
        self, database: Database, client: AlertmanagerClient | None = None
    ) -> tuple[MaintenanceKeeper, Series]:
        """Return what a process has that begins now; `take` gives it the windows of its file."""
        series = Series()
        contact = AlertmanagerContact(series.set)
        contact.apply(configuration("notifications: {alertmanager: {url: 'http://configured.example'}}"))
        store = MaintenanceStore(database)
        made = MaintenanceKeeper(client or self.client, store, contact, series.set, series.keep, self.now)
        return made, series

    async def fire(self, age: float, labels: Mapping[str, str] | None = None, **more: str) -> None:
        """Send an alert that began `age` seconds ago, to every member, as Prometheus does."""
        began = time.time() - age
        annotations = {"summary": "It fails.", "description": "It has failed three times."}
        alert = FiredAlert({**(labels or DOWN), **more}, annotations, began, time.time() + HOUR)
        await self.client.fire([alert])

    async def resolve(self, age: float, **more: str) -> None:
        """Send that an alert which began `age` seconds ago is over."""
        now = time.time()
        await self.client.fire([FiredAlert({**DOWN, **more}, {}, now - age, now)])

    async def silence(self, seconds: float = HOUR, ago: float = 0.0, **labels: str) -> str:
        matchers = tuple(Matcher(name, value) for name, value in {**DOWN, **labels}.items())
        start = time.time() - ago
        return await self.client.put_silence(Silence(matchers, start, start + seconds, "ada", "at it"))

    async def alerts(self, **labels: str) -> list[ActiveAlert]:
        return await self.client.alerts([Matcher(name, value) for name, value in labels.items()])

    def pages(self, action: str = "trigger", integration: str = "payments") -> list[dict[str, Any]]:
        """Return what PagerDuty got; a resolving event has no more than the key of its first one."""
        keys = {
            one["dedup_key"]
            for one in self.sinks.pagerduty
            if one.get("payload", {}).get("component") == integration
        }
        return [
            one for one in self.sinks.pagerduty if one["event_action"] == action and one["dedup_key"] in keys
        ]


@asynccontextmanager
async def alert_stand(
    folder: Path, members: int = 1, network: LoopNetwork | None = None
) -> AsyncIterator[AlertStand]:
    """Run one Alertmanager, or a cluster of two, until the end of the block."""
    async with AsyncExitStack() as stack:
        sinks = await stack.enter_async_context(message_sinks())
        config = write_routes(folder, sinks)
        run = alertmanager_pair(folder, config) if members == 2 else _alone(folder, config)
        servers = await stack.enter_async_context(run)
        used = network or LoopNetwork()
        if network is None:
            stack.push_async_callback(used.close)
        yield AlertStand([one.address for one in servers], used, sinks)


@asynccontextmanager
async def _alone(folder: Path, config: Path) -> AsyncIterator[tuple[RunningAlertmanager, ...]]:
    async with alertmanager(folder, config) as server:
        yield (server,)
