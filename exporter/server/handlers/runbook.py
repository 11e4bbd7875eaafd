"""The page of an alert, where the links of messages lead; it holds no secret, so any caller may read it."""

import asyncio

from aiohttp import web

from exporter.server.services import SERVICES


async def runbook(request: web.Request) -> web.Response:
    """Answer the runbook page of an alert by its name, also as <name>.md."""
    name = request.match_info["name"].removesuffix(".md")
    found = await asyncio.to_thread(request.app[SERVICES].runbook, name)
    if found is None:
        raise web.HTTPNotFound(text="there is no runbook of that name")
    text, policy = found
    headers = {"Content-Security-Policy": policy}
    return web.Response(text=text, content_type="text/html", headers=headers)
