"""Tenants, each with its integrations, from memory."""

import asyncio

from aiohttp import web

from exporter.engine.board import TargetState
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, whole_number
from exporter.server.query import format_of, row_limit, time_of
from exporter.server.rows import StatusFilter
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions
from exporter.server.tenants import COLUMNS, by_tenant
from exporter.server.unknown import refuse_unknown

TURN = 2000
"""Targets that are looked at before others have their turn on the loop."""


async def tenants(request: web.Request) -> web.StreamResponse:
    """Answer tenants with their integrations, those that fail first."""
    await refuse_unknown(request)
    rows = by_tenant(await _visible(request), time_of(request, "since"))
    offset = whole_number(request, "offset", 0, 10_000_000)
    limit = row_limit(request)
    page = rows[offset : offset + limit]
    if format_of(request) != "json":
        return await export_rows(request, COLUMNS, portions(page))
    after = offset + limit
    answer = {"tenants": page, "total": len(rows), "next_offset": after if after < len(rows) else None}
    if request[IDENTITY].tenants is None:  # rows of all tenants are spoken of
        answer["warnings"] = list(request.app[SERVICES].tenant_warnings())
    return json_answer(answer)


async def _visible(request: web.Request) -> list[TargetState]:
    """Return the states that the caller may know of and asks for, in turns with others on the loop."""
    choice, identity = StatusFilter.of(request), request[IDENTITY]
    found: list[TargetState] = []
    for count, state in enumerate(request.app[SERVICES].board.states()):
        if identity.sees(state.target.tenant) and choice(state):
            found.append(state)
        # Scrapes and probes share this loop: a walk over many targets must not hold it.
        if count % TURN == TURN - 1:
            await asyncio.sleep(0)
    return found
