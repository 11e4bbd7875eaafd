"""Checks on demand by HTTP."""

import asyncio

import structlog
from aiohttp import web

from exporter.core.probe import Target
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, json_body
from exporter.server.checks import AT_MOST_INLINE, JOBS, check_one, summary
from exporter.server.handlers.board import visible_states
from exporter.server.rows import StatusFilter
from exporter.server.services import SERVICES


async def start(request: web.Request) -> web.Response:
    """Check all targets, those of an integration, of a tenant, or one; many become a job."""
    parts, identity = request.app[SERVICES], request[IDENTITY]
    choice = await _choice(request)
    targets: list[Target] = [state.target for state in visible_states(parts, identity, choice)]
    if not targets:
        raise web.HTTPNotFound(text="there is no such target")
    structlog.get_logger("exporter.web").info(
        "checks asked for",
        actor=identity.name,
        integration=choice.integration,
        tenant=choice.tenant,
        targets=len(targets),
    )
    if len(targets) > AT_MOST_INLINE:
        return _as_job(request, targets)
    rows = await asyncio.gather(*(check_one(parts.check_now, target) for target in targets))
    return json_answer({"checks": rows, "summary": summary(rows)})


async def read(request: web.Request) -> web.Response:
    """Answer how far a job is, with the results so far."""
    job = request.app[JOBS].get(request.match_info["id"])
    if job is None or not job.visible_to(request[IDENTITY]):
        raise web.HTTPNotFound(text="there is no such job; the last ones are kept until the next start")
    return json_answer(job.answer())


async def _choice(request: web.Request) -> StatusFilter:
    body = await json_body(request)
    for name, value in body.items():
        if name not in ("integration", "tenant"):
            raise web.HTTPBadRequest(text="the body may have the keys integration and tenant only")
        if not isinstance(value, str):
            raise web.HTTPBadRequest(text=f"{name} must be a text")
    return StatusFilter(body.get("integration", ""), body.get("tenant", ""))


def _as_job(request: web.Request, targets: list[Target]) -> web.Response:
    job = request.app[JOBS].start(targets, request[IDENTITY].name)
    if job is None:
        raise web.HTTPTooManyRequests(
            text="other jobs are still running; ask again when they are done", headers={"Retry-After": "10"}
        )
    place = request.app[SERVICES].paths.link(f"/api/v1/checks/{job.id}")
    return json_answer(job.answer(), 202, Location=place)
