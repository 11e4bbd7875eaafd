"""Receives the notifications of the demo, and plays an app and a receiver of webhooks."""

import asyncio
from typing import Any

from aiohttp import web

from exporter.core.defaults import HOST

MOST = 100
"""Webhooks that are remembered at most: the demo looks at the first ones, and goes on for hours."""


class Sink:
    """Listens for Alertmanager's webhook; `messages` holds each one (Alertmanager's JSON).

    `/app` is the platform's app: `app` holds the body of each webhook that is forwarded to it. `/hook` is the
    receiver of a tenant, which fails once: `hooks` holds what it answered. `/closed` is one that is gone.
    """

    def __init__(self) -> None:
        """Prepare an empty sink."""
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.app: asyncio.Queue[bytes] = asyncio.Queue()
        self.hooks: asyncio.Queue[int] = asyncio.Queue()
        self._is_down = True
        self._runner: web.AppRunner | None = None

    async def start(self, port: int, host: str = HOST) -> None:
        """Listen on `port` of this machine, or of the network that `host` is an address of."""
        app = web.Application()
        app.router.add_get("/-/ready", self._say_ready)
        app.router.add_post("/", self._take)
        app.router.add_post("/app", self._take_forwarded)
        app.router.add_post("/hook", self._take_hook)
        app.router.add_post("/closed", self._refuse)
        # Its access log would mix with the output on the screen.
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        await self.messages.put(await request.json())
        return web.Response()

    async def _take_forwarded(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.app.qsize() < MOST:
            self.app.put_nowait(body)
        return web.Response()

    async def _take_hook(self, request: web.Request) -> web.Response:
        await request.read()
        status = 503 if self._is_down else 204
        self._is_down = False
        if self.hooks.qsize() < MOST:
            self.hooks.put_nowait(status)
        return web.Response(status=status)

    async def _say_ready(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def _refuse(self, _request: web.Request) -> web.Response:
        return web.Response(status=404)
