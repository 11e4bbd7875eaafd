"""The audit over HTTP: reviews, erasures, the check of the chain, figures and reports."""

from typing import Any

from aiohttp import web

from exporter.core.clock import iso
from exporter.core.defaults import NOISE_WINDOWS, STATS_WINDOWS
from exporter.core.errors import StoreError
from exporter.core.store import Filter
from exporter.core.summary import HOUR
from exporter.ingest.audit_trail import AuditTrail
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, json_body, one_of, whole_number
from exporter.server.audit import audit, entry_of
from exporter.server.audit_report import access_of, as_csv, as_html
from exporter.server.query import time_of
from exporter.server.services import SERVICES, Services
from exporter.server.stream import store_unavailable
from exporter.store.audit_report import AuditReport, read_report
from exporter.store.audit_summary import AuditFigures, figures
from exporter.store.chain_check import PORTION, as_json, check, place_of

WINDOWS = {name: hours for name, hours in STATS_WINDOWS.items() if name in NOISE_WINDOWS}
"""Windows of the summary, with their hours."""

USUAL_WINDOW = "24h"

LONGEST_NOTE = 2000

READ_TIMEOUT = 60.0
"""Seconds for figures, a report, or a portion of the chain."""

CLOSED = "default-src 'none'; style-src 'unsafe-inline'"
"""What a report may load: nothing; its style is in it."""

MONTH = 30 * 86_400.0


async def review(request: web.Request) -> web.Response:
    """Add a review with a note to a flagged entry."""
    number = _number(request.match_info["id"])
    note = _text(await json_body(request), "note", LONGEST_NOTE)
    entry = entry_of(request, "audit.reviewed", f"audit:{number}", note=note)
    problem = await _stored(_trail(request).review(number, entry))
    if problem == "missing":
        raise web.HTTPNotFound(text=f"there is no entry {number} in the audit")
    if problem:
        what = "is reviewed already" if problem == "reviewed" else "is not flagged"
        raise web.HTTPConflict(text=f"entry {number} {what}")
    return json_answer({"id": number, "reviewed": iso(entry.at), "reviewer": entry.actor, "note": note})


async def erase(request: web.Request) -> web.Response:
    """Destroy the key that opens what is personal in the entries of an actor."""
    body = await json_body(request)
    actor = _text(body, "actor", 1000, also=("tenant",))
    tenant = body.get("tenant")
    if tenant is not None and not isinstance(tenant, str):
        raise web.HTTPBadRequest(text="tenant must be a text")
    # Of the one who is erased it says nothing: it stays.
    entry = entry_of(request, "audit.erased", "person")
    # What waits would be sealed by a new key, and outlive the erasure.
    await request.app[SERVICES].flush()
    return json_answer({"people": await _stored(_trail(request).erase(actor, tenant, entry))})


async def verify(request: web.Request) -> web.Response:
    """Check a portion of the chain behind the entry `after`; `next` is where the next one begins."""
    services = request.app[SERVICES]
    after = _number(request.query.get("after", "0"))
    limit = max(1, whole_number(request, "limit", PORTION, PORTION))
    anchor = _anchor(request.query.get("head", ""))
    await services.flush()
    try:
        found = await services.read_store(lambda connection: check(connection, after, limit), READ_TIMEOUT)
        place = await services.read_store(lambda connection: place_of(connection, anchor)) if anchor else None
    except StoreError as error:
        raise store_unavailable(error) from None
    return json_answer(as_json(found) | ({"head_found_at": place} if anchor else {}))


async def summary(request: web.Request) -> web.Response:
    """Answer how many entries there were of which class, outcome and actor, and what waits for a review."""
    services = request.app[SERVICES]
    name = one_of(request, "window", tuple(WINDOWS), USUAL_WINDOW)
    now = services.now()
    chosen = Filter(
        tenant=request.query.get("tenant") or None,
        tenants=request[IDENTITY].tenants,
        since=now - WINDOWS[name] * HOUR,
    )
    await services.flush()
    try:
        found = await services.read_store(lambda connection: figures(connection, chosen), READ_TIMEOUT)
    except StoreError as error:
        raise store_unavailable(error) from None
    return json_answer({"window": name, "since": iso(chosen.since), "until": iso(now), **_figures(found)})


async def report(request: web.Request) -> web.Response:
    """Answer what an auditor asks for, of a span of time, as a page to print or as CSV."""
    services = request.app[SERVICES]
    form = one_of(request, "format", ("html", "csv"), "html")
    # The second that runs belongs to it.
    until = time_of(request, "to") or services.now() + 1
    since = time_of(request, "from")
    since = until - MONTH if since is None else since
    if since >= until:
        raise web.HTTPBadRequest(text="from must be before to")
    # A report is an export: who took it is in the next one.
    span: dict[str, Any] = {"since": iso(since), "until": iso(until), "format": form}
    audit(request, "audit.reported", "/api/v1/audit-report", **span)
    await services.flush()
    found = await _read_report(services, since, until)
    access = access_of(services.web.current)
    if form == "csv":
        headers = {"Content-Disposition": 'attachment; filename="audit-report.csv"'}
        return web.Response(
            text=as_csv(found, access), content_type="text/csv", charset="utf-8", headers=headers
        )
    page = as_html(found, access, services.now())
    headers = {"Content-Security-Policy": CLOSED}
    return web.Response(text=page, content_type="text/html", charset="utf-8", headers=headers)


async def _read_report(services: Services, since: float, until: float) -> AuditReport:
    try:
        return await services.read_store(
            lambda connection: read_report(connection, since, until), READ_TIMEOUT
        )
    except StoreError as error:
        raise store_unavailable(error) from None


async def _stored(change: Any) -> Any:
    try:
        return await change
    except StoreError as error:
        raise store_unavailable(error) from None


def _trail(request: web.Request) -> AuditTrail:
    trail = request.app[SERVICES].audit_trail
    if trail is None:
        raise web.HTTPServiceUnavailable(text="the audit is not open yet", headers={"Retry-After": "5"})
    return trail


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise web.HTTPNotFound(text="entries of the audit have numbers; `audit list` shows them")
    return int(text)


def _text(body: dict[str, Any], name: str, longest: int, also: tuple[str, ...] = ()) -> str:
    for key in body:
        if key not in (name, *also):
            raise web.HTTPBadRequest(text=f"the body may have the keys {', '.join((name, *also))} only")
    found = body.get(name)
    if not isinstance(found, str) or not found.strip():
        raise web.HTTPBadRequest(text=f"{name} must be a text, and not empty")
    if len(found) > longest:
        raise web.HTTPBadRequest(text=f"{name} may have {longest} characters")
    return found.strip()


def _anchor(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b"?"
    if len(found) not in (0, 32):
        raise web.HTTPBadRequest(text="head must be a hash of 64 hexadecimal digits, as the log has it")
    return found


def _figures(found: AuditFigures) -> dict[str, Any]:
    actors = [{"actor": name, "tenant": tenant, "entries": number} for name, tenant, number in found.actors]
    return {
        "entries": found.entries,
        "by_class": found.classes,
        "by_outcome": found.outcomes,
        "by_actor": actors,
        "of_exporter": found.ours,
        "flags": found.flags,
        "flagged": sum(found.flags.values()),
        "reviewed": found.reviewed,
        "unreviewed": found.unreviewed,
        "highest_risk": found.highest_risk,
    }
