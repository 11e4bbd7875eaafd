"""The tab of rate limits: who is blocked, and what was allowed and blocked."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.defaults import RATE_LIMIT_WINDOWS
from exporter.server.handlers.ratelimit_summary import USUAL_WINDOW
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._pages import offset_of, portion
from exporter.server.pages._texts import TEXTS

FILTERS = ("policy", "identifier", "tenant")


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return a page of blocked identifiers, and the counts of a window by endpoint and policy."""
    blocks, summary = await asyncio.gather(
        read(request, "/api/v1/ratelimits/blocks", choose(request, *FILTERS) | portion(request)),
        read(request, "/api/v1/rate-limit-summary", choose(request, "tenant", "window", limit="50")),
    )
    return {
        "blocks": blocks,
        "summary": summary,
        "offset": offset_of(request),
        "exported": choose(request, *FILTERS),
        "windows": tuple(RATE_LIMIT_WINDOWS),
        "usual": USUAL_WINDOW,
    }


TAB = Tab(
    path="/rate-limits",
    title=TEXTS["limits"]["title"],
    description=TEXTS["limits"]["description"],
    template="rate_limits.html",
    context=context,
    order=90,
    kinds=("blocks", "statistics"),
    actions=("block", "unblock"),
    narrowed_by=("tenant",),
)
