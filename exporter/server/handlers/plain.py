"""Routes that exporter users expect: metrics, health, readiness, configuration, reload."""

import asyncio

import structlog
from aiohttp import web

from exporter.core.errors import ConfigError
from exporter.exposition import negotiate
from exporter.server.access import IDENTITY
from exporter.server.audit import audit
from exporter.server.services import SERVICES


async def metrics(request: web.Request) -> web.Response:
    """Answer a scrape in the format and coding that it accepts."""
    services = request.app[SERVICES]
    # A list may be spread over several header lines (RFC 9110, section 5.3).
    accept = ",".join(request.headers.getall("Accept", []))
    coding = ",".join(request.headers.getall("Accept-Encoding", []))
    wanted = negotiate(accept, coding)
    headers = {"Content-Type": wanted.content_type, "Vary": "Accept, Accept-Encoding"}
    if wanted.gzip:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=await services.render(wanted.openmetrics, wanted.gzip), headers=headers)


async def healthy(_request: web.Request) -> web.Response:
    """Say that the process answers."""
    return web.Response(text="The exporter is healthy.\n")


async def ready(request: web.Request) -> web.Response:
    """Say whether every part runs."""
    waits_for = request.app[SERVICES].ready()
    if waits_for:
        return web.Response(text=f"The exporter is not ready: {waits_for}\n", status=503)
    return web.Response(text="The exporter is ready.\n")


async def configuration(request: web.Request) -> web.Response:
    """Show the running configuration with stars for every secret."""
    text = request.app[SERVICES].configuration().redacted_text
    return web.Response(text=text, content_type="text/yaml", charset="utf-8")


async def reload(request: web.Request) -> web.Response:
    """Load the configuration and the web configuration again; on any mistake nothing changes."""
    services, actor = request.app[SERVICES], request[IDENTITY].name
    log = structlog.get_logger("exporter.web")
    try:
        access = await asyncio.to_thread(services.web.read)  # read first, used last: all or nothing
        await services.reload()
    except ConfigError as error:
        audit(request, "configuration.reloaded", "configuration", outcome="failure")
        log.warning("reload refused", actor=actor, mistakes=[str(mistake) for mistake in error.mistakes])
        raise web.HTTPInternalServerError(
            text="the configuration was not changed:\n" + "\n".join(map(str, error.mistakes))
        ) from None
    services.web.use(access)
    audit(request, "configuration.reloaded", "configuration")
    log.info("reload done", actor=actor)
    return web.Response(text="The configuration was loaded.\n")
