"""How much rate limits allow and block, by endpoint, policy and what they count by, over hours and days."""

from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.clock import iso
from exporter.core.defaults import RATE_LIMIT_WINDOWS
from exporter.core.errors import StoreError
from exporter.core.ratelimit import RateLimitSummary
from exporter.core.summary import HOUR
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, one_of, whole_number
from exporter.server.services import SERVICES
from exporter.server.stream import store_unavailable
from exporter.store.subjects.ratelimit_summaries import RateLimitWindow, statistics

USUAL_WINDOW = "24h"
READ_TIMEOUT = 30.0

BY: dict[str, tuple[str, ...]] = {
    "endpoints": ("scope", "endpoint"),
    "identifiers": ("kind",),
    "policies": ("policy",),
    "tenants": ("tenant",),
}
"""Key of the answer, and the columns that make a row of it."""

_WORDS = {"kind": "by"}


async def summary(request: web.Request) -> web.Response:
    """Answer the counts of every window, and those of one by endpoint, identifier, policy and tenant."""
    services, identity = request.app[SERVICES], request[IDENTITY]
    name = one_of(request, "window", tuple(RATE_LIMIT_WINDOWS), USUAL_WINDOW)
    limit = max(1, whole_number(request, "limit", 100, 1000))
    tenant, now = request.query.get("tenant") or None, services.now()
    until = (int(now) // HOUR + 1) * HOUR
    windows = {
        word: RateLimitWindow(
            int(now - seconds) // HOUR * HOUR, until, tenant=tenant, tenants=identity.tenants
        )
        for word, seconds in RATE_LIMIT_WINDOWS.items()
    }
    if services.ratelimits is not None:
        services.ratelimits.summaries.hand_over()
    # Else the requests of the last seconds would still be missing.
    await services.flush()

    def read(connection: Connection) -> dict[str, Any]:
        return {
            "windows": {word: _total(connection, window) for word, window in windows.items()},
            **{key: _rows(connection, windows[name], key, limit) for key in BY},
        }

    try:
        found = await services.read_store(read, READ_TIMEOUT)
    except StoreError as error:
        raise store_unavailable(error) from None
    head = {"window": name, "since": iso(windows[name].since), "until": iso(now)}
    return json_answer(head | found | {"blocked_now": _blocked_now(request, tenant)})


def _total(connection: Connection, window: RateLimitWindow) -> dict[str, Any]:
    ((_, found),) = statistics(connection, window)
    return _figures(found)


def _rows(connection: Connection, window: RateLimitWindow, key: str, limit: int) -> list[dict[str, Any]]:
    by = BY[key]
    asked = RateLimitWindow(window.since, window.until, by, window.tenant, window.tenants)
    return [
        {_WORDS.get(word, word): value for word, value in zip(by, subject, strict=True)} | _figures(found)
        for subject, found in statistics(connection, asked, limit)
    ]


def _figures(found: RateLimitSummary) -> dict[str, Any]:
    requests = found.allowed + found.blocked
    return {
        "requests": requests,
        **found.as_row(),
        "block_ratio": round(found.blocked / requests, 6) if requests else None,
    }


def _blocked_now(request: web.Request, tenant: str | None) -> int:
    limits, identity = request.app[SERVICES].ratelimits, request[IDENTITY]
    blocks = limits.book.blocks() if limits is not None else []
    return sum(identity.sees(one.tenant) and tenant in (None, one.tenant) for one in blocks)
