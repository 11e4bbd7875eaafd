"""The tab of alerts: what fires and who is at it, what people did, the history, and what is noise."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.defaults import NOISE_WINDOWS
from exporter.core.manual_alert import MANUAL_ALERT
from exporter.core.severity import Severity
from exporter.notices.alert_state import AlertState
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._pages import offset_of, portion
from exporter.server.pages._tab import ADMIN
from exporter.server.pages._texts import TEXTS

STATES = (AlertState.FIRING.value, AlertState.ACKNOWLEDGED.value, AlertState.INHIBITED.value)
MOST_ROWS = 20
FILTERS = ("severity", "service", "tenant", "alert")


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the alerts of now, and a page each of the history, of what people did, and of noise."""
    about = choose(request, "severity", "tenant", "alert")
    stored = about | choose(request, limit=str(MOST_ROWS), integration=request.query.get("service", ""))
    alerts, notices, done, noise = await asyncio.gather(
        read(request, "/api/v1/alerts", choose(request, *FILTERS, "state") | portion(request)),
        read(request, "/api/v1/notices", stored | {"after": request.query.get("after", "")}),
        read(request, "/api/v1/alert-actions", stored | {"after": request.query.get("acted", "")}),
        read(request, "/api/v1/alert-noise", stored | choose(request, "window")),
    )
    return {
        "alerts": alerts,
        "notices": notices,
        "done": done,
        "noise": noise,
        "offset": offset_of(request),
        "states": STATES,
        "severities": tuple(map(str, Severity)),
        "windows": tuple(NOISE_WINDOWS),
        "manual": MANUAL_ALERT,
        "exported": stored | {"limit": ""},
    }


TAB = Tab(
    path="/alerts",
    title=TEXTS["alerts"]["title"],
    description=TEXTS["alerts"]["description"],
    template="alerts.html",
    context=context,
    rule=ADMIN,
    order=20,
    kinds=("alerts",),
    actions=("acknowledge", "assign", "resolve", "fire", "test"),
)
