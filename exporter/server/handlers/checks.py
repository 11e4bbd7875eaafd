"""Checks on demand by HTTP."""

import structlog
from aiohttp import web

from exporter.server.access import IDENTITY
from exporter.server.answers import json_body
from exporter.server.audit import audit
from exporter.server.jobs import CHECKS
from exporter.server.rows import StatusFilter, visible_states
from exporter.server.services import SERVICES


async def start(request: web.Request) -> web.Response:
    """Check all targets, those of an integration, of a tenant, or one; many become a job."""
    services, identity = request.app[SERVICES], request[IDENTITY]
    choice = await _choice(request)
    targets = [state.target for state in await visible_states(services.board, identity, choice)]
    if not targets:
        raise web.HTTPNotFound(text="there is no such target")
    audit(request, "checks.started", choice.integration, tenant=choice.tenant, targets=len(targets))
    structlog.get_logger("exporter.web").info(
        "checks asked for",
        actor=identity.name,
        integration=choice.integration,
        tenant=choice.tenant,
        targets=len(targets),
    )
    return await request.app[CHECKS].answer(request, targets, background=False)


async def read(request: web.Request) -> web.Response:
    """Answer how far a job is, with the results so far."""
    return request.app[CHECKS].read(request)


async def _choice(request: web.Request) -> StatusFilter:
    body = await json_body(request)
    for name, value in body.items():
        if name not in ("integration", "tenant"):
            raise web.HTTPBadRequest(text="the body may have the keys integration and tenant only")
        if not isinstance(value, str):
            raise web.HTTPBadRequest(text=f"{name} must be a text")
    return StatusFilter(body.get("integration", ""), body.get("tenant", ""))
