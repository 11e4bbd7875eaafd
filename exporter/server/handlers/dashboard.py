"""The overview in one answer: what is wrong now, and how the last day was beside the one before."""

from collections import Counter
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.alertmanager import AlertmanagerError
from exporter.core.clock import iso
from exporter.core.defaults import STATS_SUBJECTS, STATS_WINDOW, STATS_WINDOWS
from exporter.core.errors import StoreError
from exporter.core.event_summary import API
from exporter.core.hours import last_hours
from exporter.core.store import Window
from exporter.core.webhook_summary import WebhookWindow
from exporter.notices.desk import DeskAlert
from exporter.server.access import IDENTITY
from exporter.server.alert_rows import active_row, most_urgent_first
from exporter.server.answers import json_answer
from exporter.server.event_reader import EventReader, question_of
from exporter.server.handlers.api_health import compare_requests
from exporter.server.handlers.board import newest_failures, read_status
from exporter.server.handlers.stats import StatsQuery, read_rows, windows
from exporter.server.handlers.webhook_health import both_ways
from exporter.server.periods import periods
from exporter.server.query import filter_of
from exporter.server.rows import StatusFilter, counts, most_urgent, target_row, visible_states
from exporter.server.services import SERVICES
from exporter.server.unknown import refuse_unknown
from exporter.server.web_config.settings import Role

MOST_ROWS = 20
"""Rows of each part: an overview, and no list."""

MOST_INTEGRATIONS = 100
READ_TIMEOUT = 30.0


async def dashboard(request: web.Request) -> web.Response:
    """Answer the overview, for all tenants or for one; a part that cannot be read is null, with a warning."""
    await refuse_unknown(request, stored=True)
    choice = StatusFilter(tenant=request.query.get("tenant", ""))
    states = await visible_states(request.app[SERVICES].board, request[IDENTITY], choice)
    warnings: list[str] = []
    failing = [target_row(one) for one in most_urgent(states, MOST_ROWS) if one.status == "error"]
    now = request.app[SERVICES].now()
    answer = {
        "at": iso(now),
        **periods(last_hours(now, STATS_WINDOWS[STATS_WINDOW]), now),
        "status": await read_status(request),
        "targets": counts(states),
        "failing": failing,
        "failures": newest_failures(request, choice, MOST_ROWS),
        "alerts": await _alerts(request, warnings),
        **await _last_day(request, warnings),
        "warnings": warnings,
    }
    return json_answer(answer)


async def _alerts(request: web.Request, warnings: list[str]) -> dict[str, Any] | None:
    """Return how many alerts there are by state and severity, and the most urgent; admins alone see them."""
    desk = request.app[SERVICES].alerts
    if desk is None or not request[IDENTITY].has(Role.ADMIN):
        return None
    try:
        view = await desk.view()
    except AlertmanagerError as error:
        warnings.append(str(error))
        return None
    if view.warning:
        warnings.append(view.warning)
    found = [one for one in view.alerts if _concerns(request, one)]
    return {
        "states": Counter(one.state.value for one in found),
        "severities": Counter(one.alert.labels.get("severity", "") for one in found),
        "newest": most_urgent_first(map(active_row, found))[:MOST_ROWS],
    }


def _concerns(request: web.Request, found: DeskAlert) -> bool:
    tenant = found.alert.labels.get("tenant", "")
    return request[IDENTITY].sees(tenant) and request.query.get("tenant", "") in ("", tenant)


async def _last_day(request: web.Request, warnings: list[str]) -> dict[str, Any]:
    """Return what the store has of the last day: integrations, webhooks, and requests that apps report."""
    services, now, tenant = request.app[SERVICES], request.app[SERVICES].now(), request.query.get("tenant")
    by = STATS_SUBJECTS["integration"]
    spans = windows(now, STATS_WINDOWS[STATS_WINDOW], Window(0, 0, by, filter_of(request)))
    figures = StatsQuery(*spans, MOST_INTEGRATIONS, 0)
    webhooks = WebhookWindow(*last_hours(now, 24), tenant=tenant or None, tenants=request[IDENTITY].tenants)
    events = question_of(request)

    def read(connection: Connection) -> dict[str, Any]:
        requests = EventReader(connection, events).compare(API, "integration")
        return {
            "integrations": read_rows(connection, figures),
            "webhooks": both_ways(connection, {STATS_WINDOW: webhooks})[STATS_WINDOW],
            "requests": compare_requests(requests, own=True),
            "calls": compare_requests(requests, own=False),
        }

    try:
        return await services.read_store(read, READ_TIMEOUT)
    except StoreError as error:
        # What is wrong now is known without the store, and that is when it is needed.
        warnings.append(f"the store does not answer: {error}")
        return dict.fromkeys(("integrations", "webhooks", "requests", "calls"))
