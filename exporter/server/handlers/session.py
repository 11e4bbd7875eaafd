"""Signing in on the page by the admin token, and out again."""

import asyncio
from collections.abc import Mapping

import structlog
from aiohttp import web
from yarl import URL

from exporter.server.access import IDENTITY
from exporter.server.admin import cookie_name
from exporter.server.answers import BODY_SECONDS
from exporter.server.audit import audit, audit_repeatable
from exporter.server.change_stream import STREAMS
from exporter.server.route_table import ROUTE_TABLE
from exporter.server.services import SERVICES, Services
from exporter.server.sessions import SESSION_SECONDS


async def sign_in(request: web.Request) -> web.Response:
    """Begin a session for the token in the form; a wrong one leads back to the form."""
    services, form = _services(request), await _form(request)
    log = structlog.get_logger("exporter.web")
    if not services.admin.fits(str(form.get("token", "")).strip()):
        audit_repeatable(request, "session.sign_in", "page", outcome="refused")
        log.warning("sign-in refused", actor=request[IDENTITY].name)
        # 303: the browser goes on by GET, and a reload does not send the form again.
        return web.Response(status=303, headers={"Location": f"{_back(request, form, wrong=True)}#sign-in"})
    audit(request, "session.sign_in", "page")
    log.info("signed in", actor="admin-session")
    answer = web.Response(status=303, headers={"Location": _back(request, form)})
    answer.set_cookie(
        cookie_name(request),
        services.admin.begin_session(services.now()),
        max_age=int(SESSION_SECONDS),
        path=services.paths.link("/"),
        secure=request.secure,
        httponly=True,
        # Strict: no other site's link or form arrives with the session.
        samesite="Strict",
    )
    return answer


async def sign_out(request: web.Request) -> web.Response:
    """End the session of this browser, and of whoever has a copy of its cookie."""
    services = _services(request)
    services.admin.end_session(request.cookies.get(cookie_name(request), ""))
    request.app[STREAMS].doubt()
    audit_repeatable(request, "session.sign_out", "page")
    answer = web.Response(status=303, headers={"Location": services.paths.link("/")})
    answer.del_cookie(cookie_name(request), path=services.paths.link("/"))
    return answer


async def _form(request: web.Request) -> Mapping[str, object]:
    """Return the form in the body, as a browser sends the page's own; 400 for one that cannot be read."""
    if request.content_type.startswith("multipart/"):
        raise web.HTTPBadRequest(text="the form must be application/x-www-form-urlencoded")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.post()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not arrive in time") from None
    # LookupError: a charset that there is not.
    except (ValueError, LookupError, web.RequestPayloadError):
        raise web.HTTPBadRequest(text="the form cannot be read") from None


def _back(request: web.Request, form: Mapping[str, object], *, wrong: bool = False) -> str:
    """Return the link to the page that the form names, as `to`, if it is one of ours; else to the first."""
    try:
        asked = URL(str(form.get("to", "/")))
    except ValueError:
        asked = URL("/")
    # Only path and query are taken, and put behind our own address: nobody is led to another site.
    path = asked.path if ("GET", asked.path) in request.app[ROUTE_TABLE] else "/"
    query = {**asked.query, **({"sign-in": "wrong"} if wrong else {})}
    return str(URL(request.app[SERVICES].paths.link(path)).with_query(query))


def _services(request: web.Request) -> Services:
    services = request.app[SERVICES]
    if services.web.current.closed:
        raise web.HTTPNotFound(text="here the web configuration says who may do what")
    return services
