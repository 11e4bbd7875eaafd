"""The JSON answers that come from the board and the memory; they never call a vendor."""

from collections.abc import Iterable
from typing import Any, TypeVar

from aiohttp import web

from exporter.core.store import Failure, StateChange
from exporter.server.access import IDENTITY, Identity
from exporter.server.answers import json_answer, whole_number
from exporter.server.query import format_of, row_limit
from exporter.server.rows import StatusFilter, counts, in_turns, most_urgent, target_row, visible_states
from exporter.server.services import SERVICES
from exporter.server.status import StatusSums
from exporter.server.stream import export_rows, portions
from exporter.server.unknown import refuse_unknown
from exporter.store.subjects.changes import change_json
from exporter.store.subjects.failures import failure_json

MOST_ROWS = 10_000
MOST_EVENTS = 1000
ROWS_OF_A_TURN = 250
COLUMNS = (
    *("integration", "tenant", "provider", "critical", "status", "reason", "detail", "since", "last_run"),
    *("last_success", "next_run", "consecutive_failures", "duration_seconds", "interval_seconds", "labels"),
)


async def status(request: web.Request) -> web.Response:
    """Answer every integration and all of them in one word, for all tenants or for one."""
    return json_answer(await read_status(request))


async def read_status(request: web.Request) -> dict[str, Any]:
    """Return every integration, and all of them in one word; 404 for a tenant that has no target."""
    services, identity = request.app[SERVICES], request[IDENTITY]
    tenant = request.query.get("tenant", "")
    states = await visible_states(services.board, identity, StatusFilter(tenant=tenant))
    if tenant and not states:
        raise web.HTTPNotFound(text="no target has this tenant")
    narrowed = tenant or identity.tenants is not None
    configuration = services.configuration()
    shard = configuration.shard
    # An integration without targets has no tenant, so it is left out where one is asked for.
    every = [] if narrowed else configuration.integrations
    named = [(one.name, one.probe.name, one.critical) for one in every if one.name not in shard.integrations]
    sums = StatusSums(named)
    async for portion in in_turns(states):
        sums.add(portion)
    answer = sums.answer()
    if shard.count > 1:  # a client must not take a part for the whole
        answer["shard"] = {"index": shard.index, "count": shard.count}
    return answer


async def targets(request: web.Request) -> web.StreamResponse:
    """Answer a page of targets, failing ones first, or all of them as a table."""
    await refuse_unknown(request)
    chosen = await visible_states(request.app[SERVICES].board, request[IDENTITY], StatusFilter.of(request))
    offset = whole_number(request, "offset", 0, 10_000_000)
    listed = format_of(request) == "json"
    limit = whole_number(request, "limit", 500, MOST_ROWS) if listed else row_limit(request)
    page = most_urgent(chosen, min(offset + limit, len(chosen)))[offset:]
    rows: list[dict[str, Any]] = []
    async for portion in in_turns(page, ROWS_OF_A_TURN):
        rows += map(target_row, portion)
    if not listed:
        return await export_rows(request, COLUMNS, portions(rows))
    return json_answer({"counts": counts(chosen), "offset": offset, "targets": rows})


async def history(request: web.Request) -> web.Response:
    """Answer the newest state changes and failures, each failure with its log."""
    await refuse_unknown(request, stored=True)
    services, identity, choice = request.app[SERVICES], request[IDENTITY], StatusFilter.of(request)
    limit = whole_number(request, "limit", 100, MOST_EVENTS)
    changes = services.history.recent_changes(limit=MOST_EVENTS)
    return json_answer(
        {
            "changes": [change_json(one) for one in _newest(changes, identity, choice, limit)],
            "failures": newest_failures(request, choice, limit),
        }
    )


def newest_failures(request: web.Request, choice: StatusFilter, limit: int) -> list[dict[str, Any]]:
    """Return the newest failures that the caller may know of and `choice` asks for, each with its log."""
    found = request.app[SERVICES].history.recent_failures(limit=MOST_EVENTS)
    return [failure_json(one) for one in _newest(found, request[IDENTITY], choice, limit)]


Event = TypeVar("Event", StateChange, Failure)


def _newest(found: Iterable[Event], identity: Identity, choice: StatusFilter, limit: int) -> list[Event]:
    fits = [
        one
        for one in found
        if identity.sees(one.key[1])
        and choice.integration in ("", one.key[0])
        and choice.tenant in ("", one.key[1])
    ]
    return fits[:limit]
