"""What the application knows of its own routes: who may use one, and what answers it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.server.access import IDENTITY, AccessRule


@dataclass(frozen=True)
class GuardedHandler:
    """What answers a route, and to whom."""

    handler: Handler
    rule: AccessRule


ROUTE_TABLE: web.AppKey[Mapping[tuple[str, str], GuardedHandler]] = web.AppKey("route_table")
"""By method and path, without a prefix."""


def may_use(request: web.Request, method: str, path: str) -> bool:
    """Return whether there is such a route and the caller of `request` gets an answer by it."""
    found = request.app[ROUTE_TABLE].get((method, path))
    return found is not None and found.rule.admits(request[IDENTITY])
