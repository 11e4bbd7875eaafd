"""What answers the route of a stored list: a page as JSON, or all that is stored as CSV or NDJSON."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.core.clock import iso
from exporter.core.errors import StoreError
from exporter.core.listing import Listing
from exporter.core.store import Filter, Page
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, whole_number
from exporter.server.audit import audit
from exporter.server.query import MOST_ROWS, cursor_text, filter_of, format_of, row_limit
from exporter.server.services import SERVICES, StoreReader
from exporter.server.stream import PORTION, Rows, export_rows, store_unavailable
from exporter.server.unknown import refuse_unknown, sentence

_END: Page[Any] = Page(())


def list_handler(listing: Listing[Any]) -> Handler:
    """Return what answers the route of `listing`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        which = filter_of(request, listing.filters, listing.choices)
        read_store = services.read_store
        limit = row_limit(request)
        skip = whole_number(request, "offset", 0, 10_000_000) if listing.skips else 0
        if request.query.get("integration") and "integration" not in listing.parameters:
            # An empty list would read as "all is well".
            raise web.HTTPBadRequest(text=f"{listing.name} have no integration")
        await refuse_unknown(request, stored=True, listing=listing)
        await _refuse_unusual(request, listing)
        if listing.buffered:
            # Else an event of the last seconds would still be missing.
            await services.flush()
        start = await _skip(read_store, listing, which, skip)
        if listing.exports_audited and format_of(request) != "json" and limit > MOST_ROWS:
            _audit_export(request, listing, which)
        if format_of(request) != "json":
            return await export_rows(request, listing.columns, _pages(read_store, listing, start, limit))
        page = await _page(read_store, listing, start, limit) if start else _END
        found: dict[str, Any] = {
            listing.key: list(map(listing.row, page.rows)),
            "next": cursor_text(page.next),
        }
        return json_answer(found | {"offset": skip} if listing.skips else found)

    return answer


async def _refuse_unusual(request: web.Request, listing: Listing[Any]) -> None:
    """Raise 404 for a word that is not usual and that no row has: an empty list would read as "none"."""
    services, tenants = request.app[SERVICES], request[IDENTITY].tenants
    for name, words in listing.usual.items():
        word = request.query.get(name, "")
        if word and word not in words:
            if listing.buffered:
                await services.flush()
            which = Filter(tenants=tenants, fields=((name, word),))
            if not (await _page(services.read_store, listing, which, 1)).rows:
                raise web.HTTPNotFound(text=sentence(name, word, words))


def _audit_export(request: web.Request, listing: Listing[Any], which: Filter) -> None:
    """Keep who takes out rows, and which; names of people are not written down once more."""
    span: dict[str, Any] = {"since": iso(which.since), "until": iso(which.until)}
    narrowed = sorted(name for name, _ in which.fields)
    audit(request, f"{listing.name}.exported", listing.path, **span, format=format_of(request), by=narrowed)


async def _skip(read_store: StoreReader, listing: Listing[Any], which: Filter, count: int) -> Filter | None:
    """Return `which` from behind its first `count` records on, None where nothing is there."""
    while count > 0:
        page = await _page(read_store, listing, which, min(PORTION, count))
        if page.next is None:
            return None
        count -= PORTION
        which = replace(which, after=page.next)
    return which


async def _pages(
    read_store: StoreReader, listing: Listing[Any], which: Filter | None, limit: int
) -> AsyncIterator[Rows]:
    while which is not None and limit > 0:
        page = await _page(read_store, listing, which, min(PORTION, limit))
        yield list(map(listing.row, page.rows))
        limit -= PORTION
        which = replace(which, after=page.next) if page.next else None


async def _page(read_store: StoreReader, listing: Listing[Any], which: Filter, limit: int) -> Page[Any]:
    try:
        return await read_store(lambda connection: listing.query(connection, which, limit))
    except StoreError as error:
        raise store_unavailable(error) from None
