"""A real browser without a window, driven by its own protocol.

See https://chromedevtools.github.io/devtools-protocol/ for the methods.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.waiting import PATIENCE

FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, where its own sandbox refuses to start
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)


class PageLeft(Exception):
    """The page was left for another one before it answered."""


class Page:
    """One open page; `complaints` are what the browser wrote on its console, errors of ours included."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.complaints: list[str] = []

    async def tell(self, method: str, **params: Any) -> Any:
        """Call a method and return its result; PageLeft where there is none."""
        mine = next(self._ids)
        await self._socket.send_json({"id": mine, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == mine:
                    if "error" in message:
                        raise PageLeft(method, message["error"])
                    return message["result"]
                if message.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                    self.complaints.append(str(message["params"]))

    async def value(self, script: str) -> Any:
        """Return what `script` comes to, awaited."""
        found = await self.tell("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return found["result"].get("value")

    async def until(self, script: str, seconds: float = PATIENCE) -> None:
        """Wait until `script` is true, on this page or on the one that follows it."""
        async with asyncio.timeout(seconds):
            while True:
                with suppress(PageLeft):
                    if await self.value(script):
                        return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def browsing(chromium: str, url: str, profile: Path) -> AsyncIterator[Page]:
    """Open `url` and give the page; the browser ends with the block."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        chromium, *FLAGS, f"--user-data-dir={profile}", "about:blank", stdout=quiet, stderr=quiet
    )
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as client:
            place = await _first_page(client, port)
            async with client.ws_connect(place, max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await page.tell(f"{domain}.enable")
                await page.tell("Page.navigate", url=url)
                await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
                yield page
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _first_page(client: aiohttp.ClientSession, port: int) -> str:
    """Return where the page is driven; the browser answers before it has opened one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with client.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
            await asyncio.sleep(0.05)


async def _port(file: Path) -> int:
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = file.read_text().splitlines() if file.exists() else []
            if len(lines) > 1:
                return int(lines[0])
            await asyncio.sleep(0.05)
