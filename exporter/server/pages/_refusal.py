"""What a person sees who opens what they may not, or what there is not: why, and what to do about it.

Programs get the one sentence of the server; see `plain_errors`.
"""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.server.access import IDENTITY, LOOPBACK, Identity
from exporter.server.pages import Tab, tabs
from exporter.server.pages._frame import back_to, frame, template
from exporter.server.pages._tab import VIEWER
from exporter.server.pages._texts import TEXTS, fill
from exporter.server.services import SERVICES
from exporter.server.web_config.settings import Role

_TEXTS = TEXTS["refused"]
_TITLES = {400: "wrong", 404: "nowhere"}
_OF_THE_TEXT = frozenset(("content-type", "content-length"))
"""Headers of the one sentence, which a page in its place has of its own."""


@web.middleware
async def refuse_politely(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a browser that may not open a page, or asks for none of ours, by a page and the same status."""
    try:
        return await handler(request)
    except (web.HTTPBadRequest, web.HTTPUnauthorized, web.HTTPForbidden, web.HTTPNotFound) as error:
        if not _is_for_a_person(request):
            raise
        headers = {name: value for name, value in error.headers.items() if name.lower() not in _OF_THE_TEXT}
        text = _page(request, error)
        return web.Response(text=text, status=error.status, headers=headers, content_type="text/html")


def _is_for_a_person(request: web.Request) -> bool:
    accepted = "text/html" in request.headers.get("Accept", "")
    return accepted and request.method in ("GET", "HEAD") and "/api/" not in request.path


def _page(request: web.Request, error: web.HTTPException) -> str:
    # aiohttp's text where none was given repeats the status.
    plain = not error.text or error.text == f"{error.status}: {error.reason}"
    about: dict[str, Any] = {"refused": error.reason if plain else error.text}
    reader = _reader(request, error)
    # Style and script are for viewers: a browser that asked for them would ask for a password again.
    if reader is None or not reader.has(Role.VIEWER):
        # One title for all: who is not known learns nothing of what exists.
        return template("_unknown_caller.html").render({**about, "title": _TEXTS["closed"]})
    request[IDENTITY] = reader
    path = _path(request)
    tab = next((tab for tab in tabs() if tab.path == path), _NOWHERE)
    # Also where that is no tab, such as /config.
    about["back"] = back_to(request, path or "/")
    denied = error.status in (401, 403)
    about |= {"title": _TEXTS[_TITLES.get(error.status, "closed")], "denied": denied, "whole": ""}
    if tab is not _NOWHERE and error.status == 400:
        about["whole"] = tab.path
    elif tab is not _NOWHERE and denied:
        about["title"] = fill(_TEXTS["title"], tab=tab.title, role=str(tab.rule.role))
    return template("_refused.html").render({**frame(request, tab), **about})


def _path(request: web.Request) -> str:
    """Return the path of the route that was asked for, "" where there is none."""
    resource = request.match_info.route.resource
    return resource.canonical.removeprefix(request.app[SERVICES].paths.route_prefix) if resource else ""


def _reader(request: web.Request, error: web.HTTPException) -> Identity | None:
    """Return who reads the refusal, None where that is not known."""
    known: Identity | None = request.get(IDENTITY)
    is_local = not request.app[SERVICES].web.current.closed and error.status == 401
    # Whoever is on this machine may read, and is asked for the token on the page itself.
    return LOOPBACK if known is None and is_local else known


async def _nothing(_request: web.Request) -> dict[str, Any]:
    return {}


_NOWHERE = Tab("/", str(_TEXTS["nowhere"]), "", "_refused.html", _nothing, VIEWER, listed=False)
"""Stands for a page that there is not: nobody finds it by its path."""
