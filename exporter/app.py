"""Builds every part from a configuration and starts it: the one place that knows everything."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from exporter import __version__, logs
from exporter.config.feeds.feeds import Feeds
from exporter.config.redactor import Redactor
from exporter.core import hangup
from exporter.core.admin_token import own_place
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration
from exporter.core.defaults import LOG_FORMAT, LOG_LEVEL, SHUTDOWN_TIMEOUT
from exporter.core.errors import ConfigError, StartError, StoreError
from exporter.core.service_manager import notify
from exporter.core.supervisor import Supervisor
from exporter.engine.descriptors import most_connections, most_runs, raised_limit
from exporter.engine.engine import Engine
from exporter.engine.explain import explain
from exporter.engine.reload import Reloader
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.tenants import TenantCollector, TenantRefresher
from exporter.net.network import LoopNetwork
from exporter.server.admin import AdminToken
from exporter.server.answers import place_of
from exporter.server.application import build
from exporter.server.listener import Limits, Listener
from exporter.server.paths import Paths
from exporter.server.services import Services
from exporter.server.web_config.file import WebConfigFile
from exporter.store.encryption import Seals
from exporter.store.sql import SqlStore
from exporter.store.threads import in_thread
from exporter.store.tokens import TokenStore
from exporter.store.writer import Writer

LOOK_EVERY = 5.0
"""Seconds between two looks at secret, tenant and certificate files."""

YOUNG_OBJECTS = 20_000
"""Objects made before the collector of cycles looks at them; at Python's 700 that is a tenth of the CPU."""


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
    """Run until SIGTERM or SIGINT; ConfigError and StartError leave nothing half started."""
    clock, metrics = SystemClock(), SelfMetrics()
    configuration = settings.load(None)
    web = WebConfigFile(settings.web_config)
    web.load()
    admin = _admin(settings, web)
    paths = Paths.of(settings.external_url, settings.route_prefix)
    in_force = [configuration]
    _set_log_up(settings, in_force, metrics)
    supervisor, descriptors = _supervisor(metrics), raised_limit()
    async with AsyncExitStack() as stack:
        network = LoopNetwork()
        stack.push_async_callback(network.close)
        writer = await stack.enter_async_context(
            _writer(configuration, settings.shutdown_timeout, supervisor)
        )
        engine = Engine(network, clock, writer.submit, metrics, most_runs(descriptors))
        engine.history.log_runs = settings.log_level == "debug"
        engine.tokens.log.store = _token_store(configuration)
        stack.callback(engine.tokens.log.store.close)
        reloader = Reloader(settings.load, _applied(engine, writer, in_force), clock, metrics)
        listener = Listener(
            build(replace(_parts(engine, reloader, web, paths, settings, writer, supervisor), admin=admin)),
            settings.addresses,
            web,
            Limits(drain=settings.shutdown_timeout, most=most_connections(descriptors)),
            supervisor,
        )
        await listener.start()
        stack.push_async_callback(_stop, engine, listener, settings.shutdown_timeout)
        await _restore(engine, writer)
        await _renew_seals(engine.tokens.log.store)
        reloader.start(configuration)
        _tune_gc()
        _measure(metrics, engine, writer)
        _log_startup(settings, configuration, listener, admin, paths)
        metrics.registry.register(TenantCollector(settings.feeds, lambda: reloader.current))
        tenants = TenantRefresher(
            settings.feeds, lambda: reloader.current, reloader.apply_feed_changes, clock
        )
        async with _background(settings, reloader, tenants, writer, supervisor):
            notify("READY=1")
            await _wait_for_stop_signal()
        notify("STOPPING=1")
        structlog.get_logger("exporter.app").info("stopping", limit_seconds=settings.shutdown_timeout)
    return 0


def _admin(settings: Settings, web: WebConfigFile) -> AdminToken:
    """Return who may change things: a token is made only where the web configuration asks nobody."""
    if web.current.closed:
        return AdminToken()
    path = settings.admin_token_file or own_place(os.environ)
    admin = AdminToken(path, "there is no home folder for it; name a file by --web.admin-token-file")
    admin.prepare()
    return admin


@asynccontextmanager
async def _writer(
    configuration: Configuration, limit: float, supervisor: Supervisor
) -> AsyncIterator[Writer]:
    """Prepare the store, which is opened when the ports are; nothing of it is made before."""
    try:
        store = SqlStore(configuration.store.url)
    except StoreError as error:
        raise StartError(str(error)) from None
    writer = Writer(store, retention=configuration.store.retention, supervisor=supervisor)
    try:
        yield writer
    finally:
        await writer.close(limit)


def _token_store(configuration: Configuration) -> TokenStore:
    """Return what keeps tokens and their log, beside the other state."""
    return TokenStore(configuration.store.url, Seals(configuration.store.token_keys))


async def _renew_seals(tokens: TokenStore) -> None:
    """Encrypt by the first key what an older one encrypted; one that cannot be read stays as it is."""
    log = structlog.get_logger("exporter.tokens")
    try:
        await in_thread(tokens.drop_unseen)
        if changed := await in_thread(tokens.reseal):
            log.info("stored tokens were encrypted by the newest key", count=changed)
    except StoreError as error:
        if tokens.keeps_secrets:  # else nothing was to be done, and the store has said why it fails
            log.error("stored tokens were not encrypted by the newest key", error=str(error))


def _applied(
    engine: Engine, writer: Writer, in_force: list[Configuration]
) -> Callable[[Configuration], None]:
    opened = in_force[0].store.url

    def apply(configuration: Configuration) -> None:
        if configuration.store.url not in (opened, in_force[0].store.url):
            structlog.get_logger("exporter.app").warning("store.url is another one: restart the exporter")
        in_force[0] = configuration
        if (tokens := engine.tokens.log.store) is not None:
            tokens.exchange_keys(Seals(configuration.store.token_keys))
        engine.apply(configuration)
        writer.retention = configuration.store.retention

    return apply


def _tune_gc() -> None:
    """Let the collector of cycles leave alone what stays, and look at the rest less often.

    A run makes few cycles; what it leaves is freed by its reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


async def _stop(engine: Engine, listener: Listener, limit: float) -> None:
    """Let requests and probes end, both within `limit` seconds."""
    cut, _ = await asyncio.gather(engine.stop(limit), listener.stop())
    if cut:
        structlog.get_logger("exporter.app").warning("probes were cut", count=cut)


def _set_log_up(settings: Settings, in_force: list[Configuration], metrics: SelfMetrics) -> None:
    """Set the log up before anything can fail; `in_force` holds the configuration whose secrets it stars."""
    known: dict[frozenset[str], Redactor] = {}

    def redactor() -> Redactor:
        secrets = in_force[0].secrets
        if secrets not in known:
            known.clear()
            known[secrets] = Redactor(secrets)
        return known[secrets]

    logs.configure(
        settings.log_level,
        settings.log_format,
        redactor=redactor,
        count=lambda level: metrics.log_messages.labels(level).inc(),
    )


def _parts(
    engine: Engine,
    reloader: Reloader,
    web: WebConfigFile,
    paths: Paths,
    settings: Settings,
    writer: Writer,
    supervisor: Supervisor,
) -> Services:
    def configuration() -> Configuration:
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
        ready=lambda: _waits_for(reloader, supervisor),
        web=web,
        paths=paths,
        sd_addresses=settings.sd_addresses,
        tenant_warnings=lambda: [line for state in settings.feeds.states() for line in state.warnings],
        read_store=writer.read,
        tokens=engine.tokens,
        runbook=_runbook,
    )


def _runbook(name: str) -> tuple[str, str] | None:
    """Make the page when it is asked for: hardly ever, and what it takes is not needed to probe."""
    from exporter.generate.runbook_html import runbook_html

    return runbook_html(name)


async def _restore(engine: Engine, writer: Writer) -> None:
    """Open the store and bring back what the last process knew; one that fails now costs only that.

    It is tried again before each write, and probing goes on without it.
    """
    try:
        await writer.open()
        engine.remember(await writer.read(lambda store: store.load()))
        changes = await writer.read(lambda store: store.changes(limit=200).rows)
        failures = await writer.read(lambda store: store.failures(limit=200).rows)
        engine.history.restore(changes, failures)
    except StoreError as error:
        structlog.get_logger("exporter.app").error("state was not restored", error=str(error))


def _measure(metrics: SelfMetrics, engine: Engine, writer: Writer) -> None:
    """Export what the parts know of themselves."""
    metrics.watch("targets", "Targets in the schedule or not configured.", lambda: len(engine.board))
    metrics.watch("probes_running", "Probes under way.", lambda: engine.scheduler.running)
    metrics.watch("tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks()))
    metrics.watch(
        "probe_queue_length", "Probes that are due and wait for their lane.", engine.scheduler.waiting
    )
    metrics.watch(
        "series", "Series of targets and integrations.", lambda: sum(engine.exposition.counts().values())
    )
    metrics.watch(
        "series_duplicates",
        "Series left out because another target had them.",
        lambda: engine.exposition.duplicates,
    )
    metrics.watch(
        "store_healthy",
        "Whether the last write to the store and the reads of five minutes succeeded (1) or not (0).",
        lambda: float(writer.healthy),
    )
    metrics.store_shared.set_function(lambda: float(writer.shared))
    metrics.watch("store_failed_writes", "Writes to the store that failed.", lambda: writer.failed_writes)
    metrics.watch("store_failed_reads", "Reads of the store that failed.", lambda: writer.failed_reads)
    metrics.watch("store_dropped", "Rows dropped because the store failed for long.", lambda: writer.dropped)


def _log_startup(
    settings: Settings, configuration: Configuration, listener: Listener, admin: AdminToken, paths: Paths
) -> None:
    log = structlog.get_logger("exporter.app")
    shard = {"shard": str(configuration.shard)} if configuration.shard.count > 1 else {}
    for note in configuration.notes:
        log.warning("note on the configuration", note=note)
    if not listener.closed and not admin.usable():
        log.warning("nobody may change anything over HTTP", error=admin.trouble)
    log.info(
        "integration-exporter is up",
        version=__version__,
        url=settings.external_url or listener.url + paths.link("/"),
        config=configuration.path or "environment",
        access=settings.web_config if listener.closed else "this machine",
        **({} if listener.closed or not admin.usable() else {"admin_token": str(admin.path)}),
        listening=[f"{host}:{port}" for host, port in listener.bound],
        integrations=len(configuration.integrations),
        targets=len(configuration.targets),
        **shard,
    )


def _supervisor(metrics: SelfMetrics) -> Supervisor:
    """Return what keeps the endless tasks going; errors that nobody else takes are counted by it too."""

    def tell(name: str, error: BaseException) -> None:
        metrics.task_failures.labels(name).inc()
        structlog.get_logger("exporter.app").error("a task failed", task=name, **place_of(error))

    def unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        supervisor.failed("other", error or RuntimeError(str(context.get("message", ""))))

    supervisor = Supervisor(tell)
    asyncio.get_running_loop().set_exception_handler(unhandled)
    return supervisor


def _waits_for(reloader: Reloader, supervisor: Supervisor) -> str:
    if reloader.current is None:
        return "the configuration is being loaded"
    return f"it restarts: {', '.join(supervisor.down)}" if supervisor.down else ""


@asynccontextmanager
async def _background(
    settings: Settings,
    reloader: Reloader,
    tenants: TenantRefresher,
    writer: Writer,
    supervisor: Supervisor,
) -> AsyncIterator[None]:
    interval = settings.poll_interval or LOOK_EVERY
    supervisor.keep("file watcher", lambda: reloader.watch(interval, main_file=settings.poll_interval > 0))
    supervisor.keep("tenant refresh", tenants.run)
    supervisor.keep("store reader", writer.watch)
    waiting: set[asyncio.Task[None]] = set()

    def hang_up() -> None:
        task = asyncio.get_running_loop().create_task(_reload(reloader))
        waiting.add(task)
        task.add_done_callback(waiting.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
    if hangup.taken():
        hang_up()
    try:
        yield
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(supervisor.stop(), *waiting, return_exceptions=True)


async def _reload(reloader: Reloader) -> None:
    log = structlog.get_logger("exporter.app")
    try:
        await reloader.reload()
    except ConfigError as error:
        log.error("reload failed", mistakes=[str(mistake) for mistake in error.mistakes])
    except Exception as error:  # noqa: BLE001 - a signal has no caller that could take it
        log.error("reload failed", **place_of(error))


async def _wait_for_stop_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
