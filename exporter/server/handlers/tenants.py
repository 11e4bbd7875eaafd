"""Tenants, each with its integrations, from memory."""

from typing import Any

from aiohttp import web

from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, whole_number
from exporter.server.query import format_of, row_limit, time_of
from exporter.server.rows import StatusFilter, in_turns, visible_states
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions
from exporter.server.tenants import COLUMNS, TenantRows
from exporter.server.unknown import refuse_unknown


async def tenants(request: web.Request) -> web.StreamResponse:
    """Answer tenants with their integrations, those that fail first."""
    await refuse_unknown(request)
    found = TenantRows(time_of(request, "since"))
    services, identity = request.app[SERVICES], request[IDENTITY]
    async for portion in in_turns(await visible_states(services.board, identity, StatusFilter.of(request))):
        found.add(portion)
    offset = whole_number(request, "offset", 0, 10_000_000)
    limit, names = row_limit(request), found.names()
    page: list[dict[str, Any]] = []
    async for portion_of_names in in_turns(names[offset : offset + limit]):
        page += found.rows(portion_of_names)
    if format_of(request) != "json":
        return await export_rows(request, COLUMNS, portions(page))
    after = offset + limit
    answer = {"tenants": page, "total": len(names), "next_offset": after if after < len(names) else None}
    if identity.tenants is None:  # rows of all tenants are spoken of
        answer["warnings"] = list(services.tenant_warnings())
    return json_answer(answer)
