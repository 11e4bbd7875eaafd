"""How webhooks do, received and sent, over the last hour, day, week and month."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.clock import iso
from exporter.core.defaults import HEALTH_WINDOWS, STATS_WINDOW
from exporter.core.errors import StoreError
from exporter.core.forwarding import FORWARD
from exporter.core.hours import last_hours
from exporter.core.store import Subject
from exporter.core.summary import BUCKETS
from exporter.core.webhook_metrics import INBOUND, OUTBOUND
from exporter.core.webhook_summary import WebhookStatistic, WebhookWindow
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, one_of, whole_number
from exporter.server.services import SERVICES
from exporter.server.stream import store_unavailable
from exporter.store.backlog import backlogs
from exporter.store.subjects.webhook_summaries import by_hour, reasons, statistics

READ_TIMEOUT = 30.0
BY: dict[str, tuple[str, tuple[str, ...]]] = {
    "sources": (INBOUND, ("name", "tenant")),
    "endpoints": (OUTBOUND, ("name", "tenant")),
    "tenants": ("", ("tenant",)),
}
"""Key of the answer, the direction that it is about, and the columns that make a row of it."""

TenantOf = Callable[[str, str], str | None]
"""Returns the tenant of a receiver by its kind and name, None where it is gone."""

_WORDS = {"sources": "source", "endpoints": "endpoint"}


async def health(request: web.Request) -> web.Response:
    """Answer the figures of every window, and by source, endpoint and tenant those of one."""
    query, services = request.query, request.app[SERVICES]
    name = one_of(request, "window", tuple(HEALTH_WINDOWS), STATS_WINDOW)
    limit = max(1, whole_number(request, "limit", 100, 1000))
    tenant, tenants, now = query.get("tenant"), request[IDENTITY].tenants, services.now()
    windows = {
        word: WebhookWindow(*last_hours(now, hours), tenant=tenant or None, tenants=tenants)
        for word, hours in HEALTH_WINDOWS.items()
    }
    tenant_of = _tenants(request)
    services.webhook_summaries()
    # Else the attempts of the last seconds would still be missing.
    await services.flush()

    def read(connection: Connection) -> dict[str, Any]:
        return {
            "window": name,
            "since": iso(windows[name].since),
            "until": iso(now),
            "windows": both_ways(connection, windows),
            **{key: _rows(connection, windows[name], key, limit) for key in BY},
            "backlog": _backlog(connection, tenant_of, windows[name], limit),
        }

    try:
        return json_answer(await services.read_store(read, READ_TIMEOUT))
    except StoreError as error:
        raise store_unavailable(error) from None


def both_ways(connection: Connection, windows: Mapping[str, WebhookWindow]) -> dict[str, dict[str, Any]]:
    """Return of each window its figures, and those of each direction in it."""
    # The windows lie within one another: one look at the longest answers all of them.
    longest = replace(
        next(iter(windows.values())),
        since=min(one.since for one in windows.values()),
        until=max(one.until for one in windows.values()),
        by=("direction",),
    )
    hours = by_hour(connection, longest)
    why = reasons(connection, replace(longest, by=("hour", "direction")))
    return {name: _sum_of(window, hours, why) for name, window in windows.items()}


def _sum_of(
    window: WebhookWindow, hours: Iterable[WebhookStatistic], why: Mapping[Subject, Mapping[str, int]]
) -> dict[str, Any]:
    """Return the figures of a window out of those of its hours; a subject is an hour and a direction."""
    within = range(window.since, window.until)
    parts = {
        word: [one for one in hours if one.subject[1] == word and int(one.subject[0]) in within]
        for word in (INBOUND, OUTBOUND)
    }
    failed = {word: Counter[str]() for word in parts}
    for (hour, word), counts in why.items():
        if int(hour) in within and word in failed:
            failed[word].update(counts)
    total = sum(failed.values(), Counter[str]())
    return _figures(_sum(chain(*parts.values())), _by_frequency(total)) | {
        word: _figures(_sum(found), _by_frequency(failed[word])) for word, found in parts.items()
    }


def _by_frequency(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _sum(found: Iterable[WebhookStatistic]) -> WebhookStatistic:
    every = list(found)
    return WebhookStatistic(
        subject=(),
        attempts=sum(one.attempts for one in every),
        failed=sum(one.failed for one in every),
        dead=sum(one.dead for one in every),
        latency_counts=tuple(map(sum, zip(*(one.latency_counts for one in every), strict=True)))
        or (0,) * BUCKETS,
    )


def _rows(connection: Connection, window: WebhookWindow, key: str, limit: int) -> list[dict[str, Any]]:
    direction, by = BY[key]
    asked = replace(window, by=by, direction=direction)
    found = statistics(connection, asked, limit)
    why = reasons(connection, replace(asked, subjects=[one.subject for one in found])) if found else {}
    return [
        {
            _WORDS.get(key, word) if word == "name" else word: value
            for word, value in zip(by, one.subject, strict=True)
        }
        | _figures(one, why.get(one.subject, {}))
        for one in found
    ]


def _backlog(
    connection: Connection, tenant_of: TenantOf, window: WebhookWindow, limit: int
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "receiver": name,
            "direction": INBOUND if kind == FORWARD else OUTBOUND,
            "tenant": tenant,
            "waiting": found.waiting,
            "dead": found.dead,
            "oldest": iso(found.oldest),
        }
        for (kind, name), found in backlogs(connection).items()
        if _is_wanted(tenant := tenant_of(kind, name), window)
    ]
    rows.sort(key=lambda row: (-row["waiting"], -row["dead"], row["receiver"]))
    return {
        "waiting": sum(row["waiting"] for row in rows),
        "dead": sum(row["dead"] for row in rows),
        "oldest": min((row["oldest"] for row in rows if row["oldest"]), default=None),
        "receivers": rows[:limit],
    }


def _is_wanted(tenant: str | None, window: WebhookWindow) -> bool:
    """Return whether what waits for `tenant` is asked for; None is that of a receiver that is gone."""
    if window.tenants is not None and tenant not in window.tenants:
        return False
    return window.tenant is None or tenant == window.tenant


def _tenants(request: web.Request) -> TenantOf:
    """Return what says whose a receiver is: each has one tenant."""
    services = request.app[SERVICES]
    sources = {one.name: one.tenant for one in services.configuration().webhooks.sources}

    def tenant_of(kind: str, name: str) -> str | None:
        if kind == FORWARD:
            return sources.get(name)
        entry = services.endpoints.find(name) if services.endpoints else None
        return entry.endpoint.tenant if entry else None

    return tenant_of


def _figures(found: WebhookStatistic, why: Mapping[str, int]) -> dict[str, Any]:
    return {
        "attempts": found.attempts,
        "failed": found.failed,
        "dead": found.dead,
        "success_ratio": _round(found.success_ratio),
        "p50_seconds": _round(found.latency(0.5)),
        "p95_seconds": _round(found.latency(0.95)),
        "reasons": why,
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
