"""What every tab has around it: head, bar, rights of the caller, footer; and the files of the page."""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from exporter import __version__
from exporter.core.clock import iso
from exporter.server.access import ADMIN_SESSION, ADMIN_TOKEN, IDENTITY, LOOPBACK, Identity
from exporter.server.admin import AdminToken
from exporter.server.pages import Tab, tabs
from exporter.server.pages._actions import ACTIONS, PageAction
from exporter.server.pages._pages import PLACES
from exporter.server.pages._tab import SHARED_FILTERS
from exporter.server.pages._texts import TEXTS, fill
from exporter.server.pages._words import FILTERS, ago, named, word
from exporter.server.route_table import may_use
from exporter.server.services import SERVICES
from exporter.store.threads import in_thread

if TYPE_CHECKING:
    import jinja2

STREAM = "/api/v1/stream"
"""What reports changes to the page; without it the page looks every 30 seconds."""

RELOAD = "reload"
"""Part of the query by which a page without JavaScript reloads itself; it then has no fields to fill in."""

_COMPARED = frozenset(("number", "span", "share", "money"))
NUMERIC = _COMPARED | {"life"} | {f"beside_{kind}" for kind in _COMPARED}
"""Kinds of values that are aligned to the right."""

WORDY = frozenset(("text", "name", "list", "counts", "target", "flag", "mode"))
"""Kinds of values that are words of apps, vendors and configuration, of any length."""

PAGES = Path(__file__).parent
ASSETS = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def page_handler(tab: Tab) -> Handler:
    """Return what answers the route of `tab`."""

    async def page(request: web.Request) -> web.Response:
        context, drawn = {**frame(request, tab), **await tab.context(request)}, template(tab.template)
        # Tens of milliseconds for the longest tables, which probes need not wait for.
        text = await in_thread(lambda: drawn.render(context).encode())
        return web.Response(body=text, content_type="text/html", charset="utf-8")

    return page


async def asset(request: web.Request) -> web.Response:
    """Answer a file of the page; its link changes with its content, so browsers may keep it."""
    kind = ASSETS.get(request.match_info["name"])
    if kind is None:
        raise web.HTTPNotFound(text="there is no such file")
    headers = {"Cache-Control": "private, max-age=86400"}
    return web.Response(
        body=_asset(request.match_info["name"]), content_type=kind, charset="utf-8", headers=headers
    )


def frame(request: web.Request, tab: Tab) -> dict[str, Any]:
    """Return what the layout shows to the caller of `request` around `tab`."""
    services, identity = request.app[SERVICES], request[IDENTITY]
    link, now = services.paths.link, services.now()
    return {
        "tab": tab,
        "tabs": [one for one in tabs() if one.listed and one.rule.admits(identity)],
        "link": link,
        "here": partial(_with, request.query, link(tab.path)),
        "back": back_to(request, tab.path),
        "shared": {name: request.query[name] for name in SHARED_FILTERS if request.query.get(name)},
        "places": PLACES,
        "everything": _with(
            request.query, link(tab.path), **dict.fromkeys((*SHARED_FILTERS, *sorted(PLACES)), "")
        ),
        "refused": "",
        "reloading": RELOAD in request.query,
        "exported": {},
        # Alerts may be of services that are no integration, and so have no page.
        "integrations_known": {one.name for one in services.configuration().integrations},
        "version": __version__,
        "asset": lambda name: link(f"/assets/{name}?v={_fingerprint()}"),
        "docs_url": services.docs_url,
        "grafana_url": services.configuration().notifications.grafana_url,
        "now": iso(now),
        "ago": lambda at: ago(at, now),
        "query": request.query,
        "stream": link(STREAM) if may_use(request, "GET", STREAM) else "",
        "acts": {one.name: one for one in _actions(request, tab)},
        **_rights(identity, services.admin),
        "sign_in_failed": request.query.get("sign-in") == "wrong",
    }


def _with(query: Mapping[str, str], path: str, /, **changes: object) -> str:
    """Return a link to the same tab with a changed query; what is empty is left out."""
    wanted = {name: str(value) for name, value in {**query, **changes}.items() if value not in ("", None)}
    return str(URL(path).with_query(wanted))


def back_to(request: web.Request, path: str) -> str:
    """Return where signing in leads: to `path`, with the query of `request`."""
    # What was wrong with a token is over once it is right.
    return _with({name: value for name, value in request.query.items() if name != "sign-in"}, path)


def _query(path: str, *parts: Mapping[str, object], **query: object) -> str:
    """Return a link to `path`; of what several parts of a query name, the last one counts."""
    return _with({}, path, **{name: value for part in (*parts, query) for name, value in part.items()})


def _actions(request: web.Request, tab: Tab) -> list[PageAction]:
    """Return what the caller may do on a tab; what may not be done is not offered."""
    return [one for one in ACTIONS if one.name in tab.actions and may_use(request, one.method, one.path)]


def _rights(identity: Identity, admin: AdminToken) -> Mapping[str, Any]:
    local = identity == LOOPBACK
    return {
        "caller_name": _caller(identity),
        "caller_mark": _mark(identity),
        "bound": identity.tenants is not None,
        "may_read_configuration": identity.tenants is None and not local,
        "may_sign_in": local and admin.usable(),
        "may_sign_out": identity == ADMIN_SESSION,
    }


def _mark(identity: Identity) -> str:
    """Return what is the same as long as the same caller may see and do the same."""
    tenants = None if identity.tenants is None else sorted(identity.tenants)
    return hashlib.sha256(repr((identity.name, sorted(identity.roles), tenants)).encode()).hexdigest()[:16]


def _caller(identity: Identity) -> str:
    """Return one sentence on who reads the page, with the kind of the name: a user's, a token's and so on."""
    texts = TEXTS["frame"]
    if identity == LOOPBACK:
        return str(texts["nobody"])
    if identity in (ADMIN_SESSION, ADMIN_TOKEN):
        return str(texts["by_token"])
    kind, colon, name = identity.name.partition(":")
    if not colon:
        return fill(texts["signed_in"], name=identity.name)
    return fill(texts["signed_in_kind"], name=name, kind=kind)


@cache
def template(name: str) -> "jinja2.Template":
    """Return a template of this folder, compiled once."""
    return _environment().get_template(name)


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # 2 MB that an exporter which is only scraped does not need

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals |= {
        "t": TEXTS,
        "say": fill,
        "word": word,
        "named": named,
        "numeric": NUMERIC,
        "wordy": WORDY,
    }
    made.filters |= FILTERS | {"query": _query}
    return made


@cache
def _asset(name: str) -> bytes:
    return (PAGES / "assets" / name).read_bytes()


@cache
def _fingerprint() -> str:
    return hashlib.sha256(b"".join(map(_asset, sorted(ASSETS)))).hexdigest()[:12]
