"""The page at `/`: the current state of every target, without script if need be."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from yarl import URL

from exporter import __version__
from exporter.engine.board import TargetState
from exporter.server.access import ADMIN_SESSION, ADMIN_TOKEN, IDENTITY, LOOPBACK, Identity
from exporter.server.answers import iso, whole_number
from exporter.server.handlers.board import visible_states
from exporter.server.rows import STATUSES, StatusFilter, counts, reason_of, urgency
from exporter.server.services import SERVICES, Services
from exporter.server.status import status as status_of
from exporter.server.web_config.settings import Role

if TYPE_CHECKING:
    import jinja2

PAGES = Path(__file__).parent.parent / "pages"
MOST_ROWS = 500
ASSETS = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
WORDS = {
    "error": "failing",
    "unknown": "not checked yet",
    "not_configured": "not configured",
    "connected": "connected",
}
SYMBOLS = {"error": "✕", "unknown": "…", "not_configured": "○", "connected": "✓"}
VERDICTS = {
    "healthy": ("✓", "Everything is connected"),
    "partial": ("○", "Nothing fails, but not everything is in use"),
    "degraded": ("✕", "Some integrations fail"),
    "critical": ("✕", "A critical integration fails"),
}


async def page(request: web.Request) -> web.Response:
    """Answer the page: numbers, and a table of targets with the failing ones first."""
    services, identity = request.app[SERVICES], request[IDENTITY]
    everything = visible_states(services, identity, StatusFilter())
    chosen = sorted(filter(StatusFilter.of(request), everything), key=urgency)
    offset = whole_number(request, "offset", 0, 10_000_000)
    shown = chosen[offset : offset + MOST_ROWS]
    now = services.now()
    context: dict[str, Any] = {
        "link": services.paths.link,
        "version": __version__,
        "asset": lambda name: services.paths.link(f"/assets/{name}?v={_fingerprint()}"),
        "docs_url": services.docs_url,
        "grafana_url": services.configuration().notifications.grafana_url,
        "now": iso(now),
        "query": request.query,
        "counts": counts(everything),
        "verdict": VERDICTS[status_of(everything)["overall_status"]],
        "overall": status_of(everything)["overall_status"],
        "rows": [_row(state, now) for state in shown],
        "chosen": len(chosen),
        "offset": offset,
        "pages": _pages(request, services.paths.link("/"), offset, len(chosen)),
        "statuses": [(one, SYMBOLS[one], WORDS[one]) for one in STATUSES],
        **_rights(identity, services),
        "sign_in_failed": request.query.get("sign-in") == "wrong",
    }
    return web.Response(text=_template().render(context), content_type="text/html")


async def asset(request: web.Request) -> web.Response:
    """Answer a file of the page; its link changes with its content, so browsers may keep it."""
    kind = ASSETS.get(request.match_info["name"])
    if kind is None:
        raise web.HTTPNotFound(text="there is no such file")
    headers = {"Cache-Control": "private, max-age=86400"}
    return web.Response(
        body=_asset(request.match_info["name"]), content_type=kind, charset="utf-8", headers=headers
    )


def _rights(identity: Identity, services: Services) -> dict[str, Any]:
    local = identity == LOOPBACK
    return {
        "caller": _caller(identity),
        "may_check": identity.has(Role.ADMIN),
        "bound": identity.tenants is not None,
        "may_read_configuration": identity.tenants is None and not local,
        "may_sign_in": local and services.admin.usable(),
        "may_sign_out": identity == ADMIN_SESSION,
    }


def _caller(identity: Identity) -> str:
    """Return one sentence on who reads the page, with the kind of the name: a user's, a token's and so on."""
    if identity == LOOPBACK:
        return "No access is configured: whoever is on this machine may read."
    if identity in (ADMIN_SESSION, ADMIN_TOKEN):
        return "Signed in by the admin token."
    kind, colon, name = identity.name.partition(":")
    return f"Signed in as {name} ({kind})." if colon else f"Signed in as {identity.name}."


def _row(state: TargetState, now: float) -> dict[str, Any]:
    target, reason = state.target, reason_of(state)
    return {
        "integration": target.integration,
        "tenant": target.tenant,
        "provider": target.provider,
        "critical": target.critical,
        "status": state.status,
        "symbol": SYMBOLS.get(state.status, "?"),
        "word": WORDS.get(state.status, state.status),
        "reason": reason.value if reason else "",
        "meaning": reason.meaning if reason else "",
        "detail": state.detail,
        "failures": state.failures,
        "since": _moment(state.since, now),
        "last_success": _moment(state.last_success, now),
        "next_run": _moment(state.next_run, now),
        "took": _span(state.result.duration_seconds)
        if state.result and state.status != "not_configured"
        else "",
    }


def _moment(at: float | None, now: float) -> tuple[str, str] | None:
    """Return a time as (RFC 3339, words), None for what never happened."""
    if at is None:
        return None
    words = f"{_coarse(now - at)} ago" if at <= now else f"in {_coarse(at - now)}"
    return iso(at) or "", words


def _coarse(seconds: float) -> str:
    """Return a span in whole minutes from one minute on, as `45 s`, `12 min`, `3 h 5 min` or `2 d 4 h`."""
    minutes = int(seconds / 60)
    if minutes < 1:
        return f"{int(seconds)} s"
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{count} {unit}" for count, unit in (parts[:2] if days else parts[1:]) if count)


def _span(seconds: float) -> str:
    if seconds < 0.001:
        return "<1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _pages(request: web.Request, home: str, offset: int, total: int) -> dict[str, str]:
    def at(place: int) -> str:
        return str(URL(home).with_query({**request.query, "offset": str(place)}))

    pages = {}
    if offset > 0:
        pages["before"] = at(max(0, offset - MOST_ROWS))
    if offset + MOST_ROWS < total:
        pages["after"] = at(offset + MOST_ROWS)
    return pages


@cache
def _template() -> "jinja2.Template":
    import jinja2  # 2 MB that nobody needs who only scrapes

    loader = jinja2.FileSystemLoader(PAGES)
    made = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return made.get_template("landing.html")


@cache
def _asset(name: str) -> bytes:
    return (PAGES / name).read_bytes()


@cache
def _fingerprint() -> str:
    return hashlib.sha256(b"".join(map(_asset, sorted(ASSETS)))).hexdigest()[:12]
