"""`/webhooks/{source}`: what vendors send. The signature is the access, and nothing else is looked at."""

import ipaddress
import time
from collections.abc import Iterable

from aiohttp import web

from exporter.core.delivery import HeaderLines
from exporter.core.signature import IncomingRequest
from exporter.ingest.webhooks import RETRY_AFTER, IntakeAnswer
from exporter.net.addresses import Address
from exporter.server.body import read_body
from exporter.server.local import is_loopback, peer_of
from exporter.server.services import SERVICES

FORWARDED_FOR = "X-Forwarded-For"


async def webhook(request: web.Request) -> web.Response:
    """Take one webhook, or answer the sender's question whether the URL is ours."""
    intake = request.app[SERVICES].webhooks
    source = intake.source(request.match_info["source"]) if intake else None
    if intake is not None and not intake.ready:
        raise web.HTTPServiceUnavailable(
            text="the exporter starts; send it again", headers={"Retry-After": str(RETRY_AFTER)}
        )
    if intake is None or source is None:
        raise web.HTTPNotFound(text="there is no such source")
    asks = request.method == "GET" and intake.has_challenge(source)
    if request.method != "POST" and not asks:
        raise web.HTTPMethodNotAllowed(
            request.method, ["GET", "POST"] if intake.has_challenge(source) else ["POST"]
        )
    if asks:
        return _answer(intake.challenge(source, _incoming(request, b"")))
    body = await read_body(request, source.max_body_bytes)
    return _answer(await intake.receive(source, _incoming(request, body)))


def _incoming(request: web.Request, body: bytes) -> IncomingRequest:
    return IncomingRequest(
        request.method,
        _url(request),
        _headers(request),
        body,
        time.time(),
        sender_address(request),
    )


def _headers(request: web.Request) -> HeaderLines:
    """Return the lines as they came: aiohttp keeps their case, order and bytes."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers)


def _url(request: web.Request) -> str:
    """Return the whole URL that the sender called: `webhooks.public_url` leads to our own paths."""
    services = request.app[SERVICES]
    target = request.raw_path
    path = target if target.startswith("/") else "/" + target.partition("://")[2].partition("/")[2]
    public = services.webhooks.public_url if services.webhooks else ""
    if public:
        return public + path.removeprefix(services.paths.route_prefix)
    return f"{request.scheme}://{request.headers.get('Host', '')}{path}"


def sender_address(request: web.Request) -> str:
    """Return the address that a webhook came from, "" where it is unknown.

    A proxy on this machine, or one that the web configuration trusts, says whom it speaks for.
    """
    peer, lines = peer_of(request), request.headers.getall(FORWARDED_FOR, [])
    if not lines or peer is None or not _is_proxy(request, peer):
        return str(peer or "")
    hops = ",".join(lines).split(",")
    return _last_unknown_hop(request, (hop.strip() for hop in reversed(hops))) or str(peer)


def _last_unknown_hop(request: web.Request, hops: Iterable[str]) -> str:
    """Return the last hop that is no proxy of ours: what is before it, the sender wrote itself."""
    for hop in hops:
        try:
            address = ipaddress.ip_address(hop)
        except ValueError:
            return ""
        if not _is_proxy(request, address):
            return str(address)
    return ""


def _is_proxy(request: web.Request, address: Address) -> bool:
    proxy = request.app[SERVICES].web.current.proxy
    return is_loopback(address) or (
        proxy is not None and any(address in network for network in proxy.networks)
    )


def _answer(found: IntakeAnswer) -> web.Response:
    headers = {"Retry-After": str(found.retry_after)} if found.retry_after is not None else {}
    return web.Response(
        body=found.body, status=found.status, content_type=found.content_type, headers=headers
    )
