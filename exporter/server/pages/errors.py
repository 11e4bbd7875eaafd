"""The tab of errors: failed checks out of the store, each with its log."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.reason import Reason
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._pages import ROWS
from exporter.server.pages._texts import TEXTS

FILTERS = ("integration", "tenant", "reason", "since", "until")


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return a page of failed checks, the newest first."""
    asked = choose(request, *FILTERS)
    errors = await read(request, "/api/v1/errors", asked | choose(request, "after", limit=str(ROWS)))
    return {"errors": errors, "exported": asked, "reasons": tuple(map(str, Reason))}


TAB = Tab(
    path="/errors",
    title=TEXTS["errors"]["title"],
    description=TEXTS["errors"]["description"],
    template="errors.html",
    context=context,
    order=30,
    kinds=("errors",),
    actions=("check",),
)
