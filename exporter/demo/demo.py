"""The whole product: simulated vendors, exporter, Prometheus, Alertmanager, and one notification."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from exporter import registry
from exporter.core.admin_token import own_path
from exporter.core.defaults import HOST, PORTS, SANDBOX_PORT
from exporter.demo.app_events import app, own_token, show_events
from exporter.demo.other_app import other_app
from exporter.demo.pages import first_page
from exporter.demo.services import DemoProcess, free_port, own_command, program
from exporter.demo.sink import Sink
from exporter.demo.webhooks import show_webhooks, webhook_traffic
from exporter.generate import paths

OWN_FILE = Path(__file__).with_name("demo.yml")
"""The configuration that the demo runs on unless another is given."""

SINK_PORT = 10056
"""Where the demo takes notifications, unless the port is in use."""

BREAK_AFTER = 15.0
"""Seconds until the demo breaks an integration."""

NOTICE_LIMIT = 240.0
"""Seconds after which a missing notification is reported as a fault of the demo."""


@dataclass(frozen=True)
class Ports:
    """Where each part listens on this machine; the three in the middle are those of core.defaults.PORTS."""

    sandbox: int
    exporter: int
    prometheus: int
    alertmanager: int
    sink: int

    @classmethod
    def free(cls) -> "Ports":
        """Return the usual ports, or the next free ones where they are taken."""
        vendors = 1 + 2 * len(registry.sandbox_vendors())
        exporter, prometheus, alertmanager = map(free_port, PORTS.values())
        # The usual ones are neighbours: where another demo has both, the next free one is the same for both.
        sink = free_port(max(SINK_PORT, exporter + 1))
        return cls(free_port(SANDBOX_PORT, vendors), exporter, prometheus, alertmanager, sink)


def url(port: int, path: str = "") -> str:
    """Return the URL of a part."""
    return f"http://{HOST}:{port}{path}"


async def demo(config: Path, say: Callable[[str], None], *, once: bool = False) -> int:
    """Run the demo until Ctrl-C (or, with `once`, until the notification arrived); return the exit code."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # SIGHUP as well: a closed terminal must not leave programs behind.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    with tempfile.TemporaryDirectory(prefix="integration-exporter-demo-") as folder:
        run = asyncio.create_task(_run(config, Path(folder), say, once))
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


async def _run(config: Path, folder: Path, say: Callable[[str], None], once: bool) -> int:
    ports = Ports.free()
    sink = Sink()
    async with AsyncExitStack() as stack:
        await sink.start(ports.sink)
        stack.push_async_callback(sink.stop)
        for service in _own_processes(config, folder, ports):
            await stack.enter_async_context(_start(service, say))
        has_monitoring = await _start_monitoring(config, folder, ports, stack, say)
        await _print_urls(ports, has_monitoring, say)
        if _is_own(config):
            if not await show_webhooks(url(ports.exporter), sink, say):
                return 1
            client = await stack.enter_async_context(app(url(ports.exporter)))
            if not await show_events(url(ports.exporter), client, say):
                return 1
            await stack.enter_async_context(other_app(url(ports.exporter)))
            await stack.enter_async_context(webhook_traffic(url(ports.exporter)))
        return await _break_stripe(ports, sink, has_monitoring, say, once)


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


def _own_processes(config: Path, folder: Path, ports: Ports) -> list[DemoProcess]:
    command = [sys.executable, "-m", "exporter"]
    sandbox = [*command, "sandbox", "--listen", f"{HOST}:{ports.sandbox}"]
    exporter = [
        *command,
        f"--config.file={config}",
        f"--web.listen-address={HOST}:{ports.exporter}",
        "--log.format=logfmt",
    ]
    settings = environment(folder, ports)
    return [
        DemoProcess(
            "sandbox (simulated vendors)", sandbox, url(ports.sandbox, "/_sandbox/"), folder / "sandbox.log"
        ),
        DemoProcess(
            "integration-exporter",
            exporter,
            url(ports.exporter, "/-/ready"),
            folder / "exporter.log",
            settings,
        ),
    ]


def environment(folder: Path, ports: Ports) -> dict[str, str]:
    """Return the variables that the demo's configuration file reads."""
    return {
        "DEMO_SANDBOX_PORT": str(ports.sandbox),
        "DEMO_SINK_URL": url(ports.sink, "/"),
        "DEMO_STORE_URL": f"sqlite:///{folder}/demo.db",
        "DEMO_ALERTMANAGER_URL": url(ports.alertmanager),
        "DEMO_EXPORTER_URL": url(ports.exporter),
    }


async def _start_monitoring(
    config: Path, folder: Path, ports: Ports, stack: AsyncExitStack, say: Callable[[str], None]
) -> bool:
    prometheus = program("prometheus")
    alertmanager = program("prometheus-alertmanager", "alertmanager")
    if not prometheus or not alertmanager:
        say("  Prometheus or Alertmanager is not installed here: the demo goes on without them, so no alert")
        say("  will fire. On Debian: apt-get install prometheus prometheus-alertmanager")
        return False
    await _generate(config, folder, ports)
    for service in _monitoring_processes(prometheus, alertmanager, folder, ports):
        await stack.enter_async_context(_start(service, say))
    return True


async def _generate(config: Path, folder: Path, ports: Ports) -> None:
    """Write rules and routes as a user does: by the command `generate`."""
    command = [
        sys.executable,
        "-m",
        "exporter",
        "generate",
        f"--config.file={config}",
        f"--out={folder / 'bundle'}",
        f"--secrets.dir={folder / 'secrets'}",
    ]
    command += [
        f"--exporter.address={HOST}:{ports.exporter}",
        f"--web.external-url=http://{HOST}:{ports.exporter}",
        f"--alertmanager.address={HOST}:{ports.alertmanager}",
        f"--prometheus.address={HOST}:{ports.prometheus}",
    ]
    # The exporter has written its token only now; Alertmanager sends what is kept with it.
    settings = environment(folder, ports) | ({"DEMO_TOKEN": token} if (token := own_token()) else {})
    # A process of its own: the demo shows the command that a user runs, with its exit code.
    service = DemoProcess("generate", command, "", folder / "generate.log", settings)
    await service.run()


def _monitoring_processes(
    prometheus: str, alertmanager: str, folder: Path, ports: Ports
) -> list[DemoProcess]:
    bundle = folder / "bundle"
    return [
        DemoProcess(
            "Alertmanager",
            [
                alertmanager,
                f"--config.file={bundle / paths.ALERTMANAGER}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address={HOST}:{ports.alertmanager}",
                # Empty: one Alertmanager needs no cluster, whose port another demo may have.
                "--cluster.listen-address=",
            ],
            url(ports.alertmanager, "/-/ready"),
            folder / "alertmanager.log",
        ),
        DemoProcess(
            "Prometheus",
            [
                prometheus,
                f"--config.file={bundle / paths.PROMETHEUS}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address={HOST}:{ports.prometheus}",
                # Single requests among the percentiles, by their trace ids.
                "--enable-feature=exemplar-storage",
            ],
            url(ports.prometheus, "/-/ready"),
            folder / "prometheus.log",
        ),
    ]


async def _print_urls(ports: Ports, has_monitoring: bool, say: Callable[[str], None]) -> None:
    say("")
    say(f"  Exporter       {url(ports.exporter, '/')}  (metrics: {url(ports.exporter, '/metrics')})")
    say(f"  Admin token    {own_path(os.environ)}  (the page asks for it before it checks anything)")
    say(f"  Sandbox        {url(ports.sandbox, '/_sandbox/')}")
    if has_monitoring:
        page = await first_page(url(ports.prometheus), "/alerts", "/classic/alerts", "/api/v1/alerts")
        say(f"  Prometheus     {page}")
        say(f"  Alertmanager   {await first_page(url(ports.alertmanager), '/', '/api/v2/alerts')}")
    say("")


async def _break_stripe(
    ports: Ports, sink: Sink, has_monitoring: bool, say: Callable[[str], None], once: bool
) -> int:
    say(f"All is well. In {BREAK_AFTER:.0f} s the key of the simulated Stripe account expires.")
    await asyncio.sleep(BREAK_AFTER)
    await _expire_key(ports)
    say("The key has expired: HTTP still works, the integration is dead. Watch the exporter's page.")
    if not has_monitoring:
        # Nothing will arrive without Prometheus: the page is what there is to see, until Ctrl-C.
        await asyncio.Event().wait()
    if not await _first_notice(ports, sink, say):
        return 1
    _print_next(ports, say)
    if once:
        return 0
    say("Ctrl-C stops everything.")
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
