"""`/api/v1/openapi.json`: the description of the API."""

import asyncio

from aiohttp import web

from exporter.server.services import SERVICES


async def describe(request: web.Request) -> web.Response:
    """Answer the description, which the first request makes: no other route needs its types."""
    text = await asyncio.to_thread(request.app[SERVICES].openapi)
    return web.Response(body=text, content_type="application/json")
