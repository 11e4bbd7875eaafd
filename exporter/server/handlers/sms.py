"""`POST /api/v1/sms`: what Alertmanager sends for phones."""

from dataclasses import asdict

from aiohttp import web

from exporter.core.errors import StoreError
from exporter.notices.payload import PayloadError
from exporter.server.answers import json_answer
from exporter.server.body import read_body
from exporter.server.handlers.notices import MOST_BYTES, unavailable
from exporter.server.services import SERVICES


async def receive(request: web.Request) -> web.Response:
    """Store a text message: 200 once it is on the disk, 503 where it is not, to be sent again."""
    intake = request.app[SERVICES].sms
    if intake is None:
        raise unavailable("text messages are not taken yet")
    body = await read_body(request, MOST_BYTES)
    try:
        result = await intake.receive(body)
    except PayloadError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except StoreError as error:
        raise unavailable(f"the text message was not stored: {error}") from None
    return json_answer(asdict(result))
