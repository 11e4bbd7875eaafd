"""Where notifications arrive in the demo: a webhook that keeps what it is sent."""

import asyncio
from typing import Any

from aiohttp import web

from exporter.core.defaults import HOST


class Sink:
    """Listens on loopback for Alertmanager's webhook; `arrived` yields each message (Alertmanager's JSON)."""

    def __init__(self) -> None:
        """Prepare an empty sink."""
        self.arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> None:
        """Listen on `port` of this machine."""
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        await self.arrived.put(await request.json())
        return web.Response()
