"""Examples by kind of platform run: the exporter, simulated vendors, tools of Prometheus and Alertmanager."""

import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exporter import registry
from exporter.cli import main
from exporter.demo.services import DemoProcess
from exporter.sandbox import harness
from exporter.server.routes import ROUTES
from tests.e2e.asking import admin_headers, ask, read, refused, tell, until
from tests.examples import FOLDER, PLATFORMS, Pointed
from tests.rules.tools import program, run
from tests.servers.authority import Authority
from tests.servers.mail import PASSWORD, USER, Mail, mail_room
from tests.servers.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

Vendors = Mapping[str, Mapping[str, Any]]
COMMAND = [sys.executable, "-m", "exporter"]
TARGETS = {
    "fitness-saas": 10 + 6 + 8 + 2,
    "donation-platform": 5,
    "picture-shop": 4,
    "one-tenant-app": 4,
}

STREAM = "/api/v1/stream"
"""It never ends, and names kinds and tenants alone: tests/server/test_change_stream.py."""

OF_ONE = ("/api/v1/timeline", "/integration")
"""What is about one integration, which the question names."""

PAGES = [
    route.path
    for route in ROUTES
    if "GET" in route.methods and "{" not in route.path and route.path not in ("/probe", STREAM, *OF_ONE)
]
# What asks Alertmanager, of which none runs here.
ALERTS = ("/api/v1/alerts", "/api/monitoring/alerts")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vendors() -> AsyncIterator[Vendors]:
    """Serve every simulated vendor and a mail server; the options by which each is reached, by provider."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        known, outsider = Authority(folder), Authority(folder, "stranger")
        room = await stack.enter_async_context(mail_room(Mail(known.server(), outsider.server())))
        sandbox = await stack.enter_async_context(harness.serve(registry.sandbox_vendors()))
        mail = {"host": "127.0.0.1", "port": room.mail.port, "username": USER, "password": PASSWORD}
        made = {name: sandbox.describe(name)["options"] for name in sandbox.stands}
        yield {**made, "smtp": {**mail, "tls": {"ca_file": known.ca_file}}}


@pytest.mark.parametrize("name", PLATFORMS)
async def test_every_target_of_an_example_is_connected_to_simulated_vendors(
    name: str, vendors: Vendors, tmp_path: Path
) -> None:
    port, nobody = free_port(), f"http://127.0.0.1:{free_port()}"
    example = Pointed(FOLDER / f"{name}.yml", tmp_path, vendors, alertmanager=nobody)
    base = f"http://127.0.0.1:{port}"
    command = [*COMMAND, f"--config.file={example.file}", f"--web.listen-address=127.0.0.1:{port}"]
    log = tmp_path / "exporter.log"
    service = DemoProcess("exporter", command, f"{base}/-/ready", log, example.environ, tmp_path)
    try:
        await service.start()
        rows = await until("every target ran in time", lambda: _all_ran(base))
        failing = [row for row in rows if row["status"] != "connected"]
        assert (len(rows), failing) == (TARGETS[name], [])
        assert (await ask(f"{base}/api/v1/status"))["overall_status"] == "healthy"
        admin = admin_headers(example.environ)
        shown = [await read(f"{base}{path}", **admin) for path in PAGES if path not in ALERTS]
        without = [await refused(f"{base}{path}", **admin) for path in ALERTS]
        assert all("Alertmanager at" in text and "does not answer" in text for text in without), without
        shown += without
        about = f"?integration={rows[0]['integration']}"
        shown += [await read(f"{base}{path}{about}", **admin) for path in OF_ONE]
        probe = f"/probe?target={rows[0]['integration']}&tenant={rows[0]['tenant']}&debug=true"
        shown.append(await read(f"{base}{probe}", **admin))
    finally:
        await service.stop()
    kept = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*.db*")]
    assert kept, "the store is looked at, too"
    text = "\n".join([*shown, *kept, log.read_text()])
    assert [secret for secret in example.planted if secret in text] == []


async def _all_ran(base: str) -> list[dict[str, Any]]:
    """Return all targets, none before each ran; what a busy machine was too slow for is checked again."""
    found = await ask(f"{base}/api/v1/targets")
    late = {row["integration"] for row in found["targets"] if row.get("reason") == "timeout"}
    for integration in late:
        await tell(f"{base}/api/v1/checks", {"integration": integration})
    rows: list[dict[str, Any]] = found["targets"]
    return [] if late or found["counts"].get("unknown") else rows


@pytest.mark.parametrize("name", PLATFORMS)
async def test_what_is_generated_for_an_example_suits_prometheus_and_alertmanager(
    name: str, vendors: Vendors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = Pointed(FOLDER / f"{name}.yml", tmp_path, vendors)
    for variable, value in example.environ.items():
        monkeypatch.setenv(variable, value)
    bundle = tmp_path / "bundle"
    words = (
        "generate",
        f"--config.file={example.file}",
        f"--out={bundle}",
        f"--secrets.dir={tmp_path / 'out'}",
    )
    assert main(words) == 0
    rules = sorted(map(str, (bundle / "prometheus/rules").glob("*.yml")))
    for checked in (
        run(program("promtool"), "check", "rules", *rules),
        run(program("promtool"), "check", "config", str(bundle / "prometheus/prometheus.yml")),
        run(program("amtool"), "check-config", str(bundle / "alertmanager/alertmanager.yml")),
    ):
        assert checked.returncode == 0, checked.stdout + checked.stderr
