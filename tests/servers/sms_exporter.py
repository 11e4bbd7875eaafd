"""Exporters as processes that bring text messages to vendors of the test, and are killed meanwhile.

`python -m tests.servers.sms_exporter 50` kills one 50 times and prints what came of it.
"""

import asyncio
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import yaml

from exporter.demo.services import DemoProcess
from tests.e2e.conftest import COMMAND
from tests.notices.texts import group
from tests.servers.ports import free_port
from tests.servers.text_vendors import TextVendors, sms_yaml, text_vendors
from tests.waiting import until

TOKEN = "notify-0123456789abcdef"


class SmsExporter:
    """One exporter of several at `addresses`, with one store; what it writes is in `folder`."""

    def __init__(
        self, folder: Path, sms: str, store: str = "", ports: tuple[int, ...] = (), place: int = 0
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, ports = folder, ports or (free_port(),)
        self.url = f"http://127.0.0.1:{ports[place]}"
        (folder / "web.yml").write_text(f"bearer_tokens: [{{name: am, token: {TOKEN}, roles: [notify]}}]\n")
        addresses = [f"127.0.0.1:{port}" for port in ports]
        (folder / "config.yml").write_text(
            f"generate: {{secrets: {{dir: '{folder}/secrets'}}, exporter: {{addresses: {addresses}}}}}\n"
            f"notifications: {{history: {{bearer_token: {TOKEN}}}, sms: {sms}}}\n"
            f"store: {{url: '{store or f'sqlite:///{folder}/state.db'}'}}\n"
        )
        self._port = ports[place]
        self.process = self._made()

    def _made(self) -> DemoProcess:
        command = [
            *COMMAND,
            f"--config.file={self.folder}/config.yml",
            f"--web.config.file={self.folder}/web.yml",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        return DemoProcess("exporter", command, f"{self.url}/-/ready", self.folder / "exporter.log")

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.process = self._made()
        await self.process.start(120.0)

    async def kill(self) -> None:
        """Kill it as nobody can prevent."""
        assert self.process.process is not None
        self.process.process.kill()
        await self.process.process.wait()

    async def generate(self) -> Path:
        """Return the alertmanager.yml of its configuration; the waits are a second."""
        words = ["generate", f"--config.file={self.folder}/config.yml", f"--out={self.folder}/bundle"]
        await DemoProcess("generate", [*COMMAND, *words], "", self.folder / "generate.log").run(120.0)
        path = self.folder / "bundle/alertmanager/alertmanager.yml"
        content = yaml.safe_load(path.read_text())
        for route in content["route"]["routes"]:
            route |= {"group_wait": "1s", "group_interval": "1s"}
        path.write_text(yaml.safe_dump(content))
        return path

    async def send(self, body: bytes) -> int:
        """Send what Alertmanager would; return the status."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.url}/api/v1/sms", data=body) as answer,
        ):
            return answer.status


@dataclass
class TextLosses:
    """What came of kills: incidents that were acknowledged, those that never arrived, and texts too many."""

    kills: int
    acknowledged: int
    lost: list[str]
    again: int


async def kill_often(folder: Path, kills: int, *, seed: int = 1, each: int = 6) -> TextLosses:
    """Kill an exporter between the acceptance of notices and their messages, again and again."""
    dice, acknowledged, number = random.Random(seed), set[str](), 0
    async with text_vendors() as vendors:
        exporter = SmsExporter(folder / "exporter", sms_yaml(vendors.url, sns=False))

        async def send(name: str) -> None:
            if await exporter.send(group(integration=name)) == 200:
                acknowledged.add(name)

        for _ in range(kills):
            await exporter.start()
            vendors.hold = dice.choice((0.0, 0.01, 0.1))
            names = [f"i{number + one}-end" for one in range(each)]
            number += each
            tasks = [asyncio.create_task(send(name)) for name in names]
            enough = len(acknowledged) + dice.randrange(1, each)
            await until(partial(_has_come, acknowledged, enough, tasks))
            await asyncio.sleep(dice.uniform(0.0, 0.1))
            await exporter.kill()
            await asyncio.gather(*tasks, return_exceptions=True)
        vendors.hold = 0.0
        await exporter.start()
        try:
            await _all_arrived(vendors, acknowledged)
        finally:
            await exporter.process.stop()
        found = _arrived(vendors)
    lost = sorted(acknowledged - found.keys())
    return TextLosses(kills, len(acknowledged), lost, sum(found.values()) - len(found))


def _has_come(acknowledged: set[str], enough: int, tasks: "list[asyncio.Task[None]]") -> bool:
    return len(acknowledged) >= enough or all(task.done() for task in tasks)


async def _all_arrived(vendors: TextVendors, acknowledged: set[str]) -> None:
    try:
        await until(lambda: acknowledged <= _arrived(vendors).keys())
    except TimeoutError:
        return  # the caller says which are lost


def _arrived(vendors: TextVendors) -> Counter[str]:
    return Counter(text.split()[1].rstrip(":") for text in vendors.texts())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(asyncio.run(kill_often(Path(place), int(sys.argv[1]))))
