"""`/api/v1/events`: what apps report."""

from dataclasses import asdict

from aiohttp import web

from exporter.core.errors import ProbeError, StoreError
from exporter.ingest.event_parser import BodyError
from exporter.ingest.events import IntakeResult
from exporter.net.unpack import unpacker
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer
from exporter.server.body import read_body
from exporter.server.services import SERVICES

MOST_BYTES = 1 << 20
"""Bytes of a body, as it is sent and unpacked."""

RETRY_AFTER = "5"


async def report(request: web.Request) -> web.Response:
    """Take events: 202 where all were taken, 207 where some were refused, 400 where all were."""
    intake = request.app[SERVICES].events
    if intake is None:
        raise web.HTTPServiceUnavailable(
            text="events are not taken yet", headers={"Retry-After": RETRY_AFTER}
        )
    body = _unpack(await read_body(request, MOST_BYTES), request.headers.get("Content-Encoding", ""))
    try:
        result = await intake.receive(body, request.content_type.lower(), request[IDENTITY].tenants)
    except BodyError as error:
        return json_answer({"error": str(error), "status": error.status}, status=error.status)
    except StoreError as error:
        raise web.HTTPServiceUnavailable(
            text=f"the events were not stored: {error}", headers={"Retry-After": RETRY_AFTER}
        ) from None
    return json_answer(asdict(result), status=status_of(result))


def status_of(result: IntakeResult) -> int:
    """Return 202 where all were taken, 207 where some were, 400 where none was."""
    if not result.rejected:
        return 202
    return 207 if result.accepted or result.duplicates else 400


def _unpack(body: bytes, encoding: str) -> bytes:
    """Return `body` without its encoding; what unpacks to more than the limit is refused before it does."""
    if not encoding:
        return body
    reader, unknown = unpacker(encoding)
    if unknown:
        raise web.HTTPUnsupportedMediaType(text="send the body as it is, or with gzip")
    try:
        found = reader.feed(body, MOST_BYTES)
        if len(found) > MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(MOST_BYTES, text=f"the body has more than {MOST_BYTES} bytes")
        reader.finish()
    except ProbeError:
        raise web.HTTPBadRequest(text="the body cannot be read by its Content-Encoding") from None
    return found
