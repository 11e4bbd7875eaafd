"""One process and what its operator does to it: environment, signals, edited files, broken disks."""

import asyncio
import signal
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.demo.services import DemoProcess, program
from tests.e2e.asking import ask, read, until
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port
from tests.waiting import until as happens

PROBES = 'integration_probes_total{integration="dead",provider="tcp"}'


class Process:
    """A running exporter."""

    def __init__(self, service: DemoProcess, port: int) -> None:
        self.service = service
        self.base = f"http://127.0.0.1:{port}"

    async def metrics(self, **headers: str) -> str:
        return await read(f"{self.base}/metrics", **headers)

    async def value(self, series: str) -> float | None:
        lines = (await self.metrics()).splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(series + " ")), None)

    def send(self, number: signal.Signals) -> None:
        assert self.service.process is not None
        self.service.process.send_signal(number)

    @property
    def log(self) -> str:
        return self.service.log.read_text()


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    running: list[DemoProcess] = []

    async def begin(*words: str, **environment: str) -> Process:
        port = free_port()
        command = [*COMMAND, f"--web.listen-address=127.0.0.1:{port}", *words]
        ready = f"http://127.0.0.1:{port}/-/ready"
        service = DemoProcess("exporter", command, ready, tmp_path / "exporter.log", environment, tmp_path)
        running.append(service)
        await service.start()
        return Process(service, port)

    yield begin
    for service in running:
        await service.stop()


def _file(folder: Path, *names: str, port: int = 9) -> Path:
    path = folder / "config.yml"
    options = f"options: {{host: 127.0.0.1, port: {port}}}"
    rows = (f"  - {{name: {name}, provider: tcp, interval: 1s, timeout: 1s, {options}}}" for name in names)
    fresh = folder / "config.yml.new"
    fresh.write_text(
        "\n".join(["integrations:", *rows, f'store: {{url: "sqlite:///{folder}/state.db"}}', ""])
    )
    return fresh.replace(path)


async def test_without_a_file_it_runs_from_the_environment_alone(start: Start) -> None:
    process = await start(
        STRIPE_SECRET_KEY="sk_test_planted_in_the_environment", SUPABASE_URL="https://x.example"
    )
    body = await process.metrics()
    assert 'integration_configured{integration="stripe",provider="stripe",tenant=""} 1.0' in body
    assert "sk_test_planted" not in body + process.log + await read(f"{process.base}/config")


async def test_without_credentials_in_the_environment_a_provider_is_not_configured(start: Start) -> None:
    process = await start(STRIPE_SECRET_KEY="")
    body = await process.metrics()
    assert 'integration_configured{integration="stripe",provider="stripe",tenant=""} 0.0' in body
    assert "integration_probe_success{" not in body
    assert (await ask(f"{process.base}/api/v1/status"))["overall_status"] == "partial"


async def test_promtool_accepts_the_whole_body(start: Start, tmp_path: Path) -> None:
    process = await start(f"--config.file={_file(tmp_path, 'dead')}")
    await until("the first probe", lambda: process.value(PROBES))
    promtool = program("promtool")
    assert promtool, "promtool is needed: apt-get install prometheus"
    check = await asyncio.create_subprocess_exec(promtool, "check", "metrics", stdin=PIPE, stderr=PIPE)
    _, message = await check.communicate((await process.metrics()).encode())
    # what prometheus_client says of the process itself is not ours to name
    ours = [line for line in message.decode().splitlines() if line.startswith("integration_")]
    assert (check.returncode in (0, 3), ours) == (True, []), message.decode()


async def test_the_openmetrics_body_keeps_to_its_grammar(start: Start, tmp_path: Path) -> None:
    process = await start(f"--config.file={_file(tmp_path, 'dead')}")
    await until("the first probe", lambda: process.value(PROBES))
    body = await process.metrics(Accept="application/openmetrics-text; version=1.0.0")
    parsed = text_string_to_metric_families(body)  # type: ignore[no-untyped-call]  # it has no types
    names = {family.name for family in parsed}
    assert {"integration_probe_success", "integration_probes", "integration_exporter_build_info"} <= names


async def test_sighup_loads_the_file_again_and_a_mistake_changes_nothing(
    start: Start, tmp_path: Path
) -> None:
    process = await start(f"--config.file={_file(tmp_path, 'first')}")
    _file(tmp_path, "first", "second")
    process.send(signal.SIGHUP)
    await until("the new target", lambda: _shown(process, "second"))
    (tmp_path / "config.yml").write_text("integrations: [{name: x}]\n")
    process.send(signal.SIGHUP)
    good = "integration_exporter_config_last_reload_successful"

    async def failed() -> bool:
        return await process.value(good) == 0

    await until("the failed reload is seen", failed)
    assert await _shown(process, "second")
    assert "config.yml:1: " in process.log


async def test_a_sighup_while_it_starts_does_not_end_it_and_is_taken_up(tmp_path: Path) -> None:
    path = _file(tmp_path, "first")
    for moment in (0.0, 0.15, 0.35):
        port = free_port()
        command = [*COMMAND, f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}"]
        log = tmp_path / f"{moment}.log"
        service = DemoProcess("exporter", command, f"http://127.0.0.1:{port}/-/ready", log)
        starting = asyncio.create_task(service.start())
        await happens(partial(_catches, service, signal.SIGHUP))
        assert not _listens(port), (
            "it catches the signal from its first line on, long before its port is open"
        )
        await asyncio.sleep(moment)
        assert service.process is not None
        service.process.send_signal(signal.SIGHUP)
        await starting
        try:
            assert service.process.returncode is None
            await until("the reload", partial(_says, log, "configuration loaded"))
        finally:
            await service.stop()


async def test_a_sigterm_while_it_starts_lets_it_hand_over_what_it_has(tmp_path: Path) -> None:
    port, path, log = free_port(), _file(tmp_path, "first"), tmp_path / "exporter.log"
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections, and says nothing
        place = f"postgresql://app@127.0.0.1:{silent.getsockname()[1]}/state"
        path.write_text(path.read_text().replace(f"sqlite:///{tmp_path}/state.db", place))
        words = [f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}", "--shutdown.timeout=1s"]
        service = DemoProcess("exporter", [*COMMAND, *words], f"http://127.0.0.1:{port}/-/healthy", log)
        await service.start()
        assert service.process is not None and "is up" not in log.read_text()
        service.process.send_signal(signal.SIGTERM)
        assert await service.process.wait() == 0, log.read_text()
    assert "event=stopping" in log.read_text()


def _catches(service: DemoProcess, number: int) -> bool:
    """Tell whether the program has a handler for a signal; the interpreter needs its time to get there."""
    status = Path(f"/proc/{service.process.pid}/status").read_text() if service.process else ""
    masks = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def _says(log: Path, words: str) -> bool:
    return words in log.read_text()


async def _shown(process: Process, name: str) -> bool:
    return f'integration="{name}"' in await process.metrics()


async def test_polling_finds_a_file_that_was_exchanged(start: Start, tmp_path: Path) -> None:
    process = await start(f"--config.file={_file(tmp_path, 'first')}", "--config.poll-interval=200ms")
    _file(tmp_path, "other")
    await until("the other target", lambda: _shown(process, "other"))
    assert not await _shown(process, "first")


async def test_a_store_that_cannot_be_opened_never_stops_probing(start: Start, tmp_path: Path) -> None:
    path = _file(tmp_path, "dead")
    path.write_text(path.read_text().replace(f"{tmp_path}/state.db", f"{tmp_path}/missing/state.db"))
    process = await start(f"--config.file={path}")
    failing = 'integration_probe_consecutive_failures{integration="dead",provider="tcp",tenant=""}'

    async def failures() -> bool:
        return (await process.value(failing) or 0) >= 2

    await until("probing goes on", failures)
    assert await process.value("integration_exporter_store_healthy") == 0
    assert 'event="the store fails"' in process.log.splitlines()[0]
    assert all(line.startswith("ts=") for line in process.log.splitlines())
    assert "missing" in process.log
    assert "stored tokens" not in process.log  # there is no key, so none is kept
    assert "Traceback" not in process.log


async def test_another_store_url_is_said_to_need_a_restart(start: Start, tmp_path: Path) -> None:
    path = _file(tmp_path, "dead")
    process = await start(f"--config.file={path}", "--config.poll-interval=200ms")
    path.write_text(path.read_text().replace("state.db", "other.db"))

    async def message() -> bool:
        return "store.url is another one: restart the exporter" in process.log

    await until("the log tells it", message)
    assert not (tmp_path / "other.db").exists()
