"""An hour of webhooks at 500 a second, with kill -9 every minute: what is lost, comes twice, is late.

    python -m benchmarks.webhooks_soak [seconds] [--rate 500] [--kill-every 60] [--url postgresql://...]

A whole exporter takes webhooks that are signed as GitHub's are, and forwards them to an app of ours. The
sender does as vendors do: what is not answered by 200 is sent again, with the same id, until it is. Lost is
what was answered 200 and never reached the app; the exit code is 1 where there is any.
"""

import argparse
import asyncio
import hashlib
import hmac
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks.programs import EXPORTER, Program
from benchmarks.webhooks import CONFIGURATION, SECRET
from tests.servers.ports import free_port

AT_MOST = 2000
"""Requests under way at one time: while the exporter is away, the sender falls behind its schedule."""

PATIENCE = 180.0
"""Seconds after the last answer in which everything must reach the app."""


class CountingApp:
    """Takes what is forwarded, and counts how often each came."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.got: Counter[str] = Counter()
        self.at: dict[str, float] = {}

    async def take(self, request: web.Request) -> web.Response:
        """Accept one."""
        name = request.headers["X-GitHub-Delivery"]
        await request.read()
        self.got[name] += 1
        self.at.setdefault(name, time.monotonic())
        return web.Response()


class Vendor:
    """Sends webhooks on a schedule, each again until it is answered 200."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Send to `url`."""
        self._session, self._url = session, url
        self._places = asyncio.Semaphore(AT_MOST)
        self.accepted: dict[str, float] = {}
        self.answers: Counter[str] = Counter()
        self.unanswered = 0

    async def run(self, rate: float, seconds: float) -> None:
        """Send for so long, and return when all are answered."""
        began, tasks, number = time.monotonic(), set[asyncio.Task[None]](), 0
        while (now := time.monotonic()) < began + seconds:
            await asyncio.sleep(max(0.0, began + number / rate - now))
            await self._places.acquire()
            task = asyncio.create_task(self._send(f"webhook-{number}"))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.gather(*tasks)

    async def _send(self, name: str) -> None:
        body = b'{"ref": "refs/heads/main", "id": "%s"}' % name.encode()
        mark = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": name,
            "X-Hub-Signature-256": f"sha256={mark}",
        }
        self.unanswered += 1
        try:
            while not await self._once(body, headers):  # noqa: ASYNC110 - no event says that it works again
                await asyncio.sleep(0.5)
            self.accepted[name] = time.monotonic()
        finally:
            self.unanswered -= 1
            self._places.release()

    async def _once(self, body: bytes, headers: dict[str, str]) -> bool:
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.answers[type(error).__name__] += 1
            return False
        self.answers[str(answer.status)] += 1
        return answer.status == 200


class Victim:
    """The exporter, which is killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        """Start it."""
        self._base = f"http://127.0.0.1:{port}"
        self._log = folder / "log"
        config = f"--config.file={folder / 'config.yml'}"
        self._command = [*EXPORTER, config, f"--web.listen-address=127.0.0.1:{port}"]
        self.kills = 0
        self._start()

    def _start(self) -> None:
        self.program = Program(self._command, self._log, f"{self._base}/-/ready")

    def again(self) -> None:
        """Kill it as a machine that fails does, and start it."""
        self.program.signal(signal.SIGKILL)
        self.kills += 1
        self._start()

    async def run(self, every: float, until: float) -> None:
        """Kill it every so often, until then."""
        while time.monotonic() + every < until:
            await asyncio.sleep(every)
            await asyncio.to_thread(self.again)
            print(f"{self.kills} kills, {self.program.rss() / 1e6:.0f} MB", flush=True)


async def soak(options: argparse.Namespace, folder: Path) -> int:
    """Run everything and report; return how many webhooks were lost."""
    app, application = CountingApp(), web.Application()
    application.router.add_post("/hook", app.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    text = CONFIGURATION.format(folder=folder, secret=SECRET.decode(), app=runner.addresses[0][1])
    if options.url:
        text = text.replace(f"sqlite:///{folder}/state.db", options.url)
    (folder / "config.yml").write_text(text)
    port = free_port()
    victim = await asyncio.to_thread(Victim, folder, port)
    timeout = aiohttp.ClientTimeout(total=30.0)
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            vendor = Vendor(session, f"http://127.0.0.1:{port}/webhooks/github")
            end = time.monotonic() + options.seconds
            await asyncio.gather(
                vendor.run(options.rate, options.seconds), victim.run(options.kill_every, end)
            )
        return await report(vendor, app, victim)
    finally:
        victim.program.stop()
        await runner.cleanup()


async def report(vendor: Vendor, app: CountingApp, victim: Victim) -> int:
    """Wait until all that was accepted is there, and print what came of it; return how many were lost."""
    end = time.monotonic() + PATIENCE
    while not vendor.accepted.keys() <= app.got.keys() and time.monotonic() < end:  # noqa: ASYNC110 - it is long
        await asyncio.sleep(0.5)
    lost = vendor.accepted.keys() - app.got.keys()
    twice = sum(times - 1 for times in app.got.values())
    late = sorted(app.at[name] - at for name, at in vendor.accepted.items() if name in app.at)
    print(f"accepted {len(vendor.accepted)}, answers {dict(vendor.answers)}, kills {victim.kills}")
    print(f"lost {len(lost)} {sorted(lost)[:5]}, came again {twice}")
    if late:
        print(f"behind the answer: p50 {late[len(late) // 2] * 1e3:.0f} ms,", end=" ")
        print(f"p99 {late[int(0.99 * (len(late) - 1))] * 1e3:.0f} ms, at most {late[-1]:.1f} s")
    return len(lost)


def main() -> int:
    """Read the command line and run; return 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seconds", type=float, nargs="?", default=3600.0)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--kill-every", type=float, default=60.0)
    parser.add_argument("--url", default="", help="the store's; a file without it")
    options = parser.parse_args()
    # Not in memory: what is survived is a disk's.
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return int(asyncio.run(soak(options, Path(folder))) > 0)


if __name__ == "__main__":
    sys.exit(main())
