"""The tab of targets, which is the page at `/`: the current state of each, without script if need be."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from exporter.core.clock import iso
from exporter.engine.board import TargetState
from exporter.server.access import IDENTITY
from exporter.server.answers import whole_number
from exporter.server.pages import Tab
from exporter.server.rows import STATUSES, StatusFilter, counts, reason_of, urgency, visible_states
from exporter.server.services import SERVICES
from exporter.server.status import status

MOST_ROWS = 500
WORDS = {
    "error": "failing",
    "unknown": "not checked yet",
    "not_configured": "not configured",
    "connected": "connected",
}
SYMBOLS = {"error": "✕", "unknown": "…", "not_configured": "○", "connected": "✓"}
VERDICTS = {
    "healthy": ("✓", "Everything is connected"),
    "partial": ("○", "Nothing fails, but not everything is in use"),
    "degraded": ("✕", "Some integrations fail"),
    "critical": ("✕", "A critical integration fails"),
}


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the numbers, and a table of targets with the failing ones first."""
    services, identity = request.app[SERVICES], request[IDENTITY]
    everything = visible_states(services.board, identity, StatusFilter())
    chosen = sorted(filter(StatusFilter.of(request), everything), key=urgency)
    offset = whole_number(request, "offset", 0, 10_000_000)
    overall = status(everything)["overall_status"]
    now = services.now()
    return {
        "counts": counts(everything),
        "verdict": VERDICTS[overall],
        "overall": overall,
        "rows": [_row(state, now) for state in chosen[offset : offset + MOST_ROWS]],
        "chosen": len(chosen),
        "offset": offset,
        "pages": _pages(request, services.paths.link("/"), offset, len(chosen)),
        "statuses": [(one, SYMBOLS[one], WORDS[one]) for one in STATUSES],
    }


def _row(state: TargetState, now: float) -> dict[str, Any]:
    target, reason = state.target, reason_of(state)
    return {
        "integration": target.integration,
        "tenant": target.tenant,
        "provider": target.provider,
        "critical": target.critical,
        "status": state.status,
        "symbol": SYMBOLS.get(state.status, "?"),
        "word": WORDS.get(state.status, state.status),
        "reason": reason.value if reason else "",
        "meaning": reason.meaning if reason else "",
        "detail": state.detail,
        "failures": state.failures,
        "since": _moment(state.since, now),
        "last_success": _moment(state.last_success, now),
        "next_run": _moment(state.next_run, now),
        "took": _span(state.result.duration_seconds)
        if state.result and state.status != "not_configured"
        else "",
    }


def _moment(at: float | None, now: float) -> tuple[str, str] | None:
    """Return a time as (RFC 3339, words), None for what never happened."""
    if at is None:
        return None
    words = f"{_coarse(now - at)} ago" if at <= now else f"in {_coarse(at - now)}"
    return iso(at) or "", words


def _coarse(seconds: float) -> str:
    """Return a span in whole minutes from one minute on, as `45 s`, `12 min`, `3 h 5 min` or `2 d 4 h`."""
    minutes = int(seconds / 60)
    if minutes < 1:
        return f"{int(seconds)} s"
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{count} {unit}" for count, unit in (parts[:2] if days else parts[1:]) if count)


def _span(seconds: float) -> str:
    if seconds < 0.001:
        return "<1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _pages(request: web.Request, home: str, offset: int, total: int) -> dict[str, str]:
    def at(place: int) -> str:
        return str(URL(home).with_query({**request.query, "offset": str(place)}))

    pages = {}
    if offset > 0:
        pages["before"] = at(max(0, offset - MOST_ROWS))
    if offset + MOST_ROWS < total:
        pages["after"] = at(offset + MOST_ROWS)
    return pages


TAB = Tab(
    path="/",
    title="Integrations",
    description="The page with the state of every target.",
    template="targets.html",
    context=context,
    order=0,
)
