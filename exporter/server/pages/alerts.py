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
from exporter.server.pages._texts import TEXTS, fill
from exporter.server.pages._words import word

STATES = (AlertState.FIRING.value, AlertState.ACKNOWLEDGED.value, AlertState.INHIBITED.value)
MOST_ROWS = 20
FILTERS = ("severity", "tenant", "alert")


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the alerts of now, and a page each of the history, of what people did, and of noise."""
    # Alertmanager's word for it is service; a link may have either.
    integration = request.query.get("integration") or request.query.get("service", "")
    about = choose(request, *FILTERS)
    stored = about | choose(request, limit=str(MOST_ROWS), integration=integration)
    now = about | choose(request, "state", service=integration) | portion(request)
    alerts, tests, windows, notices, done, noise = await asyncio.gather(
        read(request, "/api/v1/alerts", now),
        read(request, "/api/v1/alerts/test"),
        read(request, "/api/v1/maintenance"),
        read(request, "/api/v1/notices", stored | {"after": request.query.get("after", "")}),
        read(request, "/api/v1/alert-actions", stored | {"after": request.query.get("acted", "")}),
        read(request, "/api/v1/alert-noise", stored | choose(request, "window")),
    )
    return {
        "alerts": alerts,
        "tests": tests,
        "test_rows": list(map(_test_row, tests.rows("tests"))),
        "windows": windows,
        "open_windows": [row for row in windows.rows("maintenance") if row["state"] != "over"],
        "notices": notices,
        "done": done,
        "noise": noise,
        "offset": offset_of(request),
        "states": STATES,
        "severities": tuple(map(str, Severity)),
        "spans": tuple(NOISE_WINDOWS),
        "manual": MANUAL_ALERT,
        "exported": stored | {"limit": ""},
    }


def _test_row(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "severities": [word(one["severity"], "severity") for one in row["alerts"]],
        "state": word(row["state"], kind="test_state"),
        "messages": fill(TEXTS["alerts"]["messages"], done=row["done"], total=row["total"]),
    }


TAB = Tab(
    path="/alerts",
    title=TEXTS["alerts"]["title"],
    description=TEXTS["alerts"]["description"],
    template="alerts.html",
    context=context,
    rule=ADMIN,
    order=20,
    kinds=("alerts", "maintenance"),
    actions=("acknowledge", "assign", "resolve", "fire", "test", "maintain", "end_maintenance"),
)
