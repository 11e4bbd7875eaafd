"""Refuses bodies that name a tenant or an alert that there is not: it would be done, and concern nobody."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy import Connection, select

from exporter.core.errors import StoreError
from exporter.core.event_summary import TOPICS
from exporter.core.store import Filter
from exporter.registry import actions, catalogue
from exporter.server.access import IDENTITY
from exporter.server.services import SERVICES
from exporter.server.unknown import any_of, known_tenants, sentence
from exporter.server.web_config.settings import AllowedTenants
from exporter.store.errors import UnwritableError
from exporter.store.subjects import deliveries, notices, ratelimit_summaries

_ALERT = re.compile(r"""^[ \t-]*["']?alert["']?[ \t]*:[ \t]*["']?([^"'\s#]+)""", re.MULTILINE)
"""An alert in a rule file, which was parsed when the configuration was loaded."""


async def refuse_unknown_tenants(request: web.Request, tenants: Iterable[str]) -> None:
    """Raise 400 for a tenant that has no target and no endpoint, and of which nothing is stored.

    What the caller may not know of is not there.
    """
    named = sorted(set(filter(None, tenants)))
    if not named:
        return
    known, sees = known_tenants(request), request[IDENTITY].sees
    for tenant in named:
        is_there = sees(tenant) and (tenant in known or await _is_stored(request, partial(_had, tenant)))
        if not is_there:
            raise web.HTTPBadRequest(text=sentence("tenant", tenant, known))


async def refuse_unknown_alerts(request: web.Request, alerts: Collection[str]) -> None:
    """Raise 400 for an alert of no rule that the exporter knows, and that is not in the history."""
    configuration = request.app[SERVICES].configuration()
    known = catalogue().alerts | {one.name for one in configuration.alerts}
    for file in configuration.rule_files:
        known |= set(_ALERT.findall(file.text))
    for alert in sorted(set(alerts) - known):
        if not await _is_stored(request, partial(_fired, alert, request[IDENTITY].tenants)):
            raise web.HTTPBadRequest(
                text=f"{sentence('alert', alert, known)}; one of a rule elsewhere is known once it has fired"
            )


async def refuse_unknown_deliveries(request: web.Request, body: Mapping[str, Any]) -> None:
    """Raise 400 for an endpoint, a type or a kind of deliveries that there is not, and that none ever had."""
    identity, directory = request[IDENTITY], request.app[SERVICES].endpoints
    entries = directory.entries() if directory else ()
    names = {one.endpoint.name for one in entries if identity.sees(one.endpoint.tenant)}
    for name, known in (("endpoint", names), ("kind", set(actions())), ("type", set[str]())):
        word = body.get(name, "")
        which = Filter(tenants=identity.tenants, fields=((name, word),))
        if word and word not in known and not await _is_stored(request, partial(_carried, which)):
            raise web.HTTPBadRequest(text=sentence(name, word, known))


def _carried(which: Filter, connection: Connection) -> bool:
    return bool(deliveries.query(connection, which, 1).rows)


def _had(tenant: str, connection: Connection) -> bool:
    """Return whether anything is stored of a tenant: of its checks, its events, or what limits counted."""
    table = ratelimit_summaries.TABLE
    counted = select(table.c.tenant).where(table.c.tenant == tenant).limit(1)
    return (
        any_of(connection, Filter(tenant=tenant), TOPICS) or connection.execute(counted).first() is not None
    )


def _fired(alert: str, tenants: AllowedTenants, connection: Connection) -> bool:
    return bool(notices.query(connection, Filter(tenants=tenants, fields=(("alert", alert),)), 1).rows)


async def _is_stored(request: web.Request, look: Callable[[Connection], Any]) -> bool:
    try:
        return bool(await request.app[SERVICES].read_store(look))
    except UnwritableError:
        return False  # what the database cannot take is not in it
    except StoreError:
        # Who handles an incident is not held up by a store that is away.
        return True
