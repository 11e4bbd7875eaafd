"""The tab of costs: what AI services cost, what this month will come to, and quotas of vendors."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.defaults import HEALTH_WINDOWS, STATS_WINDOW
from exporter.server.access import IDENTITY
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._charts import cost_chart
from exporter.server.pages._texts import TEXTS
from exporter.server.quotas import balance_rows, charge_rows, quota_rows
from exporter.server.rows import StatusFilter, visible_states
from exporter.server.services import SERVICES

MOST_ROWS = 50


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the month with its forecast, costs by endpoint in a window, and those of the last days."""
    about = choose(request, "integration", "tenant")
    by_endpoint, by_day = await asyncio.gather(
        read(request, "/api/v1/cost-summary", about | choose(request, "window", limit="50")),
        read(request, "/api/v1/cost-summary", about | {"by": "day"}),
    )
    states = await visible_states(request.app[SERVICES].board, request[IDENTITY], StatusFilter.of(request))
    quotas, charges, balances = quota_rows(states), charge_rows(states), balance_rows(states)
    return {
        "quotas": quotas[:MOST_ROWS],
        "quotas_total": len(quotas),
        "charges": charges[:MOST_ROWS],
        "charges_total": len(charges),
        "balances": balances[:MOST_ROWS],
        "balances_total": len(balances),
        "costs": by_endpoint,
        "days": by_day,
        "chart_of_days": cost_chart(
            by_day.rows("costs"), by_day.data.get("month", {}).get("pace_usd_per_day")
        ),
        "windows": tuple(HEALTH_WINDOWS),
        "usual": STATS_WINDOW,
    }


TAB = Tab(
    path="/costs",
    title=TEXTS["costs"]["title"],
    description=TEXTS["costs"]["description"],
    template="costs.html",
    context=context,
    order=70,
    kinds=("statistics",),
)
