"""`POST /api/v1/notices`: what Alertmanager sends."""

from dataclasses import asdict

from aiohttp import web

from exporter.core.errors import StoreError
from exporter.notices.payload import PayloadError
from exporter.server.answers import json_answer
from exporter.server.body import read_body
from exporter.server.services import SERVICES

MOST_BYTES = 64 << 20
"""Bytes of a message: ten thousand alerts of 6 KB each."""

RETRY_AFTER = "10"


async def receive(request: web.Request) -> web.Response:
    """Store a message: 200 once it is on the disk, 503 where it is not, for Alertmanager to send it again."""
    intake = request.app[SERVICES].notices
    if intake is None:
        raise unavailable("notices are not taken yet")
    body = await read_body(request, MOST_BYTES)
    try:
        result = await intake.receive(body)
    except PayloadError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except StoreError as error:
        raise unavailable(f"the notices were not stored: {error}") from None
    return json_answer(asdict(result))


def unavailable(text: str) -> web.HTTPException:
    """Return the answer by which Alertmanager sends a message again."""
    # Alertmanager tries again by a plan of its own; the header is for others.
    return web.HTTPServiceUnavailable(text=text, headers={"Retry-After": RETRY_AFTER})
