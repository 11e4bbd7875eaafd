"""Maintenance windows by API: listed, made and removed; one of the file is changed in the file alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

import msgspec
from aiohttp import web

from exporter.config.layout_maintenance import MaintenancePart
from exporter.config.sections.maintenance import KnownNames, build, issues, unknown_alerts
from exporter.core.clock import iso
from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.maintenance import API, DAYS, FILE, MaintenanceWindow
from exporter.notices.maintenance import MaintenanceKeeper
from exporter.registry import catalogue
from exporter.server.access import IDENTITY, Identity
from exporter.server.answers import json_answer, json_body
from exporter.server.audit import audit
from exporter.server.body_names import refuse_unknown_alerts, refuse_unknown_tenants
from exporter.server.maintenance_bodies import complete
from exporter.server.query import format_of
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions, store_unavailable
from exporter.store.subjects.maintenance import WindowRow
from exporter.store.threads import in_thread

MOST = 200
"""Windows that the API makes: each is a silence of Alertmanager while it is open."""

COLUMNS = (
    *("name", "state", "starts", "ends", "integrations", "providers", "tenants", "alerts", "severities"),
    *("weekly", "comment", "origin", "author", "created"),
)


async def read(request: web.Request) -> web.StreamResponse:
    """Answer the windows that the caller may know of, by name."""
    keeper, identity, now = _keeper(request), request[IDENTITY], request.app[SERVICES].now()
    found = [_row(one, now) for one in keeper.windows() if _sees(identity, one)]
    if format_of(request) != "json":
        return await export_rows(request, COLUMNS, portions(found))
    return json_answer({"maintenance": found, "total": len(found)})


async def create(request: web.Request) -> web.Response:
    """Make a window; Alertmanager has its silence soon after, or ten minutes before it opens."""
    given, keeper, services = await json_body(request), _keeper(request), request.app[SERVICES]
    values = complete(given, {one.name for one in keeper.windows()}, services.now())
    part, notes = _parse(values, services.configuration())
    window = replace(build(part), origin=API, author=request[IDENTITY].name, created=round(services.now(), 3))
    if not _sees(request[IDENTITY], window):
        raise web.HTTPForbidden(
            text=f"{request[IDENTITY].name} is bound to tenants: name some of these alone"
        )
    await refuse_unknown_tenants(request, window.tenants)
    await refuse_unknown_alerts(request, window.alerts)
    if window.next_span(services.now()) is None:
        raise web.HTTPBadRequest(text="end: the window is over already; write a later end")
    if sum(one.origin == API for one in keeper.windows()) >= MOST:
        raise web.HTTPConflict(text=f"there are {MOST} windows already; remove one")
    row = WindowRow(window.name, json.dumps(values), window.author, window.created or 0.0)
    taken = keeper.find(window.name) is not None
    if taken or not await _store(lambda: keeper.store.create(row)):
        raise web.HTTPConflict(text=f"there is a window {window.name} already; choose another name")
    audit(request, "maintenance.created", window.name, tenant=_tenant(window), **_details(window))
    await _changed(keeper)
    answer = _row(window, services.now()) | {"notes": notes}
    return json_answer(answer, 201, Location=f"{request.path}/{window.name}")


async def remove(request: web.Request) -> web.Response:
    """Remove a window; what it silences notifies again soon after."""
    keeper = _keeper(request)
    window = keeper.find(request.match_info["id"])
    if window is None or not _sees(request[IDENTITY], window):
        _refuse_unknown()
    if window.origin == FILE:
        raise web.HTTPConflict(
            text=f"the window {window.name} is in the configuration file; remove it there, below maintenance"
        )
    if not await _store(lambda: keeper.store.remove(window.name)):
        _refuse_unknown()
    audit(request, "maintenance.removed", window.name, tenant=_tenant(window))
    await _changed(keeper)
    return web.Response(status=204)


def _parse(values: dict[str, Any], configuration: Configuration) -> tuple[MaintenancePart, list[str]]:
    """Return the window in a body, and what is odd about it; 400 with all that is wrong."""
    try:
        part = msgspec.convert(values, MaintenancePart)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    names = {one.name for one in configuration.integrations} | configuration.shard.integrations
    own = {one.name for one in configuration.alerts}
    known = KnownNames(names, frozenset(catalogue().probes), catalogue().alerts | own)
    found = [
        f"{'.'.join(map(str, path)) or 'window'}: {what}; {remedy}"
        for path, what, remedy in issues(part, known)
    ]
    if found:
        raise web.HTTPBadRequest(text=" / ".join(found))
    return part, [f"{name} is none of the exporter's alerts" for name in unknown_alerts(part, known)]


def _row(window: MaintenanceWindow, now: float) -> dict[str, Any]:
    span = window.next_span(now) or window.once
    state = "active" if window.is_open(now) else "planned" if window.next_span(now) else "over"
    return {
        "name": window.name,
        "state": state,
        "starts": iso(span.starts) if span else None,
        "ends": iso(span.ends) if span else None,
        **{name: list(getattr(window, name)) for name in ("integrations", "providers", "tenants", "alerts")},
        "severities": [one.value for one in window.severities],
        "weekly": _weekly(window),
        "comment": window.comment,
        "origin": window.origin,
        "author": window.author,
        "created": iso(window.created),
    }


def _weekly(window: MaintenanceWindow) -> dict[str, Any] | None:
    if window.weekly is None:
        return None
    schedule = window.weekly
    return {
        "days": [DAYS[day] for day in sorted(schedule.days)],
        "start": schedule.start.strftime("%H:%M"),
        "end": schedule.end.strftime("%H:%M") if schedule.end else "24:00",
        "time_zone": schedule.zone,
    }


def _sees(identity: Identity, window: MaintenanceWindow) -> bool:
    """Return whether a caller may know of, make and remove a window: none that is about others, too."""
    return identity.tenants is None or (bool(window.tenants) and all(map(identity.sees, window.tenants)))


def _details(window: MaintenanceWindow) -> dict[str, Any]:
    lists = ("integrations", "providers", "tenants", "alerts")
    return {name: list(getattr(window, name)) for name in lists if getattr(window, name)}


def _tenant(window: MaintenanceWindow) -> str:
    return window.tenants[0] if len(window.tenants) == 1 else ""


async def _store(call: Callable[[], bool]) -> bool:
    try:
        return await in_thread(call)
    except StoreError as error:
        raise store_unavailable(error) from None


async def _changed(keeper: MaintenanceKeeper) -> None:
    try:
        await keeper.refresh()
    except StoreError as error:
        raise store_unavailable(error) from None
    keeper.hasten()


def _refuse_unknown() -> NoReturn:
    raise web.HTTPNotFound(text="there is no such window; somebody may have ended it already")


def _keeper(request: web.Request) -> MaintenanceKeeper:
    found = request.app[SERVICES].maintenance
    if found is None:
        raise web.HTTPServiceUnavailable(text="windows are not loaded yet", headers={"Retry-After": "5"})
    return found
