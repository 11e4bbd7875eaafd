"""How requests do that apps report: percentiles, errors and the slowest, over the last hour up to a month."""

from typing import Any

from aiohttp import web

from exporter.core.event_summary import AI, API, EventStatistic
from exporter.server.event_reader import (
    Comparison,
    EventReader,
    EventStatistics,
    Figures,
    answer,
    beside,
    money,
    ratio,
    rows_of,
    seconds,
    total,
)

LEAST = 10
"""Requests below which a percentile or a share says little: such rows come behind the others."""

CLIENT = "client"


async def health(request: web.Request) -> web.Response:
    """Answer the figures of every window, and the slowest and worst routes of one."""
    return await answer(request, (API, AI), _health)


def _health(reader: EventReader) -> Figures:
    requests, ai = reader.windows(API, "integration"), reader.windows(AI)
    routes = reader.compare(API, "integration", "name", "variant")
    rows = [_route(subject, one, routes.before.get(subject)) for subject, one in routes.now.items()]
    limit = reader.question.limit
    return {
        "windows": {
            name: span
            | {
                "requests": compare_requests(requests[name], own=True),
                "calls": compare_requests(requests[name], own=False),
                "ai": beside(ai_figures, total(ai[name].now), total(ai[name].before)),
            }
            for name, span in reader.spans().items()
        },
        "slowest": sorted(rows, key=_slowness)[:limit],
        "worst": [row for row in sorted(rows, key=_badness) if row["errors"]][:limit],
        "ai": _ai_rows(reader)[:limit],
    }


def compare_requests(found: Comparison, *, own: bool) -> Figures:
    """Return the figures of requests that apps answered themselves, or of their calls to integrations."""

    def figures(one: EventStatistic) -> Figures:
        return request_figures(one, own=own)

    return beside(figures, _sum(found.now, own=own), _sum(found.before, own=own))


def _sum(found: EventStatistics, *, own: bool) -> EventStatistic:
    return total({subject: one for subject, one in found.items() if (subject[0] == "") == own})


def _route(subject: tuple[str, ...], now: EventStatistic, before: EventStatistic | None) -> Figures:
    integration, route, method = subject

    def figures(one: EventStatistic) -> Figures:
        return request_figures(one, own=not integration)

    return {"route": route, "method": method, "integration": integration} | beside(figures, now, before)


def request_figures(found: EventStatistic, *, own: bool) -> Figures:
    """Return the figures of requests; a wrong one is the client's error, unless the client is the app."""
    errors = found.failed - (found.outcomes[CLIENT] if own else 0)
    return {
        "requests": found.number,
        "errors": errors,
        "error_ratio": ratio(errors, found.number),
        "reasons": found.reasons,
        **percentiles(found),
    }


def ai_figures(found: EventStatistic) -> Figures:
    """Return what calls to AI services resulted in, and cost."""
    return {
        "calls": found.number,
        "errors": found.failed,
        "error_ratio": ratio(found.failed, found.number),
        "reasons": found.reasons,
        "cost_usd": money(found.amount),
        "cost_per_call_usd": money(found.amount / found.number) if found.number else None,
        **percentiles(found),
    }


def percentiles(found: EventStatistic) -> Figures:
    """Return the percentiles of durations, within 10.1 % from 1 ms to 100 s."""
    return {f"p{percent}_seconds": seconds(found.latency(percent / 100)) for percent in (50, 95, 99)}


def _ai_rows(reader: EventReader) -> list[Figures]:
    rows = rows_of(("endpoint", "integration"), reader.compare(AI, "name", "integration"), ai_figures)
    return sorted(rows, key=lambda row: (-row["cost_usd"], -row["calls"], row["endpoint"]))


def _slowness(row: Figures) -> tuple[Any, ...]:
    return row["requests"] < LEAST, -(row["p95_seconds"] or 0.0), row["route"], row["method"]


def _badness(row: Figures) -> tuple[Any, ...]:
    return row["requests"] < LEAST, -(row["error_ratio"] or 0.0), -row["errors"], row["route"], row["method"]
