"""Builds every part from a configuration and starts it: `serve` is the whole exporter on one screen."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from exporter import __version__, logs
from exporter.config.feeds.feeds import Feeds
from exporter.core.admin_token import own_path
from exporter.core.changes import CONFIGURATION
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration
from exporter.core.defaults import LOG_FORMAT, LOG_LEVEL, SHUTDOWN_TIMEOUT
from exporter.core.errors import StartError, StoreError
from exporter.core.event_settings import EventSettings
from exporter.core.service_manager import notify
from exporter.core.shutdown import ShutdownLimit
from exporter.core.supervisor import Supervisor
from exporter.engine.descriptors import most_connections, most_runs, raise_limit
from exporter.engine.engine import Engine
from exporter.engine.explain import explain
from exporter.engine.reload import Reloader
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.tenants import TenantCollector, TenantRefresher
from exporter.ingest.events import EventIntake
from exporter.lifecycle.alertmanager import build_alertmanager
from exporter.lifecycle.apply import ConfigurationSwap
from exporter.lifecycle.collection import tune_collection, watch_pauses
from exporter.lifecycle.events import build_events
from exporter.lifecycle.notices import AlertParts, build_notices
from exporter.lifecycle.own_metrics import export_own_metrics
from exporter.lifecycle.parts import Progress, start_parts, stop_parts
from exporter.lifecycle.ratelimits import build_ratelimits
from exporter.lifecycle.restore import encrypt_again, restore
from exporter.lifecycle.sms import SmsParts, build_sms
from exporter.lifecycle.tasks import StopSignal, reload_on_sighup, supervisor_of
from exporter.lifecycle.webhooks import WebhookParts, build_webhooks
from exporter.net.network import LoopNetwork
from exporter.ratelimits.service import RateLimits
from exporter.server.admin import AdminToken
from exporter.server.application import build
from exporter.server.listener import Limits, Listener
from exporter.server.paths import Paths
from exporter.server.services import Services, StreamLimits
from exporter.server.web_config.file import WebConfigFile
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.replica_watch import ReplicaWatch
from exporter.store.tokens import TokenStore
from exporter.store.writer import Writer

LOOK_EVERY = 5.0
"""Seconds between two looks at secret, tenant and certificate files."""

FLUSH_WAIT = 5.0
"""Seconds after which a list is read although the store has not taken what waits."""

SWITCH_AFTER = 0.0001
"""Seconds after which a thread hands the interpreter over. The loop asks for it at each of its callbacks,
thousands of times a second, and may have to wait for so long each time while another thread loads."""


@dataclass(frozen=True)
class Settings:
    """What the command line says; durations are seconds, `load` is that of engine.reload."""

    load: Callable[[str | None], Configuration]
    addresses: tuple[str, ...]
    web_config: str | None = None
    admin_token_file: Path | None = None
    external_url: str = ""
    route_prefix: str | None = None
    poll_interval: float = 0.0
    shutdown_timeout: float = SHUTDOWN_TIMEOUT
    log_level: str = LOG_LEVEL
    log_format: str = LOG_FORMAT
    sd_addresses: tuple[str, ...] = ()
    feeds: Feeds = field(default_factory=Feeds)


async def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT, which may come during the start; ConfigError and StartError leave nothing.

    Return 0 once what was accepted is handed over.
    """
    stop = StopSignal(settings.shutdown_timeout)
    try:
        await _serve(settings, stop)
    except asyncio.CancelledError:
        if not stop.came:
            raise
    return 0


async def _serve(settings: Settings, stop: StopSignal) -> None:
    sys.setswitchinterval(SWITCH_AFTER)
    clock, metrics, limit = SystemClock(), SelfMetrics(), settings.shutdown_timeout
    configuration = settings.load(None)
    web = WebConfigFile(settings.web_config)
    web.load()
    reloader = Reloader(lambda text: _load(settings, text), clock, metrics)
    # Before anything can fail: what is logged holds no secret of the configuration that is in force.
    _set_log_up(settings, lambda: reloader.current or configuration, metrics)
    supervisor, descriptors, progress = supervisor_of(metrics), raise_limit(), Progress()
    # Before a port is open: who was answered must find what they sent.
    stop.listen()
    # The stack unwinds in reverse: engine and listener stop first, the writer then still takes their last
    # rows, and the network closes last.
    async with AsyncExitStack() as stack:
        stack.enter_context(watch_pauses(metrics.registry))
        network = LoopNetwork()
        stack.push_async_callback(network.close)
        database = _database(configuration.store.url)
        writer = Writer(database, retention=configuration.store.retention, supervisor=supervisor)
        stack.push_async_callback(writer.close, limit)
        token_store = TokenStore(database, Seals(configuration.store.token_keys))
        engine = Engine(network, clock, writer.submit, metrics, most_runs(descriptors), token_store)
        engine.history.log_runs = settings.log_level == "debug"
        engine.history.feed = feed = database.feed
        webhooks = build_webhooks(database, writer, engine, network, clock, supervisor)
        events, notices, sms, ratelimits, alerting = (
            build_events(webhooks, writer, clock),
            build_notices(webhooks, clock, network, lambda: reloader.current or configuration),
            build_sms(webhooks, network, clock, supervisor),
            build_ratelimits(webhooks, writer, clock, supervisor, metrics),
            build_alertmanager(database, webhooks.counters, network, clock, supervisor),
        )
        services = replace(
            _services(
                *(settings, web, engine, reloader, writer, supervisor, webhooks, events, notices, sms),
                *(ratelimits.limits, progress),
            ),
            maintenance=alerting.maintenance,
            feed=feed,
            # Half of the connections at most: others than open pages must find one.
            streams=StreamLimits(min(StreamLimits.most, most_connections(descriptors) // 2)),
        )
        limits = Limits(drain=limit, most=most_connections(descriptors))
        listener = Listener(build(services), settings.addresses, web, limits, supervisor)
        # Before the store is opened: a port that is taken leaves no new database behind, and `/-/ready`
        # answers meanwhile.
        await listener.start()
        deadline = ShutdownLimit(limit)
        # Below the listener in the stack: what it has accepted may still be delivered while there is time.
        stack.push_async_callback(stop_parts, (webhooks, notices, sms, ratelimits, alerting), deadline)
        stack.push_async_callback(_stop, engine, listener, events, deadline)
        await restore(engine, writer)
        await encrypt_again(token_store)
        # After the restore: remembered states go to the targets that this configuration brings.
        reloader.start(
            configuration,
            ConfigurationSwap(
                *(engine, writer, token_store, configuration.store.url),
                (
                    *(webhooks.apply, events.apply, sms.apply, ratelimits.limits.apply, alerting.apply),
                    lambda _configuration: feed.note(CONFIGURATION),
                ),
            ).apply,
        )
        await start_parts((webhooks, notices, sms, ratelimits, alerting), progress)
        # Once all targets exist: what is frozen here stays for the life of the process.
        tune_collection()
        export_own_metrics(metrics, engine, writer)
        _log_startup(settings, configuration, listener, services)
        tenants = _tenants(settings.feeds, reloader, metrics, clock)
        async with _background(settings, reloader, tenants, writer, _replicas(writer, database), supervisor):
            notify("READY=1")
            await stop.wait()


def _load(settings: Settings, text: str | None) -> Configuration:
    """Load in a thread, and prepare there what the first line of the log would make on the loop."""
    configuration = settings.load(text)
    logs.redactor_of(configuration.secrets)
    return configuration


def _tenants(feeds: Feeds, reloader: Reloader, metrics: SelfMetrics, clock: SystemClock) -> TenantRefresher:
    """Return what asks for tenants again and again, and show how their sources do."""
    metrics.registry.register(TenantCollector(feeds, lambda: reloader.current))
    return TenantRefresher(feeds, lambda: reloader.current, reloader.apply_feed_changes, clock)


def _admin(settings: Settings, web: WebConfigFile) -> AdminToken:
    """Return who may change things: a token is made only where the web configuration wants no credentials."""
    if web.current.closed:
        return AdminToken()
    path = settings.admin_token_file or own_path(os.environ)
    admin = AdminToken(path, "there is no home folder for it; name a file by --web.admin-token-file")
    admin.prepare()
    return admin


def _replicas(writer: Writer, database: Database) -> ReplicaWatch:
    """Return what notices the rows that other processes add."""
    return ReplicaWatch(writer.read, database.feed, lambda: database.exclusive, database.replica)


def _database(url: str) -> Database:
    """Return the store, which is opened when the ports are; nothing of it is made before."""
    try:
        return Database(url)
    except StoreError as error:
        raise StartError(str(error)) from None


def _set_log_up(settings: Settings, current: Callable[[], Configuration], metrics: SelfMetrics) -> None:
    logs.configure(
        settings.log_level,
        settings.log_format,
        secrets=lambda: current().secrets,
        count=lambda level: metrics.log_messages.labels(level).inc(),
    )


def _services(
    settings: Settings,
    web: WebConfigFile,
    engine: Engine,
    reloader: Reloader,
    writer: Writer,
    supervisor: Supervisor,
    webhooks: WebhookParts,
    events: EventIntake,
    notices: AlertParts,
    sms: SmsParts,
    ratelimits: RateLimits,
    progress: Progress,
) -> Services:
    """Return what the server needs of the other parts."""

    def configuration() -> Configuration:
        # A request may come earlier: the ports are open before the configuration is applied.
        if reloader.current is None:
            raise StartError("the configuration is not loaded yet")
        return reloader.current

    return Services(
        board=engine.board,
        configuration=configuration,
        render=engine.render,
        reload=reloader.reload,
        check_now=lambda target: engine.check(target.key),
        explain=explain,
        history=engine.history,
        ready=lambda: _awaited_part(reloader, supervisor, progress),
        web=web,
        paths=Paths.of(settings.external_url, settings.route_prefix),
        sd_addresses=settings.sd_addresses,
        tenant_warnings=lambda: [line for state in settings.feeds.states() for line in state.warnings],
        read_store=writer.read,
        flush=lambda: writer.flush(FLUSH_WAIT),
        tokens=engine.tokens,
        runbook=lambda name: _runbook(name, configuration().events),
        admin=_admin(settings, web),
        endpoints=webhooks.endpoints,
        outbox=webhooks.outbox,
        webhook_summaries=webhooks.summaries.hand_over,
        audit=webhooks.audit.add,
        audit_trail=webhooks.trail,
        webhooks=webhooks.intake,
        events=events,
        notices=notices.intake,
        alerts=notices.desk,
        sms=sms.intake,
        ratelimits=ratelimits,
        openapi=_openapi,
    )


def _openapi() -> bytes:
    """Return the description of the API; its types are of no use to anything else."""
    from exporter.server.openapi import text

    return text()


def _runbook(name: str, events: EventSettings) -> tuple[str, str] | None:
    """Return the page, made at each request: requests are rare, and probing needs none of its imports."""
    from exporter.alerts.app_metrics import app_alerts
    from exporter.generate.runbook_html import runbook_html

    return runbook_html(name, app_alerts(events))


def _awaited_part(reloader: Reloader, supervisor: Supervisor, progress: Progress) -> str:
    if reloader.current is None:
        return "the configuration is being loaded"
    if not progress.started:
        # Who is blocked, say, is not read yet: now nobody would be.
        return "its parts are being started"
    return f"it restarts: {', '.join(supervisor.down)}" if supervisor.down else ""


@asynccontextmanager
async def _background(
    settings: Settings,
    reloader: Reloader,
    tenants: TenantRefresher,
    writer: Writer,
    others: ReplicaWatch,
    supervisor: Supervisor,
) -> AsyncIterator[None]:
    """Keep the endless tasks going, and reload at SIGHUP."""
    interval = settings.poll_interval or LOOK_EVERY
    supervisor.keep("file watcher", lambda: reloader.watch(interval, main_file=settings.poll_interval > 0))
    supervisor.keep("tenant refresh", tenants.run)
    supervisor.keep("store reader", writer.watch)
    supervisor.keep("changes of replicas", others.run)
    async with reload_on_sighup(reloader):
        try:
            yield
        finally:
            await supervisor.stop()


def _log_startup(
    settings: Settings, configuration: Configuration, listener: Listener, services: Services
) -> None:
    admin = services.admin
    log = structlog.get_logger("exporter.app")
    shard = {"shard": str(configuration.shard)} if configuration.shard.count > 1 else {}
    for note in configuration.notes:
        log.warning("note on the configuration", note=note)
    if not listener.closed and not admin.usable():
        log.warning("nobody may change anything over HTTP", error=admin.trouble)
    log.info(
        "integration-exporter is up",
        version=__version__,
        url=settings.external_url or listener.url + services.paths.link("/"),
        config=configuration.path or "environment",
        access=settings.web_config if listener.closed else "this machine",
        **({} if listener.closed or not admin.usable() else {"admin_token": str(admin.path)}),
        listening=[f"{host}:{port}" for host, port in listener.addresses],
        integrations=len(configuration.integrations),
        targets=len(configuration.targets),
        **shard,
    )


async def _stop(engine: Engine, listener: Listener, events: EventIntake, deadline: ShutdownLimit) -> None:
    """Let requests and probes end, both before the deadline."""
    # At the same time: one after the other they would take twice the time.
    cut, _ = await asyncio.gather(engine.stop(deadline.left), listener.stop())
    events.tallies.hand_over()
    if cut:
        structlog.get_logger("exporter.app").warning("probes were cut", count=cut)
