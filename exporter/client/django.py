"""Django middleware: one event for each request, with the route as urls.py has it.

Add "exporter.client.django.ReportRequests" to MIDDLEWARE, and the client to the settings as
INTEGRATION_EXPORTER_CLIENT; without that one is made from the environment.
"""

import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from exporter.client.client import Client
from exporter.client.routes import trace_id

Respond = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class ReportRequests:
    """Reports every request; the duration of a streaming answer ends when it begins to stream."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Respond) -> None:
        """Stand before `get_response`, which may be a coroutine function."""
        self.get_response: Any = get_response
        self.waits = iscoroutinefunction(get_response)
        if self.waits:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answer the request, and report it."""
        return self._wait(request) if self.waits else self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        since = time.perf_counter()
        response: HttpResponseBase = self.get_response(request)
        _report(request, response, time.perf_counter() - since)
        return response

    async def _wait(self, request: HttpRequest) -> HttpResponseBase:
        since = time.perf_counter()
        response: HttpResponseBase = await self.get_response(request)
        _report(request, response, time.perf_counter() - since)
        return response


def _report(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    match = request.resolver_match
    _client().event(
        "api_request",
        {
            "route": f"/{match.route}" if match and match.route else request.path,
            "method": request.method,
            "status": response.status_code,
            "duration": seconds,
            "trace_id": trace_id(request.headers.get("traceparent", "")),
        },
    )


@cache
def _client() -> Client:
    return getattr(settings, "INTEGRATION_EXPORTER_CLIENT", None) or Client.from_environment()
