"""kill -9 and start again; SIGTERM with probes in flight."""

import asyncio
from pathlib import Path

from exporter.demo.services import DemoProcess
from tests.e2e.asking import ask, read, tell, until
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port
from tests.waiting import PATIENCE, rest
from tests.waiting import until as happens

CONFIGURATION = """\
integrations:
  - name: dead
    provider: tcp
    interval: 1s
    timeout: 1s
    options: {{host: 127.0.0.1, port: {closed}}}
  - name: patient
    provider: tcp
    interval: 1h
    options: {{host: 127.0.0.1, port: {port}}}
store: {{url: "sqlite:///{folder}/state.db"}}
"""


def _service(folder: Path, port: int, config: Path) -> DemoProcess:
    command = [*COMMAND, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    return DemoProcess("exporter", command, f"http://127.0.0.1:{port}/-/ready", folder / "exporter.log")


def _value(body: str, start: str) -> float | None:
    return next((float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line.startswith(start)), None)


async def test_after_kill_9_the_state_is_back_before_the_first_probe(tmp_path: Path) -> None:
    port, closed = free_port(), free_port()
    config = tmp_path / "config.yml"
    config.write_text(CONFIGURATION.format(port=port, closed=closed, folder=tmp_path))
    service = _service(tmp_path, port, config)
    await service.start()
    metrics = f"http://127.0.0.1:{port}/metrics"
    failures = 'integration_probe_consecutive_failures{integration="dead"'
    success = 'integration_probe_last_success_timestamp_seconds{integration="patient"'

    async def both_written() -> bool:
        # Not /api/v1/history: that is the memory of the process, which the store follows within two seconds.
        errors = await ask(f"http://127.0.0.1:{port}/api/v1/errors?integration=dead")
        return len(errors["errors"]) >= 4 and _value(await read(metrics), success) is not None

    await until("four failures in the store, and one success", both_written)
    before = await read(metrics)
    assert service.process is not None
    service.process.kill()
    await service.process.wait()
    config.write_text(config.read_text().replace("interval: 1s", "interval: 1h"))
    again = _service(tmp_path, port, config)
    await again.start()
    try:
        after = await read(metrics)
        restored = _value(after, failures) or 0
        assert restored >= 4
        assert 'integration_probe_success{integration="dead",provider="tcp",tenant=""} 0.0' in after
        assert _value(after, success) == _value(before, success)
        history = await ask(f"http://127.0.0.1:{port}/api/v1/history")
        assert restored == len([one for one in history["failures"] if one["integration"] == "dead"])
    finally:
        await again.stop()


async def test_sigterm_costs_no_event_of_the_statistics(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "config.yml"
    config.write_text(f'store: {{url: "sqlite:///{tmp_path}/state.db"}}\n')
    url, trace = f"http://127.0.0.1:{port}", "4bf92f3577b34da6a3ce929d0e0e4736"
    event = {"kind": "api_request", "route": "/orders", "method": "GET", "status": 500, "duration": 0.5}
    for life in (1, 2):
        service = _service(tmp_path, port, config)
        await service.start()
        try:
            # Before that SIGTERM is not caught yet.
            await happens(lambda: "is up" in (tmp_path / "exporter.log").read_text())
            status, text = await tell(f"{url}/api/v1/events", [event | {"trace_id": trace}])
            assert status == 202, text
            if life == 2:
                (row,) = (await ask(f"{url}/api/v1/api-health"))["worst"]
                assert (row["route"], row["requests"], row["error_ratio"]) == ("/orders", 2, 1.0)
            body = await read(f"{url}/metrics", Accept="application/openmetrics-text; version=1.0.0")
            assert f'# {{trace_id="{trace}"}} 0.5' in body
        finally:
            await service.stop()


async def test_sigterm_ends_the_process_within_its_limit_with_probes_in_flight(tmp_path: Path) -> None:
    over = asyncio.Event()
    waiting: list[asyncio.StreamWriter] = []

    async def keep_waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.append(writer)
        await over.wait()
        writer.close()

    hold = await asyncio.start_server(keep_waiting, "127.0.0.1", 0)
    silent = hold.sockets[0].getsockname()[1]
    port = free_port()
    config = tmp_path / "config.yml"
    config.write_text(
        "integrations:\n"
        + "".join(
            f"  - {{name: slow{n}, provider: http, interval: 10m, timeout: 9m,"
            f' options: {{url: "http://127.0.0.1:{silent}/"}}}}\n'
            for n in range(20)
        )
        + f'store: {{url: "sqlite:///{tmp_path}/state.db"}}\n'
    )
    service = _service(tmp_path, port, config)
    service.command.append("--shutdown.timeout=2s")
    await service.start()
    await happens(lambda: len(waiting) == 20)
    assert service.process is not None
    service.process.terminate()
    assert await asyncio.wait_for(service.process.wait(), PATIENCE) == 0
    log = service.log.read_text()
    assert "event=stopping limit_seconds=2.0\n" in log and 'event="probes were cut" count=20\n' in log
    over.set()
    hold.close()
    await rest()  # the connections end
    assert "Traceback" not in log
