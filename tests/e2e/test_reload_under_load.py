"""1,000 targets, 50 reloads, one in three of them wrong: nothing unchanged is disturbed, nothing leaks."""

import asyncio
import statistics
from collections.abc import Sequence
from pathlib import Path

from exporter.demo.services import DemoProcess
from tests.e2e.asking import read, tell, until
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port

TARGETS, DEAD, CHANGING, RELOADS = 1000, 10, 20, 50
LOADED = 9
"""Reloads after which a process has loaded what reloads need."""

INTERVAL = 4.0


def _configuration(alive: int, dead: int, folder: Path, turn: int) -> str:
    """Return a file with TARGETS integrations: the first DEAD fail, the last CHANGING differ in each turn."""
    lines = ["integrations:"]
    for n in range(TARGETS):
        port = dead if n < DEAD else alive
        # Long, as a run that is late counts as failed: what is looked at is whether reloads make one so.
        timeout = 3000 + turn if n >= TARGETS - CHANGING else 3000
        lines.append(
            f"  - {{name: i{n:04}, provider: tcp, interval: {INTERVAL:g}s, timeout: {timeout}ms,"
            f" options: {{host: 127.0.0.1, port: {port}}}}}"
        )
    wrong = "    oops: 1\n" if turn % 3 == 2 else ""
    return "\n".join(lines) + f'\n{wrong}store: {{url: "sqlite:///{folder}/state.db"}}\n'


def _values(body: str, name: str) -> dict[str, float]:
    """Return the value of each series of a family by its integration."""
    found = {}
    for line in body.splitlines():
        if line.startswith(name + "{"):
            integration = line.partition('integration="')[2].partition('"')[0]
            found[integration] = float(line.rsplit(" ", 1)[1])
    return found


def _plain(body: str, name: str) -> float:
    return next(float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line.startswith(name + " "))


async def test_reloads_under_load_disturb_nothing_and_leak_nothing(tmp_path: Path) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1024)
    alive, dead, port = server.sockets[0].getsockname()[1], free_port(), free_port()
    config = tmp_path / "config.yml"
    config.write_text(_configuration(alive, dead, tmp_path, 0))
    base = f"http://127.0.0.1:{port}"
    command = [*COMMAND, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    service = DemoProcess("exporter", command, f"{base}/-/ready", tmp_path / "exporter.log")
    await service.start()
    try:
        await until("every target ran three times", lambda: _all_ran(base, 3), 300)
        first = await read(f"{base}/metrics")
        turns = [*range(1, RELOADS + 1)]
        statuses = await _reload_many(base, config, alive, dead, tmp_path, turns[:LOADED])
        # What the first reloads load (cryptography, the schema of mistakes) stays, and is no leak.
        warm = await read(f"{base}/metrics")
        statuses += await _reload_many(base, config, alive, dead, tmp_path, turns[LOADED:])
        await asyncio.sleep(6 * INTERVAL)  # reloads are quick: the runs that are compared need their time
        last = await read(f"{base}/metrics")
    finally:
        await service.stop()
        server.close()
        await asyncio.sleep(0.5)  # the server's connections end with the exporter's
    assert statuses == [500 if turn % 3 == 2 else 200 for turn in range(1, RELOADS + 1)]
    _nothing_was_disturbed(first, last)
    _nothing_leaked(warm, last)
    assert "Traceback" not in service.log.read_text()


async def _all_ran(base: str, times: int) -> bool:
    runs = _values(await read(f"{base}/metrics"), "integration_probes_total")
    return len(runs) == TARGETS and min(runs.values()) >= times


async def _reload_many(
    base: str, config: Path, alive: int, dead: int, folder: Path, turns: Sequence[int]
) -> list[int]:
    statuses = []
    for turn in turns:
        config.write_text(_configuration(alive, dead, folder, turn))
        status, text = await tell(f"{base}/-/reload")
        assert status == 200 or f"config.yml:{TARGETS + 2}" in text, text
        statuses.append(status)
    return statuses


def _nothing_was_disturbed(first: str, last: str) -> None:
    """Compare each unchanged target with its neighbours: a slow machine slows them all."""
    unchanged = {f"i{n:04}" for n in range(TARGETS - CHANGING)}
    before, after = (_values(body, "integration_probes_total") for body in (first, last))
    runs = {name: after[name] - before[name] for name in unchanged}
    usual = statistics.median(runs.values())
    missed = {name: count for name, count in runs.items() if abs(count - usual) > max(3, usual * 0.2)}
    assert missed == {}, f"{usual:g} runs are usual"
    assert usual > 5
    failures = _values(last, "integration_probe_consecutive_failures")
    # never forgotten; a run may end while the body is put together, between its gauge and its counter
    assert all(abs(failures[f"i{n:04}"] - after[f"i{n:04}"]) <= 1 for n in range(DEAD))
    assert all(failures[f"i{n:04}"] == 0 for n in range(DEAD, TARGETS))


def _nothing_leaked(warm: str, last: str) -> None:
    files = [_plain(body, "process_open_fds") for body in (warm, last)]
    memory = [_plain(body, "process_resident_memory_bytes") for body in (warm, last)]
    assert files[1] <= files[0] + 20, files
    assert memory[1] <= memory[0] + 20e6, memory
    assert _plain(last, "integration_exporter_targets") == TARGETS
