"""`/app/w.js` and `/app/w`: what pages in browsers report, from anywhere. Names that no ad blocker knows."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from aiohttp import web

from exporter.core.event_settings import BeaconSite
from exporter.exposition import negotiate
from exporter.ingest.event_parser import BodyError
from exporter.ingest.events import EventIntake
from exporter.server.answers import json_answer
from exporter.server.body import read_body
from exporter.server.handlers.events import status_of
from exporter.server.handlers.webhooks import sender_address
from exporter.server.services import SERVICES

MOST_BYTES = 64 * 1024
SCRIPT = Path(__file__).with_name("beacon.js")
KEY = "k"
MEDIA_TYPES = ("text/plain", "application/json")
"""sendBeacon sends a text as text/plain, for which browsers ask no leave first."""

RETRY_AFTER = "60"
_SAMPLE = b"var SAMPLE = 1;"
_ANY_SITE = {"Cross-Origin-Resource-Policy": "cross-origin"}


async def script(request: web.Request) -> web.Response:
    """Answer the script with the sample of the site; browsers keep it for an hour, and ask by its ETag."""
    intake = request.app[SERVICES].events
    site = intake.beacon.site(request.query.get(KEY, "")) if intake else None
    coding = ",".join(request.headers.getall("Accept-Encoding", []))
    packed = negotiate("", coding).gzip
    body, tag = _script(site.sample if site else 1.0, packed)
    headers = {
        **_ANY_SITE,
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
        "ETag": f'"{tag}"',
        "Vary": "Accept-Encoding",
    }
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, content_type="text/javascript", charset="utf-8", headers=headers)


async def report(request: web.Request) -> web.Response:
    """Take events of a page, or say to a browser that it may send some (OPTIONS)."""
    intake = request.app[SERVICES].events
    site = _site(intake, request)
    if intake is None or site is None:
        # One answer for all that is wrong: it says nothing of keys and origins.
        raise web.HTTPForbidden(text="this page may not report here", headers={"Vary": "Origin"})
    headers = {**_ANY_SITE, "Access-Control-Allow-Origin": request.headers["Origin"], "Vary": "Origin"}
    if request.method == "OPTIONS":
        return web.Response(status=204, headers={**headers, **_PREFLIGHT})
    try:
        return await _take(intake, site, request, headers)
    except web.HTTPException as error:
        error.headers.update(headers)
        raise


_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "7200",
}


def _site(intake: EventIntake | None, request: web.Request) -> BeaconSite | None:
    if intake is None:
        return None
    origins = request.headers.getall("Origin", [])
    site = intake.beacon.site_of_page(request.query.get(KEY, ""), origins[0]) if len(origins) == 1 else None
    if site is None:
        intake.refuse("unknown_page")
    return site


async def _take(
    intake: EventIntake, site: BeaconSite, request: web.Request, headers: Mapping[str, str]
) -> web.Response:
    address = sender_address(request)
    if request.content_type not in MEDIA_TYPES:
        raise web.HTTPUnsupportedMediaType(text=f"send {' or '.join(MEDIA_TYPES)}")
    if not intake.beacon.has_room(address):
        intake.refuse("rate_limited")
        raise web.HTTPTooManyRequests(
            text="too many events; wait a minute", headers={"Retry-After": RETRY_AFTER}
        )
    body = await read_body(request, MOST_BYTES)
    try:
        result = await intake.receive_page(body, site, address)
    except BodyError as error:
        more = {"Retry-After": RETRY_AFTER} if error.status == 429 else {}
        return json_answer(
            {"error": str(error), "status": error.status}, status=error.status, **headers, **more
        )
    return json_answer(asdict(result), status=status_of(result), **headers)


@lru_cache(maxsize=64)
def _script(sample: float, packed: bool) -> tuple[bytes, str]:
    """Return the script and its ETag, which differs where the bytes differ (RFC 9110, section 8.8.3)."""
    body = SCRIPT.read_bytes().replace(_SAMPLE, f"var SAMPLE = {sample!r};".encode())
    tag = hashlib.sha256(body).hexdigest()[:16]
    return (gzip.compress(body, 9, mtime=0), f"{tag}-gzip") if packed else (body, tag)
