"""The whole product: simulated vendors, exporter, Prometheus, Alertmanager, and one notification."""

import asyncio
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from exporter.core.admin_token import own_path
from exporter.core.errors import StartError
from exporter.demo import programs
from exporter.demo.app_events import show_events
from exporter.demo.database import DemoDatabase, find_programs, own_database
from exporter.demo.neighbours import Neighbours, neighbours
from exporter.demo.on_call import on_call
from exporter.demo.pages import first_page
from exporter.demo.ports import Ports, url
from exporter.demo.programs import Setting
from exporter.demo.services import DemoProcess, own_command, program
from exporter.demo.sink import Sink
from exporter.demo.traffic import traffic
from exporter.demo.troubles import troubles
from exporter.demo.webhooks import show_webhooks

OWN_FILE = Path(__file__).with_name("demo.yml")
"""The configuration that the demo runs on unless another is given."""

BREAK_AFTER = 15.0
"""Seconds until the demo breaks an integration."""

NOTICE_LIMIT = 240.0
"""Seconds after which a missing notification is reported as a fault of the demo."""


async def demo(config: Path, say: Callable[[str], None], *, store: str = "", once: bool = False) -> int:
    """Run the demo until Ctrl-C (or, with `once`, until the notification arrived); return the exit code.

    `store` is the URL of a database to keep everything in; without one PostgreSQL is run where it is
    installed, and else the store is a file.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # SIGHUP as well: a closed terminal must not leave programs behind.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    with tempfile.TemporaryDirectory(prefix="integration-exporter-demo-") as folder:
        run = asyncio.create_task(_run(config, Path(folder), say, store, once))
        stop = asyncio.create_task(stopped.wait())
        await asyncio.wait({run, stop}, return_when=asyncio.FIRST_COMPLETED)
        # Both ways lead through here: Ctrl-C cancels the run, a run that ended no longer waits for Ctrl-C.
        stop.cancel()
        if not run.done():
            say("Stopping everything ...")
            run.cancel()
        try:
            return await run
        except asyncio.CancelledError:
            say("Stopped; nothing is left running.")
            return 0


async def _run(config: Path, folder: Path, say: Callable[[str], None], store: str, once: bool) -> int:
    setting = Setting(config, folder, Ports.free())
    exporter, sink = url(setting.ports.exporter), Sink()
    async with AsyncExitStack() as stack:
        await sink.start(setting.ports.sink)
        stack.push_async_callback(sink.stop)
        database = await _start_database(store, setting.ports, stack, say)
        beside = await stack.enter_async_context(neighbours())
        await stack.enter_async_context(_start(programs.sandbox(setting), say))
        setting = replace(setting, variables=await _variables(setting.ports, beside, database))
        await stack.enter_async_context(_start(programs.exporter(setting), say))
        has_monitoring = await _start_monitoring(setting, stack, say)
        await _print_urls(setting, has_monitoring, say)
        if has_monitoring:
            _write_grafana(setting, database, say)
        if _is_own(config):
            token = programs.own_token()
            if not await show_webhooks(exporter, token, sink, say):
                return 1
            client = await stack.enter_async_context(traffic(exporter, token))
            if not await show_events(exporter, client, say):
                return 1
        return await _break_stripe(setting, sink, has_monitoring, say, once)


async def _start_database(
    store: str, ports: Ports, stack: AsyncExitStack, say: Callable[[str], None]
) -> DemoDatabase | None:
    if store:
        return DemoDatabase(store, store if store.startswith("postgres") else "")
    folder = find_programs()
    if folder is None:
        say("  PostgreSQL is not installed here: the store is a file, which Grafana cannot read.")
        return None
    try:
        database = await stack.enter_async_context(own_database(folder, ports.database))
    except StartError as error:
        say(f"  PostgreSQL does not start, so the store is a file: {error}")
        return None
    say("  PostgreSQL is up, for the store")
    return database


async def _variables(ports: Ports, beside: Neighbours, database: DemoDatabase | None) -> dict[str, str]:
    """Return the variables of demo.yml that are known only once their parts run."""
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(url(ports.sandbox, "/_sandbox/tls")) as answer,
    ):
        secured = (await answer.json())["options"]
    found = {
        "DEMO_TLS_PORT": str(secured["port"]),
        "DEMO_CA_FILE": secured["tls"]["ca_file"],
        "DEMO_NAMES_PORT": str(beside.names),
        "DEMO_MAIL_PORT": str(beside.mail),
    }
    if database is not None:
        found |= {"DEMO_STORE_URL": database.store, "DEMO_DATABASE_URL": database.monitor}
    return found


def _is_own(config: Path) -> bool:
    """Return whether it is our own file: another one has other sources and labels, or none."""
    return config == OWN_FILE


@asynccontextmanager
async def _start(service: DemoProcess, say: Callable[[str], None]) -> AsyncIterator[DemoProcess]:
    began = time.monotonic()
    try:
        await service.start()
        say(f"  {service.name} is up after {time.monotonic() - began:.1f} s")
        yield service
    finally:
        await service.stop()


async def _start_monitoring(setting: Setting, stack: AsyncExitStack, say: Callable[[str], None]) -> bool:
    prometheus = program("prometheus")
    alertmanager = program("prometheus-alertmanager", "alertmanager")
    if not prometheus or not alertmanager:
        say("  Prometheus or Alertmanager is not installed here: the demo goes on without them, so no alert")
        say("  will fire. On Debian: apt-get install prometheus prometheus-alertmanager")
        return False
    await programs.generate(setting).run()
    await stack.enter_async_context(_start(programs.alertmanager(alertmanager, setting), say))
    await stack.enter_async_context(_start(programs.prometheus(prometheus, setting), say))
    return True


async def _print_urls(setting: Setting, has_monitoring: bool, say: Callable[[str], None]) -> None:
    ports = setting.ports
    say("")
    say(f"  Exporter       {url(ports.exporter, '/')}  (metrics: {url(ports.exporter, '/metrics')})")
    say(f"  Admin token    {own_path(os.environ)}  (the page asks for it before it checks anything)")
    say(f"  Sandbox        {url(ports.sandbox, '/_sandbox/')}")
    if has_monitoring:
        page = await first_page(url(ports.prometheus), "/alerts", "/classic/alerts", "/api/v1/alerts")
        say(f"  Prometheus     {page}")
        say(f"  Alertmanager   {await first_page(url(ports.alertmanager), '/', '/api/v2/alerts')}")
    say("")


def _write_grafana(setting: Setting, database: DemoDatabase | None, say: Callable[[str], None]) -> None:
    """Write what a Grafana needs for the dashboards of the demo; see docs/dashboards.md."""
    ports, bundle = setting.ports, setting.folder / "bundle/grafana"
    variables = {
        "INTEGRATION_PROMETHEUS_URL": url(ports.prometheus),
        "INTEGRATION_ALERTMANAGER_URL": url(ports.alertmanager),
        "INTEGRATION_DASHBOARDS": str(bundle / "dashboards"),
        **(database.grafana() if database else {}),
    }
    file = setting.folder / "grafana.env"
    file.touch(mode=0o600)  # it may hold a password
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
    say("For a Grafana of yours (docs/dashboards.md):")
    say(f"  variables      {file}")
    say(f"  provisioning   {bundle / 'provisioning'}")
    say("")


async def _break_stripe(
    setting: Setting, sink: Sink, has_monitoring: bool, say: Callable[[str], None], once: bool
) -> int:
    ports = setting.ports
    say(f"All is well. In {BREAK_AFTER:.0f} s the key of the simulated Stripe account expires.")
    await asyncio.sleep(BREAK_AFTER)
    await _expire_key(ports)
    say("The key has expired: HTTP still works, the integration is dead. Watch the exporter's page.")
    if has_monitoring:
        if not await _first_notice(ports, sink, say):
            return 1
        _print_next(ports, say)
    if once and has_monitoring:
        return 0
    async with AsyncExitStack() as stack:
        if _is_own(setting.config):
            exporter, token = url(ports.exporter), programs.own_token()
            await stack.enter_async_context(troubles(url(ports.sandbox), exporter, token))
            await stack.enter_async_context(on_call(exporter, token))
            say("Small troubles follow, and somebody on call looks at what you leave alone.")
        say("Ctrl-C stops everything.")
        # Without Prometheus nothing arrives: the page is what there is to see.
        while True:
            _print_notice(await sink.messages.get(), say)


async def _expire_key(ports: Ports) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        await session.post(url(ports.sandbox, "/_sandbox/stripe/scenario"), json={"scenario": "expired_key"})


async def _first_notice(ports: Ports, sink: Sink, say: Callable[[str], None]) -> bool:
    began = time.monotonic()
    progress = asyncio.create_task(_progress(ports, began, say))
    try:
        async with asyncio.timeout(NOTICE_LIMIT):
            message = await sink.messages.get()
    except TimeoutError:
        say(f"No notification within {NOTICE_LIMIT:.0f} s: this is a fault of the demo, please report it.")
        return False
    finally:
        progress.cancel()
    say(f"The notification arrived {time.monotonic() - began:.0f} s after the key expired:")
    _print_notice(message, say)
    return True


async def _progress(ports: Ports, began: float, say: Callable[[str], None]) -> None:
    """Print the state of the alert, whenever it changes."""
    before = ""
    async with aiohttp.ClientSession() as session:
        while True:
            await asyncio.sleep(1)
            async with session.get(url(ports.exporter, "/api/v1/status")) as answer:
                status = (await answer.json())["overall_status"]
            async with session.get(url(ports.prometheus, "/api/v1/alerts")) as answer:
                alerts = (await answer.json())["data"]["alerts"]
            news = f"exporter says: {status}; in Prometheus: {_alerts(alerts)}"
            if news != before:
                say(f"  {time.monotonic() - began:3.0f} s  {news}")
            before = news


def _alerts(alerts: list[dict[str, Any]]) -> str:
    """Return which alerts are pending and which fire, in words."""
    found = {(one["labels"]["alertname"], one["state"]) for one in alerts}
    words = [f"{name} {state}" for name, state in sorted(found) if name != "Watchdog"]
    return ", ".join(words) or "no alert yet (rules are evaluated every 30 s)"


def _print_next(ports: Ports, say: Callable[[str], None]) -> None:
    fault = url(ports.sandbox, "/_sandbox/stripe/fault")
    body = """'{"scenario": "expired_key", "on": false}'"""
    command = own_command(sys.argv[0])
    exporter = f"--exporter.url {url(ports.exporter)}"
    say("What to do next:")
    say(f"  see the alert       {command} alerts list {exporter}")
    say(f"  say you are at it   {command} alerts ack FINGERPRINT {exporter}")
    say(f"  what the app does   {command} events api-health {exporter}")
    say(f"  heal it             curl -d {body} {url(ports.sandbox, '/_sandbox/stripe/scenario')}")
    say(f"""  break it otherwise  curl -d '{{"fault": "slow"}}' {fault}  (see docs/sandbox.md)""")
    say(f"  your own file       {command} init")


def _print_notice(message: dict[str, Any], say: Callable[[str], None]) -> None:
    for alert in message["alerts"]:
        labels, notes = alert["labels"], alert["annotations"]
        say("")
        say(f"  [{labels.get('severity', '').upper()}] {labels['alertname']} ({alert['status']})")
        say(f"    integration  {labels.get('integration', '')}  tenant {labels.get('tenant', '') or '-'}")
        say(f"    summary      {notes.get('summary', '')}")
        say(f"    description  {notes.get('description', '')}")
        say(f"    runbook      {notes.get('runbook_url', '')}")
    say("")
