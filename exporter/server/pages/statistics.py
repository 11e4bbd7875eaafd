"""The tab of statistics: uptime, latency and errors over a window, beside the window before."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.defaults import STATS_SUBJECTS, STATS_WINDOW, STATS_WINDOWS
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._pages import offset_of, portion
from exporter.server.pages._texts import TEXTS
from exporter.server.services import SERVICES

FILTERS = ("window", "integration", "tenant")
USUAL_SUBJECT = "integration"
SECONDS = 15.0
"""For a window: months of many targets are read row by row, those of integrations are not."""

MANY = 1000
"""Targets beyond which theirs are first those of the shortest window: each has a row for each hour."""


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return a page of statistics, the subject with the least uptime first."""
    by = request.query.get("by") or USUAL_SUBJECT
    few = by == USUAL_SUBJECT or len(request.app[SERVICES].board) <= MANY
    usual = STATS_WINDOW if few else next(iter(STATS_WINDOWS))
    asked = {"window": usual} | choose(request, *FILTERS, by=by)
    stats = await read(request, "/api/v1/stats", asked | portion(request), SECONDS)
    return {
        "stats": stats,
        "offset": offset_of(request),
        "exported": asked,
        "windows": tuple(STATS_WINDOWS),
        "usual": usual,
        "subjects": tuple(STATS_SUBJECTS),
        "subject": USUAL_SUBJECT,
        "names": [(name, "text") for name in STATS_SUBJECTS.get(by, ())],
    }


TAB = Tab(
    path="/statistics",
    title=TEXTS["statistics"]["title"],
    description=TEXTS["statistics"]["description"],
    template="statistics.html",
    context=context,
    order=110,
    kinds=("statistics",),
)
