"""The tab of webhooks: who sends them here, who gets them, what became of each, and dead letters."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.defaults import HEALTH_WINDOWS, STATS_WINDOW
from exporter.core.delivery import REASONS, DeliveryState
from exporter.core.endpoint import ReceiverMode
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._pages import ROWS, offset_of, portion
from exporter.server.pages._texts import TEXTS

FILTERS = ("endpoint", "tenant", "state", "reason", "since")
MOST_SOURCES = 100


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return figures both ways, endpoints, sources, and a page of deliveries."""
    asked, about, place = choose(request, *FILTERS), choose(request, "tenant"), portion(request)
    health, endpoints, sources, deliveries = await asyncio.gather(
        read(request, "/api/v1/webhook-health", about | choose(request, "window")),
        read(request, "/api/v1/endpoints", about | place),
        read(request, "/api/v1/sources"),
        read(request, "/api/v1/deliveries", asked | choose(request, "after", limit=str(ROWS))),
    )
    source_rows = sources.rows("sources")
    return {
        "health": health,
        "endpoints": endpoints,
        "sources": sources,
        "source_rows": source_rows[:MOST_SOURCES],
        "sources_total": len(source_rows),
        "deliveries": deliveries,
        "offset": offset_of(request),
        "exported": asked,
        "windows": tuple(HEALTH_WINDOWS),
        "usual": STATS_WINDOW,
        "states": tuple(map(str, DeliveryState)),
        "reasons": REASONS,
        "modes": ReceiverMode,
    }


TAB = Tab(
    path="/webhooks",
    title=TEXTS["webhooks"]["title"],
    description=TEXTS["webhooks"]["description"],
    template="webhooks.html",
    context=context,
    order=50,
    kinds=("deliveries", "endpoints"),
    actions=("retry", "retry_all", "retry_some", "pause", "activate", "disable", "ping"),
    narrowed_by=("tenant",),
)
