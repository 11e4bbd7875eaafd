"""The first tab: what is wrong now, by integration and tenant, who is at it, and what failed last."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._texts import TEXTS
from exporter.server.rows import STATUSES

MOST_TENANTS = 50
MOST_ROWS = 10
ALERTMANAGER_PATIENCE = 2.0
"""Seconds: the overview is needed most while other systems are away."""


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return every integration and the worst tenants, firing alerts and the newest errors."""
    few = {"limit": str(MOST_ROWS)}
    tenant = choose(request, "tenant")
    status, tenants, alerts, history = await asyncio.gather(
        read(request, "/api/v1/status", tenant),
        read(request, "/api/v1/tenants", {"limit": str(MOST_TENANTS)} | tenant),
        read(request, "/api/v1/alerts", few | {"state": "firing"} | tenant, ALERTMANAGER_PATIENCE),
        read(request, "/api/v1/history", few | tenant),
    )
    integrations = _by_urgency(status.data.get("integrations", {}))
    return {
        "overall": status.data.get("overall_status", "partial"),
        "status": status,
        "integrations": integrations,
        "numbers": _numbers(integrations),
        "tenants": tenants,
        "alerts": alerts,
        "history": history,
        "about": tenant,
        "exported": tenant,
        "ranks": STATUSES,
    }


def _by_urgency(integrations: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = [{"name": name, **found} for name, found in integrations.items()]
    rows.sort(key=lambda row: (STATUSES.index(row["status"]), not row["details"]["critical"], row["name"]))
    return rows


def _numbers(integrations: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many targets have each status."""
    return {
        name: sum(one["details"]["targets"][name] for one in integrations) for name in ("total", *STATUSES)
    }


TAB = Tab(
    path="/",
    title=TEXTS["overview"]["title"],
    description=TEXTS["overview"]["description"],
    template="overview.html",
    context=context,
    order=0,
    kinds=("targets", "alerts", "errors", "configuration"),
    actions=("check_all", "acknowledge", "assign"),
    narrowed_by=("tenant",),
)
