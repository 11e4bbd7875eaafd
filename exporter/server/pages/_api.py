"""What the API answers, read for a tab within the process.

A tab reads no store of its own: it asks the handler of a route, with the same query, by the same rule. So the
page cannot show what the API would refuse, and both narrow a list alike.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from exporter.server.pages._texts import TEXTS, fill
from exporter.server.route_table import ROUTE_TABLE, may_use
from exporter.server.services import SERVICES

PATIENCE = 5.0
"""Seconds for one part: a page that shows the rest is worth more than one that waits for all."""


@dataclass(frozen=True)
class Reading:
    """The JSON of a route, or why there is none: a sentence, "" where the caller may not know.

    `allowed` is False where the role of the caller does not suffice, so that a tab leaves the part out.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    allowed: bool = True

    def rows(self, key: str) -> list[dict[str, Any]]:
        """Return the list under `key`, empty where there is no answer."""
        return list(self.data.get(key) or ())


async def read(
    request: web.Request,
    path: str,
    query: Mapping[str, str] | None = None,
    seconds: float = PATIENCE,
    handler: Handler | None = None,
) -> Reading:
    """Return what `GET path?query` answers to the caller of `request`, without a way over the network.

    A `path` with a parameter has its `handler` given, which knows the parameter already.
    """
    if not may_use(request, "GET", path):
        return Reading(allowed=False)
    handler = handler or request.app[ROUTE_TABLE]["GET", path].handler
    given = {name: value for name, value in (query or {}).items() if value}
    url = URL(request.app[SERVICES].paths.route_prefix + path).with_query(given)
    try:
        answer = await asyncio.wait_for(handler(request.clone(method="GET", rel_url=url)), seconds)
    except web.HTTPException as error:
        return Reading(problem=error.text or error.reason)
    except TimeoutError:
        return Reading(problem=fill(TEXTS["frame"]["slow"], seconds=f"{seconds:g}"))
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        raise TypeError(f"{path} answers no JSON at once")
    return Reading(msgspec.json.decode(answer.body))


def choose(request: web.Request, *names: str, **more: str) -> dict[str, str]:
    """Return those parameters of the page's own query that a list takes as well, with `more`."""
    return {name: request.query[name] for name in names if request.query.get(name)} | more
