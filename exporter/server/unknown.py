"""Refuses unknown names: an empty list would read as "all is well" where a name was mistyped."""

from collections.abc import Collection
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.errors import StoreError
from exporter.core.hours import last_hours
from exporter.core.listing import Listing
from exporter.core.store import Filter, Window
from exporter.server.access import IDENTITY
from exporter.server.answers import closest
from exporter.server.services import SERVICES
from exporter.store.subjects import changes, event_summaries, failures, summaries

MOST_DAYS = 100
"""Days back in which the summaries of a target that is gone are looked for."""


async def refuse_unknown(
    request: web.Request,
    *,
    stored: bool = False,
    listing: Listing[Any] | None = None,
    topics: Collection[str] = (),
) -> None:
    """Raise 404 where the query names an integration or a tenant that there is not, with the closest one.

    What the caller may not know of is not there. With `stored`, targets that are gone still count as long as
    the store has something of them, in `listing` and in summaries of events of `topics` as well.
    """
    said = _wrong(request)
    if said and not (stored and await _was_there(request, listing, topics)):
        raise web.HTTPNotFound(text=said)


def _wrong(request: web.Request) -> str:
    integration, tenant = (request.query.get(name, "") for name in ("integration", "tenant"))
    if _is_here(request, integration, tenant):
        return ""
    keys = _keys(request)
    names = {name for name, _ in keys}
    if request[IDENTITY].tenants is None:
        names |= {one.name for one in request.app[SERVICES].configuration().integrations}
    if integration and integration not in names:
        return sentence("integration", integration, names)
    tenants = known_tenants(request)
    if tenant and tenant not in tenants:
        return sentence("tenant", tenant, tenants)
    if integration and tenant and (integration, tenant) not in keys:
        return f"{integration} has no tenant {tenant!r}"
    return ""


def _is_here(request: web.Request, integration: str, tenant: str) -> bool:
    """Return whether all that is named is there, as nearly always, without a set of thousands of names."""
    services, identity = request.app[SERVICES], request[IDENTITY]
    if tenant and not identity.sees(tenant):
        return False
    if integration and tenant:
        return services.board.get((integration, tenant)) is not None
    if integration:
        known = (one.name for one in services.configuration().integrations)
        return identity.tenants is None and integration in known
    return not tenant or any(state.target.tenant == tenant for state in services.board)


def _keys(request: web.Request) -> set[tuple[str, str]]:
    services, identity = request.app[SERVICES], request[IDENTITY]
    # Targets of other shards exist, too: asking the wrong shard is not a mistyped name.
    here = {state.target.key for state in services.board.states()}
    return {key for key in here | services.configuration().shard.elsewhere if identity.sees(key[1])}


def _tenants_with_endpoints(request: web.Request) -> set[str]:
    """Return the tenants that get webhooks: some have no target."""
    directory, identity = request.app[SERVICES].endpoints, request[IDENTITY]
    found = {entry.endpoint.tenant for entry in directory.entries()} if directory else set()
    return {tenant for tenant in found if tenant and identity.sees(tenant)}


def known_tenants(request: web.Request) -> set[str]:
    """Return the tenants with a target or an endpoint, those that the caller may know of."""
    return {tenant for _, tenant in _keys(request) if tenant} | _tenants_with_endpoints(request)


def sentence(what: str, name: str, known: Collection[str]) -> str:
    """Return that there is no such `what`, with those of `known` that were probably meant."""
    return f"there is no {what} {name!r}{closest(name, known)}"


def any_of(connection: Connection, which: Filter, topics: Collection[str]) -> bool:
    """Return whether there are failed checks, changes of state, or events of `topics`; this may block."""
    return bool(
        failures.query(connection, which, 1).rows
        or changes.query(connection, which, 1).rows
        or event_summaries.has(connection, which, topics)
    )


async def _was_there(request: web.Request, listing: Listing[Any] | None, topics: Collection[str]) -> bool:
    """Return whether the store has anything of it: a target that was removed leaves its history."""
    services, query = request.app[SERVICES], request.query
    which = Filter(
        integration=query.get("integration", ""),
        tenant=query.get("tenant") or None,
        tenants=request[IDENTITY].tenants,
    )
    window = Window(*last_hours(services.now(), MOST_DAYS * 24), ("integration",), which)

    def look(connection: Connection) -> bool:
        return bool(
            (listing is not None and listing.query(connection, which, 1).rows)
            or summaries.statistics(connection, window, limit=1)
            or any_of(connection, which, topics)
        )

    try:
        return await services.read_store(look)
    except StoreError:
        return False
