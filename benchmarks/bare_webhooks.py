"""What a webhook costs a process that does no more than it must: a bar for `benchmarks.webhooks`.

    python -m benchmarks.bare_webhooks PORT URL FOLDER

It takes a request, has a thread commit the body to SQLite with an fdatasync, answers, and sends the body
on to `URL`. Nothing is verified, counted, judged, retried or noted, and no commit is shared: what remains
is the price of a request in, a commit, a hop to a thread and back, and a request out, on this machine.
"""

import asyncio
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop
from aiohttp import web

from exporter.core.network import Request, Trace
from exporter.net.network import LoopNetwork


class BareStore:
    """One file, one connection, one thread."""

    def __init__(self, path: Path) -> None:
        """Make the file and its table."""
        self._thread = ThreadPoolExecutor(1)
        # The thread of the pool is another one, but there is never more than one at a time.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE IF NOT EXISTS webhook (id INTEGER PRIMARY KEY, body BLOB)")

    async def add(self, body: bytes) -> None:
        """Return when the body is on the disk."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._add, body)

    def _add(self, body: bytes) -> None:
        self._connection.execute("INSERT INTO webhook (body) VALUES (?)", (body,))


class BareIntake:
    """Answers once a webhook is stored, and sends it on afterwards."""

    def __init__(self, store: BareStore, network: LoopNetwork, url: str) -> None:
        """Send on to `url`."""
        self._store, self._network, self._url = store, network, url
        self._tasks: set[asyncio.Task[object]] = set()

    async def take(self, request: web.Request) -> web.Response:
        """Take one."""
        body = await request.read()
        await self._store.add(body)
        asked = Request(self._url, "POST", body=body, repeatable=True)
        task = asyncio.create_task(self._network.call(asked, Trace()))
        # The loop holds tasks by weak references only.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.Response()


async def ready(_request: web.Request) -> web.Response:
    """Answer that it runs."""
    return web.Response()


async def serve(port: int, url: str, folder: Path) -> None:
    """Run until the process is ended."""
    intake = BareIntake(BareStore(folder / "bare.db"), LoopNetwork(), url)
    application = web.Application()
    application.router.add_get("/-/ready", ready)
    application.router.add_post("/webhooks/github", intake.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def main() -> None:
    """Serve as the words say."""
    port, url, folder = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(port), url, Path(folder)))


if __name__ == "__main__":
    main()
