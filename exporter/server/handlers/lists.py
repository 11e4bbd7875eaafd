"""Lists of what is stored, in pages and as exports: failed checks, changes of state, tenants."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import web

from exporter.core.errors import StoreError
from exporter.core.store import Failure, Filter, Page, StateChange, Store
from exporter.engine.board import TargetState
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, whole_number
from exporter.server.handlers.board import change_row, failure_row
from exporter.server.query import cursor_text, filter_of, form, moment, rows_wanted
from exporter.server.rows import StatusFilter
from exporter.server.services import SERVICES, Services
from exporter.server.stream import Rows, exported, unavailable
from exporter.server.tenants import COLUMNS as TENANT_COLUMNS
from exporter.server.tenants import by_tenant
from exporter.server.unknown import refuse_unknown

PORTION = 1000
"""Rows of an export that are read and written at a time."""

TURN = 2000
"""Targets that are looked at before others have their turn on the loop."""

Event = TypeVar("Event", StateChange, Failure)
Ask = Callable[[Store, Filter, int], Page[Event]]

CHANGE_COLUMNS = (
    *("at", "integration", "tenant", "provider", "before", "status", "reason", "detail", "trace_id"),
    "replica",
)
FAILURE_COLUMNS = (
    *("at", "integration", "tenant", "provider", "reason", "meaning", "detail", "duration_seconds"),
    *("http_status", "trace_id", "replica", "log"),
)


async def errors(request: web.Request) -> web.StreamResponse:
    """Answer failed checks, the newest first."""

    def ask(store: Store, which: Filter, limit: int) -> Page[Failure]:
        return store.failures(which, limit=limit)

    return await _list(request, "errors", FAILURE_COLUMNS, ask, failure_row)


async def changes(request: web.Request) -> web.StreamResponse:
    """Answer changes of state, the newest first."""

    def ask(store: Store, which: Filter, limit: int) -> Page[StateChange]:
        return store.changes(which, limit=limit)

    return await _list(request, "changes", CHANGE_COLUMNS, ask, change_row)


async def tenants(request: web.Request) -> web.StreamResponse:
    """Answer tenants with their integrations, those that fail first."""
    await refuse_unknown(request)
    rows = by_tenant(await _visible(request), moment(request, "since"))
    offset = whole_number(request, "offset", 0, 10_000_000)
    limit = rows_wanted(request)
    page = rows[offset : offset + limit]
    if form(request) != "json":
        return await exported(request, TENANT_COLUMNS, _portions(page))
    after = offset + limit
    answer = {"tenants": page, "total": len(rows), "next_offset": after if after < len(rows) else None}
    if request[IDENTITY].tenants is None:  # rows of all tenants are spoken of
        answer["warnings"] = list(request.app[SERVICES].tenant_warnings())
    return json_answer(answer)


async def _list(
    request: web.Request,
    name: str,
    columns: tuple[str, ...],
    ask: Ask[Event],
    row: Callable[[Event], dict[str, Any]],
) -> web.StreamResponse:
    services, which, limit = request.app[SERVICES], filter_of(request), rows_wanted(request)
    await refuse_unknown(request, stored=True)
    if form(request) != "json":
        return await exported(request, columns, _pages(services, which, limit, ask, row))
    page = await _page(services, which, limit, ask)
    return json_answer({name: [row(one) for one in page.rows], "next": cursor_text(page.next)})


async def _pages(
    services: Services, which: Filter, limit: int, ask: Ask[Event], row: Callable[[Event], dict[str, Any]]
) -> AsyncIterator[Rows]:
    left = limit
    while left > 0:
        page = await _page(services, which, min(PORTION, left), ask)
        yield [row(one) for one in page.rows]
        if page.next is None:
            return
        left -= PORTION
        which = replace(which, after=page.next)


async def _page(services: Services, which: Filter, limit: int, ask: Ask[Event]) -> Page[Event]:
    try:
        return await services.read_store(lambda store: ask(store, which, limit))
    except StoreError as error:
        raise unavailable(error) from None


async def _portions(rows: list[dict[str, Any]]) -> AsyncIterator[Rows]:
    for start in range(0, len(rows), PORTION):
        yield rows[start : start + PORTION]


async def _visible(request: web.Request) -> list[TargetState]:
    """Return the states that the caller may know of and asks for, in turns with others on the loop."""
    choice, identity = StatusFilter.of(request), request[IDENTITY]
    found: list[TargetState] = []
    for count, state in enumerate(request.app[SERVICES].board.states()):
        if identity.sees(state.target.tenant) and choice(state):
            found.append(state)
        if count % TURN == TURN - 1:
            await asyncio.sleep(0)
    return found
