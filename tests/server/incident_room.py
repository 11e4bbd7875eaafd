"""A server with every part of the page, each with something in it: a real Alertmanager, a real store."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from exporter.core.audit import AuditEntry
from exporter.core.changes import BOARD
from exporter.core.clock import SystemClock
from exporter.core.delivery import Attempt, Delivery, DeliveryState
from exporter.core.event_summary import AI, API, EventSummary
from exporter.core.hours import DAY, hour_of
from exporter.core.notice import Notice
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.store import Failure, StateChange
from exporter.core.summary import HOUR, Summary, bucket_of
from exporter.core.webhook import Webhooks
from exporter.endpoints.directory import EndpointDirectory
from exporter.endpoints.stored import EndpointStore
from exporter.engine.history import History
from exporter.net.network import LoopNetwork
from exporter.notices.contact import AlertmanagerContact
from exporter.notices.maintenance import MaintenanceKeeper
from exporter.outbox.outbox import Outbox
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.server.services import Services
from exporter.server.web_config.file import WebConfigFile
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.maintenance import MaintenanceStore
from exporter.store.subjects import attempts, changes, deliveries, failures, notices, summaries
from exporter.store.subjects.event_summaries import EventSummaryBatch
from exporter.tokens.manager import TokenManager
from tests.notices.alert_desk import CONFIG, DeskStage, desk_stage
from tests.ratelimits.desk import LOGIN, LimitDesk, limit_desk
from tests.server.alert_office import fired, labels
from tests.server.audit_room import AuditParts
from tests.server.house import House, Room, house, state
from tests.server.webhook_desk import OF_THE_FILE, SOURCE
from tests.servers.alertmanager import alertmanager
from tests.tokens.endpoints import configured, made
from tests.waiting import PATIENCE

EVIL = '<script>alert("x")</script>'
"""What a vendor says, and no page may run."""


class IncidentRoom(Room):
    """A room at the time of the clock, whose readers wait for what was counted."""

    limit_desk: LimitDesk

    def services(self, web_config: WebConfigFile) -> Services:
        flush = partial(self.limit_desk.writer.flush, PATIENCE)
        return replace(super().services(web_config), now=time.time, flush=flush)


@dataclass
class Incident:
    """The running server, and what a test moves."""

    house: House
    room: IncidentRoom
    stage: DeskStage
    audit: AuditParts

    async def fire(self, seconds: float = 3600, **more: str) -> None:
        """Let Prometheus send an alert, which is over after `seconds`; Alertmanager then sends a notice."""
        await self.stage.client.fire([fired(labels(**more), seconds)])
        self.room.feed.note("notice", "payments", more.get("tenant", "acme"))

    @property
    def keeper(self) -> MaintenanceKeeper:
        """What keeps maintenance windows."""
        assert self.room.maintenance is not None
        return self.room.maintenance

    def turn(self, integration: str, tenant: str, status: str, reason: Reason | None = None) -> None:
        """Let a check of one target come to `status`."""
        (found,) = (one for one in self.room.states if one.target.key == (integration, tenant))
        found.status, found.reason = status, reason
        self.room.feed.note(BOARD, integration, tenant)


@asynccontextmanager
async def incident(folder: Path, web: Path | None = None) -> AsyncIterator[Incident]:
    """Serve a platform with an incident until the end of the block."""
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(alertmanager(folder, config))
        stage = await stack.enter_async_context(desk_stage(f"sqlite:///{folder}/state.db", server.address))
        limits = await stack.enter_async_context(limit_desk(folder, LOGIN))
        oauth = await stack.enter_async_context(serving(OAuthServer(rotation="strict")))
        room = IncidentRoom(_states(), path=web, store=stage.database, alerts=stage.desk)
        room.limit_desk, room.ratelimits = limits, limits.limits
        limits.now = time.time()
        room.maintenance = _keeper(stage)
        parts = AuditParts(stage.database, time.time)
        stack.push_async_callback(parts.commit.close, 5.0)
        room.audit_trail, room.events = parts.trail, parts.intake
        network = LoopNetwork()
        stack.push_async_callback(network.close)
        await _webhooks(stack, room, stage.database)
        _tokens(stack, room, network, oauth)
        _plant(room, stage.database, time.time())
        await limits.book.add(limits.block("203.0.113.7", "login"))
        _audit(parts)
        made_house = await stack.enter_async_context(house(room))
        found = Incident(made_house, room, stage, parts)
        await found.fire()
        await until_listed(stage)
        yield found


def _keeper(stage: DeskStage) -> MaintenanceKeeper:
    def show(*_: object) -> None:
        """Nobody looks at its series here."""

    store = MaintenanceStore(stage.database)
    return MaintenanceKeeper(stage.client, store, AlertmanagerContact(show), show, show, time.time)


async def until_listed(stage: DeskStage) -> None:
    """Wait until Alertmanager lists what was fired."""
    while not (await stage.desk.view()).alerts:
        pass


def _states() -> list[Any]:
    return [
        state("payments", "acme", "error", Reason.AUTH, critical=True, failures=4, detail=EVIL),
        state("payments", "globex", critical=True),
        state("calendar", "acme"),
        state("calendar", "globex", "error", Reason.TIMEOUT, detail="No answer after 10 s.", failures=3),
        state("sms", status="not_configured"),
        state("mail", status="unknown"),
    ]


async def _webhooks(stack: AsyncExitStack, room: IncidentRoom, store: Database) -> None:
    kept = EndpointStore(store, Seals((Secret(Fernet.generate_key().decode()),)))
    directory = EndpointDirectory(kept, lambda batch: store.write([batch]), time.time, room.audit.append)
    settings = Webhooks(sources=(SOURCE,), endpoints=(OF_THE_FILE,))
    directory.apply(settings)
    room.webhook_settings, room.endpoints = settings, directory
    # Without an action nothing is carried: what waits goes on waiting, and what is dead stays so.
    room.outbox = Outbox(store, [])
    await room.outbox.start()
    stack.push_async_callback(room.outbox.stop, 2.0)


def _tokens(stack: AsyncExitStack, room: IncidentRoom, network: LoopNetwork, oauth: OAuthServer) -> None:
    manager = TokenManager(network, SystemClock(), submit=room.limit_desk.writer.submit)
    target = made(oauth, "calendar", "acme", refresh_token=Secret(oauth.connect("acme")))
    manager.apply(configured(target))
    room.tokens = manager
    stack.push_async_callback(manager.stop, 5.0)


def _plant(room: IncidentRoom, store: Database, now: float) -> None:
    key, log = ("payments", "acme"), ((0.0, "connect"), (0.2, "HTTP 401"))
    failed = [
        Failure(now - 60 * n, key, "stripe", Reason.AUTH, EVIL, 0.21, 401, log, f"trace{n}")
        for n in range(1, 4)
    ]
    changed = [StateChange(now - 240, key, "stripe", "connected", "error", Reason.AUTH, "refused")]
    room.history = History()
    room.history.restore(changed, failed)
    dead = [_delivery(n, now) for n in range(2)]
    notice = Notice(now - 200, "firing", "IntegrationDown", "high", *key, "stripe", "f" * 16, now - 240)

    with store.writing() as connection:
        failures.add(connection, failed)
        changes.add(connection, changed)
        deliveries.insert_all(connection, [deliveries.delivery_row(one) for one in dead])
        attempts.insert_all(connection, [attempts.attempt_row(_attempt(n, dead[0]), dead[0]) for n in (1, 2)])
        notices.add_new(connection, [[notice]])
        summaries.add(connection, dict(_checks(now)))

    store.write([EventSummaryBatch(dict(_events(now)))])


def _delivery(number: int, now: float) -> Delivery:
    made_delivery = Delivery(f"deliver/fixed/evt_{number}", "deliver", "fixed", b"{}", now - 900, now + 9000)
    return replace(
        made_delivery,
        message_id=f"evt_{number}",
        tenant="acme",
        type="order.created",
        state=DeliveryState.DEAD,
        attempts=12,
        reason="connect",
        detail="refused",
    )


def _attempt(number: int, delivery: Delivery) -> Attempt:
    url = "https://acme.example/hooks/orders"
    return Attempt(delivery.id, number, delivery.created + number, 0.3, 503, "server", EVIL, url=url)


def _checks(now: float) -> Any:
    """Yield three months of checks of one target, which failed now and then."""
    for n in range(90 + 72):
        hour = hour_of(now) - (n * HOUR if n < 72 else (n - 68) * DAY)
        one = Summary(hour, "stripe")
        for _ in range(20):
            one.add_success(0.1 + n % 7 / 10)
        one.add_watch(HOUR, failing=False)
        if n % 9 == 0:
            one.add_failure(("auth", "timeout", "dns")[n % 3])
            one.add_watch(200, failing=True)
        yield (("payments", "acme"), hour), one


def _events(now: float) -> Any:
    for n in range(12):
        hour = hour_of(now - n * DAY / 2)
        yield (AI, "acme", hour, "", "/chat", "", ""), EventSummary(20, 1.5 + n % 3, {bucket_of(1.2): 20})
        yield (API, "acme", hour, "", "/orders", "GET", ""), EventSummary(50, 0.0, {bucket_of(0.2): 50})
        yield (API, "acme", hour, "", "/orders", "GET", "server"), EventSummary(2, 0.0, {bucket_of(0.9): 2})


def _audit(parts: AuditParts) -> None:
    parts.trail.log.add(AuditEntry(time.time(), "user:eve", "access.refused", "/config", "refused"))
    much = {"rows": 50_000}
    parts.trail.log.add(AuditEntry(time.time(), "user:eve", "orders.exported", "all", details=much))
