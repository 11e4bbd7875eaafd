"""What every tab has around it: head, bar, rights of the caller, footer; and the files of the page."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter import __version__
from exporter.core.clock import iso
from exporter.server.access import ADMIN_SESSION, ADMIN_TOKEN, IDENTITY, LOOPBACK, Identity
from exporter.server.admin import AdminToken
from exporter.server.pages import Tab, tabs
from exporter.server.services import SERVICES
from exporter.server.web_config.settings import Role

if TYPE_CHECKING:
    import jinja2

PAGES = Path(__file__).parent
ASSETS = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def page_handler(tab: Tab) -> Handler:
    """Return what answers the route of `tab`."""

    async def page(request: web.Request) -> web.Response:
        context = {**_frame(request, tab), **await tab.context(request)}
        return web.Response(text=_template(tab.template).render(context), content_type="text/html")

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


def _frame(request: web.Request, tab: Tab) -> dict[str, Any]:
    services, identity = request.app[SERVICES], request[IDENTITY]
    return {
        "tab": tab,
        "tabs": [one for one in tabs() if _may_open(identity, one)],
        "link": services.paths.link,
        "version": __version__,
        "asset": lambda name: services.paths.link(f"/assets/{name}?v={_fingerprint()}"),
        "docs_url": services.docs_url,
        "grafana_url": services.configuration().notifications.grafana_url,
        "now": iso(services.now()),
        "query": request.query,
        **_rights(identity, services.admin),
        "sign_in_failed": request.query.get("sign-in") == "wrong",
    }


def _may_open(identity: Identity, tab: Tab) -> bool:
    rule = tab.rule
    return (rule.role is None or identity.has(rule.role)) and (rule.narrow or identity.tenants is None)


def _rights(identity: Identity, admin: AdminToken) -> Mapping[str, Any]:
    local = identity == LOOPBACK
    return {
        "caller": _caller(identity),
        "may_check": identity.has(Role.ADMIN),
        "bound": identity.tenants is not None,
        "may_read_configuration": identity.tenants is None and not local,
        "may_sign_in": local and admin.usable(),
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


@cache
def _template(name: str) -> "jinja2.Template":
    return _environment().get_template(name)


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # 2 MB that an exporter which is only scraped does not need

    loader = jinja2.FileSystemLoader(PAGES)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)


@cache
def _asset(name: str) -> bytes:
    return (PAGES / "assets" / name).read_bytes()


@cache
def _fingerprint() -> str:
    return hashlib.sha256(b"".join(map(_asset, sorted(ASSETS)))).hexdigest()[:12]
