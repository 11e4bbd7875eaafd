"""A whole exporter whose database hangs, or whose disk is full: all else goes on, and nothing is lost."""

import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from exporter.core.store import Window
from exporter.demo.services import DemoProcess
from exporter.store.database import Database
from tests.e2e.asking import ask, read, until
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port
from tests.servers.postgres import Cluster, cluster
from tests.store.queries import statistics_of

CONFIGURATION = """\
integrations:
  - name: dead
    provider: tcp
    interval: 1s
    timeout: 1s
    options: {{host: 127.0.0.1, port: {closed}}}
store: {{url_file: {url_file}}}
"""
PASSWORD = "app-password"


@asynccontextmanager
async def running(folder: Path, store_url: str) -> AsyncIterator[str]:
    port = free_port()
    (folder / "url").write_text(store_url + "\n")
    config = folder / "config.yml"
    config.write_text(CONFIGURATION.format(closed=free_port(), url_file=folder / "url"))
    command = [*COMMAND, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    service = DemoProcess("exporter", command, f"http://127.0.0.1:{port}/-/ready", folder / "exporter.log")
    await service.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await service.stop()


async def value(url: str, start: str) -> float:
    lines = (await read(f"{url}/metrics")).splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start)), 0.0)


async def probed(url: str, more: int) -> None:
    """Wait for `more` further probes, with /metrics answering all the time."""
    name = "integration_probes_total{"
    goal = await value(url, name) + more

    async def enough() -> bool:
        return await value(url, name) >= goal

    await until(f"{more} more probes", enough)


async def health(url: str) -> tuple[float, float]:
    return (
        await value(url, "integration_exporter_store_healthy"),
        await value(url, "integration_exporter_store_dropped"),
    )


async def all_came(url: str, probes: float) -> None:
    """Wait until the store has every failure up to now; each of the probes failed."""

    async def written() -> Any:
        found = await ask(f"{url}/api/v1/errors", limit="1000")
        return len(found.get("errors", ())) >= probes

    await until("every failure is in the store", written, 300)

    async def said() -> bool:
        # A read that failed counts for five minutes; where none did, it is healthy once written to.
        failed_reads = await value(url, "integration_exporter_store_failed_reads")
        return await health(url) == (0.0 if failed_reads else 1.0, 0.0)

    await until("its health says so, and nothing was dropped", said)


@pytest.fixture
def server() -> Iterator[Cluster]:
    with cluster() as made:
        made.admin("CREATE DATABASE state OWNER app")
        yield made


async def test_a_database_that_hangs_costs_neither_probes_nor_scrapes_nor_rows(
    tmp_path: Path, server: Cluster
) -> None:
    url_of_store = f"postgresql://app:{PASSWORD}@127.0.0.1:{server.port}/state?connect_timeout=2"
    async with running(tmp_path, url_of_store) as url:
        await probed(url, 2)
        assert server.process is not None
        whole = psutil.Process(server.process.pid)
        whole.send_signal(signal.SIGSTOP)  # first: it starts no other process then
        hung = [whole, *whole.children()]
        try:
            for process in hung[1:]:
                with suppress(psutil.NoSuchProcess):  # a session may end meanwhile
                    process.send_signal(signal.SIGSTOP)
            await probed(url, 4)
            async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/errors") as answer:
                assert answer.status == 503
                assert PASSWORD not in await answer.text()
            assert (await ask(f"{url}/api/v1/status"))["overall_status"] == "degraded"
        finally:
            for process in hung:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)
        await all_came(url, await value(url, "integration_probes_total{"))
    assert PASSWORD not in (tmp_path / "exporter.log").read_text()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    made = tmp_path / "disk"
    made.mkdir()
    order = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(made)]
    if subprocess.run(order, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield made
    finally:
        subprocess.run(["umount", str(made)], check=True)


async def test_a_full_disk_costs_neither_probes_nor_scrapes_nor_rows(tmp_path: Path, disk: Path) -> None:
    async with running(tmp_path, f"sqlite:///{disk}/state.db") as url:
        await probed(url, 2)
        with pytest.raises(OSError, match="No space"), (disk / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

        async def failing() -> bool:
            return await health(url) == (0.0, 0.0)

        await until("the store fails", failing)
        await probed(url, 3)
        (disk / "filler").unlink()
        await all_came(url, probes := await value(url, "integration_probes_total{"))
    assert "the disk is full; free some space" in (tmp_path / "exporter.log").read_text()
    # What was counted in memory is written at the stop.
    store = Database(f"sqlite:///{disk}/state.db")
    store.open()
    (counted,) = statistics_of(store, Window(0, 1 << 40))
    store.close()
    assert counted.runs == counted.failed >= probes
