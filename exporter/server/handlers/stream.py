"""`/api/v1/stream`: what changes, as server-sent events
(https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from aiohttp import web

from exporter.server.access import ACCESS, IDENTITY, AccessRule, Identity
from exporter.server.change_stream import STREAMS
from exporter.server.web_config.settings import Role

RULE = AccessRule(Role.VIEWER, narrow=True)


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer an event `change` whenever something changes that the caller may know of."""

    async def judge() -> Identity:
        return await request.app[ACCESS].admit(request, RULE)

    return await request.app[STREAMS].serve(request, request[IDENTITY], judge)
