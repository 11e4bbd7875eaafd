"""`/api/v1/alerts`: what Alertmanager has now, and what people do about it."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import web

from exporter.core.alertmanager import ActiveAlert, AlertmanagerError
from exporter.core.clock import iso
from exporter.core.errors import StoreError
from exporter.core.notice import RESOLVED
from exporter.core.severity import SEVERITIES
from exporter.core.store import Filter
from exporter.notices.alert_state import AlertState
from exporter.notices.desk import AlertDesk, DeskAlert, DeskView
from exporter.notices.manual import ManualRequest, as_active, build_manual_alert
from exporter.server.access import IDENTITY
from exporter.server.alert_bodies import (
    ActionBody,
    AlertAct,
    FireBody,
    NamedActionBody,
    end_of,
    read_alert_body,
)
from exporter.server.alert_expectation import refuse_unexpected
from exporter.server.alert_rows import COLUMNS, active_row, most_urgent_first, resolved_row
from exporter.server.answers import json_answer, whole_number
from exporter.server.audit import audit
from exporter.server.body_names import refuse_unknown_tenants
from exporter.server.query import filter_of, format_of, refuse_other, row_limit
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions, store_unavailable
from exporter.server.unknown import refuse_unknown
from exporter.store.subjects import notices

T = TypeVar("T")

MOST_RESOLVED = 10_000
"""Rows that `state=resolved` reads out of the history at most."""

RESOLVED_SECONDS = 86_400.0
"""How far back it looks, unless `since` says otherwise."""

RETRY_AFTER = "10"

_LATER = "; the alert is stored, and Alertmanager gets it within a minute of its return"
_ENDED = "; the alert is ended, and Alertmanager gets that within a minute of its return"
_AGAIN = "; it may be acknowledged already: acknowledging it again does no harm"


async def read(request: web.Request) -> web.StreamResponse:
    """Answer the alerts that the query chooses, most urgent first; `state=resolved` those of the history."""
    query, warning = request.query, ""
    refuse_other("state", query.get("state", ""), tuple(AlertState))
    refuse_other("severity", query.get("severity", ""), SEVERITIES)
    refuse_other("mine", query.get("mine", ""), ("true", "false"))
    if query.get("state") == AlertState.RESOLVED:
        found = await _resolved(request)
    else:
        view = await ask_alertmanager(find_desk(request).view())
        warning = _check_assignments(request, view)
        found = most_urgent_first(active_row(one) for one in view.alerts if _chosen(request, one))
    if not found:
        await refuse_unknown(request, stored=True)
    offset, limit = whole_number(request, "offset", 0, 10_000_000), row_limit(request)
    page = found[offset : offset + limit]
    if format_of(request) != "json":
        return await export_rows(request, COLUMNS, portions(page))
    following = offset + limit if offset + limit < len(found) else None
    answer: dict[str, Any] = {"alerts": page, "total": len(found), "next_offset": following}
    return json_answer(answer | ({"warning": warning} if warning else {}))


async def fire(request: web.Request) -> web.Response:
    """Fire an alert by hand: 201, or 200 where the same fires already."""
    body, desk, identity = await read_alert_body(request, FireBody), find_desk(request), request[IDENTITY]
    if not identity.sees(body.tenant):
        raise web.HTTPForbidden(text=f"{identity.name} is bound to other tenants than this one")
    await refuse_unknown_tenants(request, (body.tenant,))
    asked = ManualRequest(body.service, body.severity, body.message, body.details, body.tenant)
    provider, now = provider_of(request, body.service), request.app[SERVICES].now()
    alert = build_manual_alert(asked, provider, identity.name, now)
    details = {"message": body.message, "severity": body.severity.value}
    with _audited(request, "alert.fired", as_active(alert), **details):
        new = await ask_alertmanager(desk.fire(alert), _LATER)
    answer = {"fingerprint": alert.fingerprint, "labels": alert.labels, "new": new}
    return json_answer(answer, 201 if new else 200)


async def change(request: web.Request) -> web.Response:
    """Acknowledge, assign or resolve one alert."""
    return await _change(request, await read_alert_body(request, ActionBody), request.match_info["id"])


async def change_named(request: web.Request) -> web.Response:
    """Do the same to the alert that the body names."""
    body = await read_alert_body(request, NamedActionBody)
    return await _change(request, body, body.id)


async def _change(request: web.Request, body: ActionBody, name: str) -> web.Response:
    desk, fingerprint = find_desk(request), name.lower()
    if body.action is AlertAct.RESOLVE:
        return await _resolve(request, desk, fingerprint, body)
    # One at a time: who decides by what is there must not be overtaken.
    async with desk.turn:
        found = await _find(request, desk, fingerprint)
        refuse_unexpected(found, body.expected)
        if body.action is AlertAct.ACKNOWLEDGE:
            return await _acknowledge(request, desk, found, body)
        return await _assign(request, desk, found, body)


async def _acknowledge(
    request: web.Request, desk: AlertDesk, found: DeskAlert, body: ActionBody
) -> web.Response:
    actor = request[IDENTITY].name
    until = end_of(body, request.app[SERVICES].now())
    with _audited(request, "alert.acknowledged", found.alert, until=iso(until), note=body.note):
        silence = await ask_alertmanager(desk.acknowledge(found.alert, actor, until, body.note), _AGAIN)
    shown = replace(found, state=AlertState.ACKNOWLEDGED, silence=silence)
    if isinstance(body.assignee, str):
        shown = await _give(request, desk, shown, body.assignee, body.note)
    return json_answer(active_row(shown))


async def _assign(request: web.Request, desk: AlertDesk, found: DeskAlert, body: ActionBody) -> web.Response:
    assignee = body.assignee if isinstance(body.assignee, str) else request[IDENTITY].name
    if body.until or body.duration:
        raise web.HTTPBadRequest(text="until and for are for an acknowledgement; an assignment has no end")
    return json_answer(active_row(await _give(request, desk, found, assignee, body.note)))


async def _give(
    request: web.Request, desk: AlertDesk, found: DeskAlert, assignee: str, note: str
) -> DeskAlert:
    with _audited(request, "alert.assigned", found.alert, assignee=assignee, note=note):
        await ask_alertmanager(desk.assign(found.alert, request[IDENTITY].name, assignee, note))
    return replace(found, assignee=assignee)


async def _resolve(request: web.Request, desk: AlertDesk, fingerprint: str, body: ActionBody) -> web.Response:
    alert = await ask_alertmanager(desk.manual.find(fingerprint))
    if alert is None or not request[IDENTITY].sees(alert.labels.get("tenant", "")):
        await _find(request, desk, fingerprint)
        raise web.HTTPConflict(
            text="only an alert that was fired by hand can be resolved by hand, once: Prometheus sends one"
            " of a rule until its condition is over; acknowledge it instead"
        )
    with _audited(request, "alert.resolved", as_active(alert), note=body.note):
        resolved = await ask_alertmanager(desk.resolve(alert, request[IDENTITY].name, body.note), _ENDED)
    return json_answer({"fingerprint": fingerprint, "state": RESOLVED, "resolved": resolved})


def find_desk(request: web.Request) -> AlertDesk:
    """Return where alerts are answered; 503 while the exporter starts."""
    found = request.app[SERVICES].alerts
    if found is None:
        raise web.HTTPServiceUnavailable(text="alerts are not read yet", headers={"Retry-After": "5"})
    return found


async def _find(request: web.Request, desk: AlertDesk, fingerprint: str) -> DeskAlert:
    found = await ask_alertmanager(desk.find(fingerprint))
    # What the caller may not know of is not there.
    if found is None or not request[IDENTITY].sees(found.alert.labels.get("tenant", "")):
        raise web.HTTPNotFound(text="Alertmanager has no alert with this fingerprint; it may be resolved")
    return found


async def ask_alertmanager(question: Awaitable[T], also: str = "") -> T:
    """Return what `question` does; 502 where Alertmanager refuses, 503 where it or the store is away."""
    try:
        return await question
    except AlertmanagerError as error:
        kind = web.HTTPServiceUnavailable if error.status is None else web.HTTPBadGateway
        raise kind(text=f"{error}{also}", headers={"Retry-After": RETRY_AFTER}) from None
    except StoreError as error:
        raise store_unavailable(error) from None


def _chosen(request: web.Request, found: DeskAlert) -> bool:
    query, labels, identity = request.query, found.alert.labels, request[IDENTITY]
    wanted = {
        "severity": query.get("severity", ""),
        "integration": query.get("service") or query.get("integration", ""),
        "tenant": query.get("tenant", ""),
        "alertname": query.get("alert", ""),
    }
    if not identity.sees(labels.get("tenant", "")):
        return False
    if any(value and labels.get(name, "") != value for name, value in wanted.items()):
        return False
    author = found.silence.author if found.silence else ""
    return (
        query.get("state", "") in ("", found.state)
        and query.get("assignee", "") in ("", found.assignee)
        and (query.get("mine") != "true" or identity.name in (found.assignee, author))
    )


def _check_assignments(request: web.Request, view: DeskView) -> str:
    """Return the warning of `view`; 503 where the answer would be wrong without the assignments."""
    if view.warning and (request.query.get("assignee") or request.query.get("mine") == "true"):
        raise web.HTTPServiceUnavailable(text=view.warning, headers={"Retry-After": RETRY_AFTER})
    return view.warning


async def _resolved(request: web.Request) -> list[dict[str, Any]]:
    """Return what was resolved, newest first, out of the history."""
    query, services = request.query, request.app[SERVICES]
    if query.get("assignee") or query.get("mine") == "true":
        raise web.HTTPBadRequest(
            text="an alert that is resolved has no assignee; leave assignee and mine out"
        )
    chosen = filter_of(request, ("severity", "alert"), {"severity": SEVERITIES})
    which: Filter = replace(
        chosen,
        integration=query.get("service") or chosen.integration,
        since=services.now() - RESOLVED_SECONDS if chosen.since is None else chosen.since,
        fields=(*chosen.fields, ("state", RESOLVED)),
    )
    page = await ask_alertmanager(
        services.read_store(lambda connection: notices.query(connection, which, MOST_RESOLVED))
    )
    return [resolved_row(one) for one in page.rows]


def provider_of(request: web.Request, service: str) -> str:
    """Return the provider of an integration, "" for a service that is none."""
    known = request.app[SERVICES].configuration().integrations
    return next((one.probe.name for one in known if one.name == service), "")


@contextmanager
def _audited(request: web.Request, action: str, alert: ActiveAlert, **details: Any) -> Iterator[None]:
    """Keep that the caller does `action` to `alert`, and whether it succeeded."""
    labels, outcome = alert.labels, "failure"
    try:
        yield
        outcome = "success"
    finally:
        about = {"alert": labels.get("alertname", ""), "service": labels.get("integration", "")}
        resource = f"alert:{alert.fingerprint}"
        audit(request, action, resource, tenant=labels.get("tenant", ""), outcome=outcome, **about, **details)
