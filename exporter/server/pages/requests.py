"""The tab of the API: requests that apps report, their percentiles and errors, and the slowest routes."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.defaults import HEALTH_WINDOWS, STATS_WINDOW
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._texts import TEXTS


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the figures of every window, and the slowest and worst routes of one."""
    query = choose(request, "integration", "tenant", "window", limit="50")
    health = await read(request, "/api/v1/api-health", query)
    windows = health.data.get("windows", {})
    return {
        "health": health,
        "own": [_row(name, one["requests"]) for name, one in windows.items()],
        "calls": [_row(name, one["calls"]) for name, one in windows.items()],
        "windows": tuple(HEALTH_WINDOWS),
        "usual": STATS_WINDOW,
    }


def _row(window: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    return {"window": window, **figures}


TAB = Tab(
    path="/requests",
    title=TEXTS["requests"]["title"],
    description=TEXTS["requests"]["description"],
    template="requests.html",
    context=context,
    order=60,
    kinds=("statistics",),
)
