"""ASGI middleware (asgi.readthedocs.io): one event for each HTTP request, when its answer is through."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from exporter.client.client import Client
from exporter.client.routes import asgi_route, trace_id

ASGIScope = MutableMapping[str, Any]
ASGIMessage = MutableMapping[str, Any]
ASGIReceive = Callable[[], Awaitable[ASGIMessage]]
ASGISend = Callable[[ASGIMessage], Awaitable[None]]
ASGIApp = Callable[[ASGIScope, ASGIReceive, ASGISend], Awaitable[None]]


class ASGIMiddleware:
    """Reports every request that `app` answers to `client`; works with FastAPI, Starlette, Django and others.

    The route is the template that the framework chose; where it says none it is the path, which the exporter
    maps to its templates. The duration ends with the last piece of a streaming answer. `describe` may return
    more fields of a request, such as user or tenant, from its scope.
    """

    def __init__(
        self, app: ASGIApp, client: Client, describe: Callable[[ASGIScope], dict[str, Any]] | None = None
    ) -> None:
        """Stand before `app`."""
        self.app = app
        self.client = client
        self.describe = describe

    async def __call__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        """Answer the request, and report it; lifespan and websockets pass through."""
        if scope["type"] != "http" or not self.client.enabled:
            await self.app(scope, receive, send)
            return
        status = 500  # what a server answers when the app raises before it has answered

        async def watch(message: ASGIMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        since = time.perf_counter()
        try:
            await self.app(scope, receive, watch)
        finally:
            self._report(scope, status, time.perf_counter() - since)

    def _report(self, scope: ASGIScope, status: int, seconds: float) -> None:
        try:
            fields = self.describe(scope) if self.describe else {}
            self.client.event(
                "api_request",
                {
                    "route": asgi_route(scope),
                    "method": scope["method"],
                    "status": status,
                    "duration": seconds,
                    "trace_id": _trace_id(scope),
                    **fields,
                },
            )
        except Exception:  # noqa: BLE001 - `describe` is the app's; its mistake must not cost the answer
            self.client.skip()


def _trace_id(scope: ASGIScope) -> str | None:
    for name, value in scope.get("headers", ()):
        if name == b"traceparent":
            return trace_id(value.decode("latin-1"))
    return None
