"""Starts real programs, waits until they answer, and stops them again."""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp

from exporter.core.defaults import HOST
from exporter.core.errors import StartError

START_LIMIT = 120.0
"""Seconds until a program that neither answers nor ends is given up; a busy machine takes half a minute."""

STOP_LIMIT = 10.0
"""Seconds a program gets to end by itself."""


@dataclass
class DemoProcess:
    """One program. `ready` is a URL that answers 200 when it is up; `log` takes what it prints.

    `folder` is its working directory, by default the current one. It runs as `user`, where one is named."""

    name: str
    command: list[str]
    ready: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    user: str = ""
    process: asyncio.subprocess.Process | None = None

    async def start(self, limit: float = START_LIMIT) -> None:
        """Start it and wait until it answers; StartError quotes the end of its log.

        A program that is given up is stopped.
        """
        with self.log.open("ab") as log:
            self.process = await self._spawn(log)
        try:
            async with asyncio.timeout(limit):
                await self._wait_until_ready()
        except BaseException as error:
            await self.stop()  # nobody else knows of it, and it would hold its port
            if not isinstance(error, TimeoutError):
                raise
            raise StartError(f"{self.name} did not answer within {limit:g} s: {self.log_tail()}") from None

    async def run(self, limit: float = 60.0) -> None:
        """Run a program that ends by itself; StartError when it fails."""
        with self.log.open("ab") as log:
            self.process = await self._spawn(log)
        try:
            async with asyncio.timeout(limit):
                code = await self.process.wait()
        finally:
            await self.stop()
        if code != 0:
            raise StartError(f"{self.name} ended with exit code {code}: {self.log_tail()}")

    async def stop(self) -> None:
        """Stop it by SIGTERM, then by SIGKILL."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def log_tail(self) -> str:
        """Return the last lines of its log in one line."""
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-5:])

    async def _spawn(self, log: BinaryIO) -> asyncio.subprocess.Process:
        another: dict[str, Any] = {"user": self.user, "group": self.user, "extra_groups": []}
        return await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **self.environment},
            cwd=self.folder,
            start_new_session=True,  # so that Ctrl-C reaches this process alone, which stops them in order
            **(another if self.user else {}),
        )

    async def _wait_until_ready(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                if self.process and self.process.returncode is not None:
                    code = self.process.returncode
                    raise StartError(f"{self.name} ended with exit code {code}: {self.log_tail()}")
                try:
                    async with session.get(self.ready) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass  # not yet
                await asyncio.sleep(0.1)


def program(*names: str) -> str | None:
    """Return the path of the first of `names` that is installed; distributions differ in them."""
    return next((found for name in names if (found := shutil.which(name))), None)


def own_command(called: str) -> str:
    """Return what a shell finds this program by; `called` is sys.argv[0] of the running one.

    In a checkout the program is in `.venv/bin`, which is on nobody's PATH.
    """
    name = "integration-exporter"
    found = shutil.which(name)
    if Path(called).name != name or (found and Path(found).samefile(called)):
        return name
    return called


def free_port(wanted: int, count: int = 1, reserved: Set[int] = frozenset()) -> int:
    """Return the first of `count` free ports in a row on loopback, from `wanted` upward, none `reserved`."""
    for first in range(wanted, 65_536 - count):
        if all(port not in reserved and _is_free(port) for port in range(first, first + count)):
            return first
    raise StartError(f"no free port on {HOST}; stop another program")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose old connections still time out (TIME_WAIT) counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
