"""A real Alertmanager, on a port of this machine, with the files that `generate` writes."""

import asyncio
import json
import os
import shutil
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port
from tests.waiting import until

NAMES = ("prometheus-alertmanager", "alertmanager")
"""The program as Debian calls it, and as it calls itself."""

EXTERNAL = "http://alertmanager.example:9093"
"""The address that its messages lead to."""


def find_alertmanager() -> str:
    """Return the path of the program; where it is missing, the tests cannot run."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise FileNotFoundError("no Alertmanager here: apt-get install prometheus-alertmanager")
    return found


class RunningAlertmanager:
    """Takes alerts by its API v2."""

    def __init__(self, port: int) -> None:
        """Keep where it listens."""
        self.address = f"127.0.0.1:{port}"
        self._base = f"http://{self.address}"

    def ready(self) -> bool:
        """Return whether it answers."""
        try:
            with urllib.request.urlopen(f"{self._base}/-/ready", timeout=20) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    async def post(self, alerts: list[dict[str, Any]]) -> None:
        """Send alerts, all of them in one call."""
        await asyncio.to_thread(self._post, json.dumps(alerts).encode())

    def _post(self, body: bytes) -> None:
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._base}/api/v2/alerts", body, head)
        urllib.request.urlopen(request, timeout=60).close()


@asynccontextmanager
async def alertmanager(
    folder: Path,
    config: Path,
    environ: Mapping[str, str] | None = None,
    cluster: Sequence[str] = ("--cluster.listen-address=",),
) -> AsyncIterator[RunningAlertmanager]:
    """Run it with `config` until the block ends; its data and its log are in `folder`."""
    port = free_port()
    command = [
        find_alertmanager(),
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.external-url={EXTERNAL}",
        "--web.route-prefix=/",
        *cluster,
    ]
    with (folder / "alertmanager.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=log, stderr=log, env={**os.environ, **(environ or {})}
        )
        server = RunningAlertmanager(port)
        try:
            await until(lambda: process.returncode is not None or server.ready())
            assert process.returncode is None, (folder / "alertmanager.log").read_text()
            yield server
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def alertmanager_pair(
    folder: Path, config: Path
) -> AsyncIterator[tuple[RunningAlertmanager, RunningAlertmanager]]:
    """Run a cluster of two with `config`, which gossip quickly, until the block ends."""
    ports = free_port(), free_port()
    gossip = (
        "--cluster.gossip-interval=50ms",
        "--cluster.pushpull-interval=1s",
        "--cluster.settle-timeout=1s",
        # A member that a busy machine keeps waiting is not away: else both would send.
        "--cluster.probe-interval=60s",
        "--cluster.probe-timeout=30s",
    )
    places = [folder / "one", folder / "two"]
    for place in places:
        place.mkdir()
    own = [f"--cluster.listen-address=127.0.0.1:{port}" for port in ports]
    # Each knows the other, so that either may come back after it was away.
    others = [f"--cluster.peer=127.0.0.1:{port}" for port in reversed(ports)]
    async with (
        alertmanager(places[0], config, cluster=(own[0], others[0], *gossip)) as one,
        alertmanager(places[1], config, cluster=(own[1], others[1], *gossip)) as two,
    ):
        yield one, two
