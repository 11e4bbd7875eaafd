"""Receives the notifications of the demo by a webhook."""

import asyncio
from typing import Any

from aiohttp import web

from exporter.core.defaults import HOST


class Sink:
    """Listens on loopback for Alertmanager's webhook; `messages` holds each one (Alertmanager's JSON)."""

    def __init__(self) -> None:
        """Prepare an empty sink."""
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> None:
        """Listen on `port` of this machine."""
        app = web.Application()
        app.router.add_post("/", self._take)
        # Its access log would mix with the output on the screen.
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        await self.messages.put(await request.json())
        return web.Response()
