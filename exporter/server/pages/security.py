"""The tab of security: what is flagged and waits for a review, and the audit."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.audit_rules import PATTERNS, SCORE
from exporter.server.handlers.audit import USUAL_WINDOW, WINDOWS
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._pages import ROWS
from exporter.server.pages._tab import ADMIN
from exporter.server.pages._texts import TEXTS
from exporter.server.route_table import may_use

FILTERS = ("actor", "action", "outcome", "flag", "review", "integration", "tenant", "since")


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the figures of a window, what waits for a review, and a page of the audit."""
    about = choose(request, "tenant")
    asked = choose(request, *FILTERS)
    summary, flagged, audit = await asyncio.gather(
        read(request, "/api/v1/audit-summary", about | choose(request, "window")),
        read(request, "/api/v1/audit", about | {"review": "open", "limit": str(ROWS)}),
        read(request, "/api/v1/audit", asked | choose(request, "after", limit=str(ROWS))),
    )
    return {
        "summary": summary,
        "flagged": flagged,
        "audit": audit,
        "exported": asked,
        "windows": tuple(WINDOWS),
        "usual": USUAL_WINDOW,
        "flags": (SCORE, *(pattern.name for pattern in PATTERNS)),
        "reviews": ("open", "done"),
        "outcomes": ("success", "failure", "refused"),
        "may_report": may_use(request, "GET", "/api/v1/audit-report"),
    }


TAB = Tab(
    path="/security",
    title=TEXTS["security"]["title"],
    description=TEXTS["security"]["description"],
    template="security.html",
    context=context,
    rule=ADMIN,
    order=80,
    kinds=("audit",),
    actions=("review",),
)
