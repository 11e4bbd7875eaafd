"""`/api/v1/timeline`: uptime, latency and failures of an integration or target by the hour or day."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.clock import iso
from exporter.core.errors import StoreError
from exporter.core.hours import DAY, FOLDED_AFTER, HourRange, last_hours
from exporter.core.store import Statistic, Window
from exporter.core.summary import HOUR
from exporter.server.answers import json_answer, one_of
from exporter.server.query import filter_of
from exporter.server.services import SERVICES
from exporter.server.stream import store_unavailable
from exporter.server.unknown import refuse_unknown
from exporter.store.subjects.summaries import reasons, statistics

STEPS: Mapping[str, tuple[int, int]] = {"hour": (HOUR, FOLDED_AFTER // HOUR), "day": (DAY, 90 * 24)}
"""Seconds of a step, and for how many hours it is answered: those that the store keeps apart, or 90 days."""

READ_TIMEOUT = 30.0


async def timeline(request: web.Request) -> web.Response:
    """Answer a row for each hour or day in which there was a check, the oldest first."""
    if not request.query.get("integration"):
        raise web.HTTPBadRequest(text="name an integration; a tenant narrows it further")
    step = one_of(request, "step", tuple(STEPS), "day")
    services = request.app[SERVICES]
    await refuse_unknown(request, stored=True)
    size, hours = STEPS[step]
    span = last_hours(services.now(), hours)
    window = Window(*span, ("hour",), filter_of(request))
    try:
        rows = await services.read_store(lambda connection: _rows(connection, window, size), READ_TIMEOUT)
    except StoreError as error:
        raise store_unavailable(error) from None
    # The last step runs still, and the rest of its day is to come.
    until = min(span.until, int(services.now()) // size * size + size)
    head = {"step": step, "since": iso(span.since), "until": iso(until), "step_seconds": size}
    return json_answer(head | {"timeline": rows})


def _rows(connection: Connection, window: Window, size: int) -> list[dict[str, Any]]:
    """Return the rows of a window; this may block."""
    span = HourRange(window.since, window.until)
    most = (span.until - span.since) // HOUR
    found: dict[int, list[Statistic]] = {}
    for one in statistics(connection, window, limit=most):
        found.setdefault(_start(one.subject, size), []).append(one)
    why: dict[int, dict[str, int]] = {}
    for subject, counts in reasons(connection, window).items():
        known = why.setdefault(_start(subject, size), {})
        for reason, count in counts.items():
            known[reason] = known.get(reason, 0) + count
    return [
        {"at": iso(at)} | _figures(_sum(found[at])) | {"reasons": why.get(at, {})} for at in sorted(found)
    ]


def _start(subject: tuple[Any, ...], size: int) -> int:
    return int(subject[0]) // size * size


def _sum(parts: Iterable[Statistic]) -> Statistic:
    every = list(parts)
    return Statistic(
        subject=(),
        provider=every[0].provider,
        runs=sum(one.runs for one in every),
        failed=sum(one.failed for one in every),
        seconds=sum(one.seconds for one in every),
        failing_seconds=sum(one.failing_seconds for one in every),
        latency_counts=tuple(map(sum, zip(*(one.latency_counts for one in every), strict=True))),
    )


def _figures(found: Statistic) -> dict[str, Any]:
    return {
        "runs": found.runs,
        "failed": found.failed,
        "uptime": _round(found.uptime),
        "p50_seconds": _round(found.latency(0.5)),
        "p95_seconds": _round(found.latency(0.95)),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
