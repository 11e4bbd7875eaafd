"""Builds the web application from its services and the table of routes."""

from collections.abc import Mapping

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler, Middleware

from exporter.server.access import ACCESS, IDENTITY, Access, AccessRule, Effect
from exporter.server.answers import BODY_LIMIT, add_security_headers, limiter, plain_errors
from exporter.server.audit import audit_refusal
from exporter.server.change_stream import close_streams, run_streams
from exporter.server.jobs import run_jobs
from exporter.server.limits import RouteLimits, add_limit_headers
from exporter.server.nul import refuse_nul
from exporter.server.pages._refusal import refuse_politely
from exporter.server.paths import Paths
from exporter.server.route_table import ROUTE_TABLE, GuardedHandler
from exporter.server.routes import ROUTES
from exporter.server.services import SERVICES, Services
from exporter.server.web_config.settings import Role

# A path that is not a route asks for the role of a page: callers without one learn nothing of what exists.
_NO_ROUTE = AccessRule(Role.VIEWER, narrow=True)


def build(services: Services) -> web.Application:
    """Return the application, ready for a `Listener`."""
    prefix = services.paths.route_prefix
    rules: dict[object, AccessRule] = {route.handler: route.rule for route in ROUTES}
    exempt = {route.path for route in ROUTES if route.rule.unlimited}
    limits = RouteLimits(services.ratelimits, prefix, exempt)
    access = Access(services.web, services.paths, services.admin, services.now)
    app = web.Application(
        client_max_size=BODY_LIMIT,
        middlewares=[
            # The first is the outermost: the limit holds before a password costs a check.
            plain_errors,
            refuse_politely,
            limiter(services.web, {handler for handler, rule in rules.items() if rule.unlimited}),
            limits.by_address(),
            authorize(access, rules, limits),
        ],
    )
    app[SERVICES], app[ACCESS] = services, access
    app[ROUTE_TABLE] = {
        (method, route.path): GuardedHandler(route.handler, route.rule)
        for route in ROUTES
        for method in route.methods
    }
    app.on_response_prepare.append(add_security_headers(services.web))
    app.on_response_prepare.append(add_limit_headers)
    app.cleanup_ctx.extend((run_jobs, run_streams))
    app.on_shutdown.append(close_streams)
    for route in ROUTES:
        for method in (*route.methods, *route.refused):
            app.router.add_route(method, prefix + route.path, route.handler, expect_handler=_defer_continue)
    if prefix:
        _redirect_root(app, services.paths)
    return app


def authorize(access: Access, rules: Mapping[object, AccessRule], limits: RouteLimits) -> Middleware:
    """Return the middleware that lets a request through to its handler only by the handler's rule.

    `limits` say how often who is known then may ask.
    """

    @web.middleware
    async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
        rule = rules.get(request.match_info.handler, _NO_ROUTE)
        try:
            request[IDENTITY] = await access.admit(request, rule)
        except (web.HTTPUnauthorized, web.HTTPForbidden) as error:
            # A page that is opened without credentials is no attempt at anything.
            if rule.role is Role.ADMIN or rule.effect is Effect.CHANGE or "Authorization" in request.headers:
                audit_refusal(request, error.status)
            raise
        await limits.check_caller(request)
        refuse_nul(request)
        if "Expect" in request.headers and request.match_info.http_exception is None:
            await _send_continue(request)
        return await handler(request)

    return check_access


async def _defer_continue(_request: web.Request) -> None:
    """Let no caller send a body before it is known who calls; see `_send_continue`."""


async def _send_continue(request: web.Request) -> None:
    """Ask for the body that waits for it (RFC 9110, section 10.1.1)."""
    if request.headers["Expect"].lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="only Expect: 100-continue is known")
    if request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


def _redirect_root(app: web.Application, paths: Paths) -> None:
    async def home(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(paths.link("/"))

    for path in {"/", paths.route_prefix}:
        app.router.add_get(path, home)
