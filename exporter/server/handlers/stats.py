"""Uptime, latency, errors, quotas and costs over a window, beside the window before."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.defaults import STATS_SUBJECTS, STATS_WINDOW, STATS_WINDOWS
from exporter.core.errors import StoreError
from exporter.core.hours import HourRange, hours_before, last_hours
from exporter.core.reason import Reason
from exporter.core.store import Statistic, Window
from exporter.core.usage import QUOTA, RATE_LIMIT
from exporter.server.answers import json_answer, one_of, whole_number
from exporter.server.periods import periods
from exporter.server.query import filter_of, format_of, row_limit
from exporter.server.services import SERVICES, StoreReader
from exporter.server.stat_extras import StatExtras, read_extras
from exporter.server.stream import Rows, export_rows, store_unavailable
from exporter.server.unknown import refuse_unknown
from exporter.store.subjects.summaries import statistics

PORTION = 500
FIGURES = (
    *("runs", "failed", "uptime", "error_ratio", "p50_seconds", "p95_seconds"),
    *("quota_ratio", "rate_limit_ratio", "rate_limited", "cost_usd"),
)
TRENDS = (
    "uptime",
    "error_ratio",
    "p50_seconds",
    "p95_seconds",
    "quota_ratio",
    "rate_limit_ratio",
    "cost_usd",
)
"""Figures of which a row says by how much they rose."""

COLUMNS = (
    *("integration", "tenant", "provider", *FIGURES, "reasons"),
    *(f"before_{name}" for name in FIGURES),
    *(f"trend_{name}" for name in TRENDS),
)
READ_TIMEOUT = 30.0
"""Seconds for one portion: months of many targets are read row by row."""


@dataclass(frozen=True)
class StatsQuery:
    """A window, the one before, and the portion of their rows that is requested."""

    now: Window
    before: Window
    limit: int
    offset: int


async def stats(request: web.Request) -> web.StreamResponse:
    """Answer a row for each target, integration or tenant, the one with the least uptime first."""
    name = one_of(request, "window", tuple(STATS_WINDOWS), STATS_WINDOW)
    by = STATS_SUBJECTS[one_of(request, "by", tuple(STATS_SUBJECTS), "target")]
    services, limit = request.app[SERVICES], row_limit(request)
    await refuse_unknown(request, stored=True)
    offset = whole_number(request, "offset", 0, 10_000_000)
    clock = services.now()
    query = StatsQuery(
        *windows(clock, STATS_WINDOWS[name], Window(0, 0, by, filter_of(request))), limit, offset
    )
    if format_of(request) != "json":
        flat = format_of(request) == "csv"
        return await export_rows(request, COLUMNS, _portions(services.read_store, query, flat=flat))
    # One row more shows whether there is a next page.
    found = await _read(services.read_store, replace(query, limit=limit + 1))
    return json_answer(
        {
            "window": name,
            **periods(HourRange(query.now.since, query.now.until), clock),
            "stats": found[:limit],
            "next_offset": offset + limit if len(found) > limit else None,
        }
    )


def windows(now: float, hours: int, like: Window) -> tuple[Window, Window]:
    """Return the window of at least `hours` hours that ends at `now`, and the time as long before it."""
    found = last_hours(now, hours)
    _, (since, until), first = hours_before(found, now)
    return (
        replace(like, since=found.since, until=found.until),
        replace(like, since=since, until=until, first=first),
    )


def read_rows(connection: Connection, query: StatsQuery) -> list[dict[str, Any]]:
    """Return the rows that answer `query`; this may block."""
    found = statistics(connection, query.now, limit=query.limit, offset=query.offset)
    if not found:
        return []
    subjects = [one.subject for one in found]
    asked = replace(query.before, subjects=subjects)
    earlier = statistics(connection, asked, limit=len(subjects))
    now = read_extras(connection, replace(query.now, subjects=subjects))
    before = read_extras(connection, asked)
    figures = {one.subject: _figures(one, before) for one in earlier}
    return [_row(query.now.by, one, now, figures.get(one.subject)) for one in found]


async def _portions(read_store: StoreReader, query: StatsQuery, *, flat: bool) -> AsyncIterator[Rows]:
    end = query.offset + query.limit
    for offset in range(query.offset, end, PORTION):
        size = min(PORTION, end - offset)
        rows = await _read(read_store, replace(query, offset=offset, limit=size))
        yield [_flatten(row) for row in rows] if flat else rows
        if len(rows) < size:
            return


async def _read(read_store: StoreReader, query: StatsQuery) -> list[dict[str, Any]]:
    try:
        return await read_store(lambda connection: read_rows(connection, query), READ_TIMEOUT)
    except StoreError as error:
        raise store_unavailable(error) from None


def _row(
    by: tuple[str, ...], found: Statistic, extras: StatExtras, before: dict[str, Any] | None
) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(by, found.subject, strict=True))
    if "integration" in by:
        row["provider"] = found.provider
    row |= _figures(found, extras)
    row["reasons"] = extras.reasons.get(found.subject, {})
    row["allowances"] = extras.allowances(found.subject)
    row["before"] = before
    row["trend"] = {name: _difference(row[name], before[name]) for name in TRENDS} if before else None
    return row


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else round(now - before, 6)


def _figures(found: Statistic, extras: StatExtras) -> dict[str, Any]:
    return {
        "runs": found.runs,
        "failed": found.failed,
        "uptime": _round(found.uptime),
        "error_ratio": _round(found.error_ratio),
        "p50_seconds": _round(found.latency(0.5)),
        "p95_seconds": _round(found.latency(0.95)),
        "quota_ratio": _round(extras.worst(found.subject, QUOTA)),
        "rate_limit_ratio": _round(extras.worst(found.subject, RATE_LIMIT)),
        "rate_limited": extras.reasons.get(found.subject, {}).get(Reason.RATE_LIMITED.value, 0),
        "cost_usd": _round(extras.costs.get(found.subject, 0.0)),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _flatten(row: dict[str, Any]) -> dict[str, Any]:
    before, trend = row.get("before") or {}, row.get("trend") or {}
    return {
        **row,
        **{f"before_{name}": before.get(name) for name in FIGURES},
        **{f"trend_{name}": trend.get(name) for name in TRENDS},
    }
