"""WSGI middleware (PEP 3333): one event for each request, when its answer is through."""

import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from exporter.client.client import Client
from exporter.client.routes import trace_id, wsgi_route

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
StartResponse = Callable[..., Callable[[bytes], object]]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]


class WSGIMiddleware:
    """Reports every request that `app` answers to `client`; works with Flask and others.

    The route is Flask's rule; where there is none it is the path, which the exporter maps to its templates.
    The duration ends with the last piece of a streaming answer. `describe` may return more fields of a
    request, such as user or tenant, from its environ. Django has a middleware of its own in client/django.py.
    """

    def __init__(
        self, app: WSGIApp, client: Client, describe: Callable[[Environ], dict[str, Any]] | None = None
    ) -> None:
        """Stand before `app`."""
        self.app = app
        self.client = client
        self.describe = describe

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, and report it at the end."""
        if not self.client.enabled:
            return self.app(environ, start_response)
        request = _Request(self, environ)
        try:
            pieces = self.app(environ, request.start(start_response))
        except BaseException:
            request.report()
            raise
        return _Pieces(pieces, request)

    def report(self, environ: Environ, route: str, status: int, seconds: float) -> None:
        """Report one request."""
        try:
            fields = self.describe(environ) if self.describe else {}
            self.client.event(
                "api_request",
                {
                    "route": route,
                    "method": environ.get("REQUEST_METHOD", ""),
                    "status": status,
                    "duration": seconds,
                    "trace_id": trace_id(environ.get("HTTP_TRACEPARENT", "")),
                    **fields,
                },
            )
        except Exception:  # noqa: BLE001 - `describe` is the app's; its mistake must not cost the answer
            self.client.skip()


class _Request:
    """One request: when it began, which status it has."""

    def __init__(self, middleware: WSGIMiddleware, environ: Environ) -> None:
        self._middleware, self._environ = middleware, environ
        self._since = time.perf_counter()
        self._status = 500  # what a server answers when the app raises before it has answered
        self._route = ""

    def start(self, start_response: StartResponse) -> StartResponse:
        """Return `start_response` that also remembers the status."""

        def watch(status: str, *rest: Any) -> Callable[[bytes], object]:
            self._status = int(status[:3])
            # Now: Flask takes its request out of the environ before the answer is through.
            self._route = wsgi_route(self._environ)
            return start_response(status, *rest)

        return watch

    def report(self) -> None:
        route = self._route or wsgi_route(self._environ)
        self._middleware.report(self._environ, route, self._status, time.perf_counter() - self._since)


class _Pieces:
    """The pieces of an answer; the server closes it when all are sent, or the other side is gone."""

    def __init__(self, pieces: Iterable[bytes], request: _Request) -> None:
        self._pieces, self._request = pieces, request

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        try:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        finally:
            self._request.report()
