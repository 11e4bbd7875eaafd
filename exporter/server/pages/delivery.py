"""One delivery: what became of it, every attempt, and what it carries."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.server.handlers.deliveries import answer_one
from exporter.server.pages import Tab
from exporter.server.pages._api import read
from exporter.server.pages._texts import TEXTS, fill

ROUTE = "/api/v1/deliveries/{id:.+}"


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the delivery that the query names, with its attempts, the newest first."""
    name = request.query.get("id", "")
    if not name:
        return {"title": TEXTS["delivery"]["title"], "delivery": None}
    found = await read(request, ROUTE, handler=lambda asked: answer_one(asked, name))
    return {
        "title": fill(TEXTS["delivery"]["of"], id=name),
        "delivery": found,
        "attempts": found.rows("attempts_made")[::-1],
    }


TAB = Tab(
    path="/delivery",
    title=TEXTS["delivery"]["title"],
    description=TEXTS["delivery"]["description"],
    template="delivery.html",
    context=context,
    order=51,
    listed=False,
    kinds=("deliveries",),
    actions=("retry",),
)
