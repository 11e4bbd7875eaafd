"""A server on a real port of this machine, with a board filled by hand."""

import asyncio
import json
import ssl
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import bcrypt
from sqlalchemy import Connection

from exporter.core.audit import AuditEntry
from exporter.core.changes import ChangeFeed
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration, Integration, Shard, StoreSettings
from exporter.core.errors import StoreError
from exporter.core.metric import Sample
from exporter.core.notifications import Notifications
from exporter.core.options import Options
from exporter.core.probe import Kit, Probe, Result, Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.webhook import Webhooks
from exporter.endpoints.directory import EndpointDirectory
from exporter.endpoints.stored import EndpointStore
from exporter.engine.board import Board, TargetState
from exporter.engine.history import History
from exporter.generate.runbook_html import runbook_html
from exporter.ingest.audit_trail import AuditTrail
from exporter.ingest.events import EventIntake
from exporter.ingest.webhooks import WebhookIntake
from exporter.net.network import LoopNetwork
from exporter.notices.desk import AlertDesk
from exporter.notices.intake import NoticeIntake
from exporter.notices.maintenance import MaintenanceKeeper
from exporter.notices.sms import SmsIntake
from exporter.outbox.outbox import Outbox
from exporter.ratelimits.service import RateLimits
from exporter.server.admin import AdminToken
from exporter.server.application import build
from exporter.server.listener import Limits, Listener
from exporter.server.openapi import text as openapi_text
from exporter.server.paths import Paths
from exporter.server.services import Services, StreamLimits
from exporter.server.web_config.file import WebConfigFile
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.tokens.manager import TokenManager

T = TypeVar("T")

NOW = 1_795_000_000.0
QUICK = Limits(drain=1.0, watch=0.05)
CHANGE = {"X-Integration-Exporter": "1"}


async def _never(_target: Target, _kit: Kit) -> list[Sample]:
    raise AssertionError("the server must ask the engine, never a probe")


class NoOptions(Options, frozen=True):
    """Nothing to set."""


STRIPE = Probe("stripe", "Stripe", NoOptions, _never)
HTTP = Probe("http", "HTTP", NoOptions, _never)


def state(
    integration: str,
    tenant: str = "",
    status: str = "connected",
    reason: Reason | None = None,
    **more: Any,
) -> TargetState:
    """Return a state as a probe would have left it."""
    probe, critical = more.pop("probe", HTTP), more.pop("critical", False)
    target = Target(
        integration, tenant, probe, NoOptions(), 60.0, more.pop("timeout", 10.0), critical=critical
    )
    ran = status != "unknown"
    given: dict[str, Any] = {
        "since": NOW - 3600 if ran else None,
        "last_run": NOW - 30 if ran else None,
        "last_success": NOW - 30 if status == "connected" else None,
        "next_run": NOW + 30 if status != "not_configured" else None,
        "result": Result(NOW - 30, 0.123, reason) if ran else None,
    }
    return TargetState(target=target, status=status, reason=reason, **(given | more))


@dataclass
class Room:
    """What the server sees of the rest of the house; tests turn its knobs."""

    states: list[TargetState]
    path: Path | None = None
    paths: Paths = field(default_factory=Paths)
    waits_for: str = ""
    reload_error: Exception | None = None
    reloads: int = 0
    results: dict[str, Any] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    hold: float = 0.0
    history: History = field(default_factory=History)
    redacted_text: str = "integrations: []\n"
    idle: tuple[Integration, ...] = ()
    shard: Shard = field(default_factory=Shard)
    replicas: int = 1
    notifications: Notifications = field(default_factory=Notifications)
    sd_addresses: tuple[str, ...] = ()
    tenant_warnings: tuple[str, ...] = ()
    store: Database | None = None
    admin: AdminToken = field(default_factory=AdminToken)
    tokens: TokenManager | None = None
    webhooks: WebhookIntake | None = None
    events: EventIntake | None = None
    notices: NoticeIntake | None = None
    alerts: AlertDesk | None = None
    sms: SmsIntake | None = None
    maintenance: MaintenanceKeeper | None = None
    endpoints: EndpointDirectory | None = None
    token_keys: tuple[Secret, ...] = ()
    audit: list[AuditEntry] = field(default_factory=list)
    audit_trail: AuditTrail | None = None
    outbox: Outbox | None = None
    ratelimits: RateLimits | None = None
    webhook_summaries: Callable[[], None] = lambda: None
    webhook_settings: Webhooks = field(default_factory=Webhooks)
    now: float = NOW
    live: bool = False
    feed: ChangeFeed = field(default_factory=ChangeFeed)
    streams: StreamLimits = field(default_factory=StreamLimits)

    def moment(self) -> float:
        """Return the time: that of the machine where other parts go by it, which may be in the next hour."""
        return time.time() if self.live else self.now

    def directory(self) -> EndpointDirectory | None:
        """Return the endpoints: those of the test, else what the store has."""
        if self.endpoints is None and self.store is not None:
            kept = EndpointStore(self.store, Seals(self.token_keys))
            self.endpoints = EndpointDirectory(kept, lambda _batch: None, self.moment, self.audit.append)
        return self.endpoints

    async def read_store(self, call: Callable[[Connection], T], timeout: float = 10.0, /) -> T:
        if self.store is None:
            raise StoreError("planted: postgresql://somewhere")
        return await asyncio.to_thread(self.store.read, call)

    def configuration(self) -> Configuration:
        seen = {one.target.integration: one.target for one in self.states}
        integrations = tuple(
            Integration(target.integration, target.probe, target.critical, 60.0) for target in seen.values()
        )
        return Configuration(
            None,
            (*integrations, *self.idle),
            {},
            (),
            self.notifications,
            StoreSettings(),
            self.replicas,
            redacted_text=self.redacted_text,
            shard=self.shard,
            webhooks=self.webhook_settings,
        )

    async def render(self, openmetrics: bool, gzip: bool) -> bytes:
        return b"om" if openmetrics else b"gz" if gzip else b"integration_up 1\n"

    async def reload(self) -> None:
        self.reloads += 1
        if self.reload_error:
            raise self.reload_error

    async def check_now(self, target: Target) -> Result:
        self.checked.append(str(target))
        await asyncio.sleep(self.hold)
        found = self.results.get(str(target), Result(NOW, 0.01))
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]  # a Result by the table of the test

    def explain(self, target: Target, result: Result) -> str:
        return f'integration_probe_success{{integration="{target.integration}"}} {int(result.ok)}\n'

    def services(self, web_config: WebConfigFile) -> Services:
        board = Board()
        board.replace({state.target.key: state for state in self.states})
        return Services(
            board=board,
            configuration=self.configuration,
            render=self.render,
            reload=self.reload,
            check_now=self.check_now,
            explain=self.explain,
            history=self.history,
            tokens=self.tokens or TokenManager(LoopNetwork(), SystemClock()),
            ready=lambda: self.waits_for,
            web=web_config,
            paths=self.paths,
            now=self.moment,
            tenant_warnings=lambda: self.tenant_warnings,
            sd_addresses=self.sd_addresses,
            read_store=self.read_store,
            runbook=runbook_html,
            admin=self.admin,
            webhooks=self.webhooks,
            events=self.events,
            notices=self.notices,
            alerts=self.alerts,
            sms=self.sms,
            maintenance=self.maintenance,
            endpoints=self.directory(),
            audit=self.audit_trail.log.add if self.audit_trail else self.audit.append,
            audit_trail=self.audit_trail,
            outbox=self.outbox,
            ratelimits=self.ratelimits,
            webhook_summaries=self.webhook_summaries,
            feed=self.feed,
            streams=self.streams,
            openapi=openapi_text,
        )


@dataclass
class House:
    """A running server and a way to ask it."""

    room: Room
    url: str
    port: int
    web: WebConfigFile
    client: aiohttp.ClientSession
    admin: Mapping[str, str]
    tls: ssl.SSLContext | bool = True

    async def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        *,
        admin: bool = True,
        **more: Any,
    ) -> "Reply":
        """Ask and read the whole answer; with the admin token, if there is one and `admin` is set.

        Of a stream of events, which has no end, nothing is read.
        """
        if admin:
            headers = {**self.admin, **(headers or {})}
        async with self.client.request(
            method, self.url + path, headers=headers, allow_redirects=False, ssl=self.tls, **more
        ) as answer:
            return Reply(
                answer.status,
                {k.lower(): v for k, v in answer.headers.items()},
                "" if answer.content_type == "text/event-stream" else await answer.text(errors="replace"),
                answer,
            )


@dataclass
class Reply:
    """One answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str
    raw: aiohttp.ClientResponse

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@asynccontextmanager
async def house(
    room: Room, address: str = "127.0.0.1:0", tls: ssl.SSLContext | None = None, limits: Limits = QUICK
) -> AsyncIterator[House]:
    """Serve `room` on a free port until the end of the block; `House.admin` has the admin token."""
    with tempfile.TemporaryDirectory() as folder:
        if room.path is None:
            room.admin = admin_at(Path(folder))
        async with _served(room, address, tls, limits) as made:
            yield made


@asynccontextmanager
async def _served(
    room: Room, address: str, tls: ssl.SSLContext | None, limits: Limits
) -> AsyncIterator[House]:
    web_config = WebConfigFile(str(room.path) if room.path else None)
    web_config.load()
    listener = Listener(build(room.services(web_config)), [address], web_config, limits)
    await listener.start()
    port = listener.addresses[0][1]
    scheme = "https" if tls else "http"
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as client:
            url = f"{scheme}://127.0.0.1:{port}"
            yield House(room, url, port, web_config, client, admin_headers(room), tls or True)
    finally:
        await listener.stop()


def admin_at(folder: Path) -> AdminToken:
    """Return an admin token that is there."""
    made = AdminToken(folder / "admin-token")
    made.prepare()
    return made


def admin_headers(room: Room) -> dict[str, str]:
    """Return what opens every door of `room`."""
    path = room.admin.path
    return bearer(path.read_text().strip()) if path and path.exists() else {}


def hashed(password: str, cost: int = 4) -> str:
    """Return a bcrypt hash that is quick to judge."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header that a user sends."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """Return the header that a token holder sends."""
    return {"Authorization": f"Bearer {token}"}
