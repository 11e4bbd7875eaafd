"""What the query of a list asks for: which rows, from when to when, how many, in which form."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from aiohttp import web

from exporter.config import durations
from exporter.core.reason import Reason
from exporter.core.store import Cursor, Filter
from exporter.server.access import IDENTITY
from exporter.server.answers import closest, whole_number
from exporter.server.services import SERVICES

FORMS = ("json", "ndjson", "csv")
USUAL_ROWS = 100
MOST_ROWS = 1000
"""Rows of a page of JSON."""

MOST_EXPORTED = 100_000_000

# datetime has no year after 9999.
_LAST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


SPECIAL = ("reason", "result")
"""Filters with a field of their own; any other is the name of a column."""


def filter_of(
    request: web.Request,
    names: Collection[str] = ("reason",),
    choices: Mapping[str, Collection[str]] | None = None,
) -> Filter:
    """Read integration, tenant, since, until, after, and the parameters `names`.

    `choices` has all values of a parameter that takes no others. The filter is narrowed to what the caller
    may know of.
    """
    query, choices = request.query, choices or {}
    for name, values in choices.items():
        refuse_other(name, query.get(name, ""), values)
    return Filter(
        integration=query.get("integration", ""),
        tenant=query.get("tenant") or None,
        tenants=request[IDENTITY].tenants,
        reason=_reason(query) if "reason" in names and "reason" not in choices else None,
        result=query.get("result", "") if "result" in names else "",
        fields=tuple(
            (name, query[name])
            for name in names
            if (name not in SPECIAL or name in choices) and query.get(name)
        ),
        since=time_of(request, "since"),
        until=time_of(request, "until"),
        after=_cursor(query),
    )


def refuse_other(name: str, value: str, values: Collection[str]) -> None:
    """Raise 400 where `value` is none of `values`: an empty list would read as "there are none"."""
    if value and value not in values:
        raise web.HTTPBadRequest(text=f"{name} must be one of " + ", ".join(values) + closest(value, values))


def time_of(request: web.Request, name: str) -> float | None:
    """Return a time in Unix seconds: written as RFC 3339, as Unix seconds, or as a duration before now."""
    text = request.query.get(name, "").strip()
    if not text:
        return None
    try:
        return request.app[SERVICES].now() - durations.seconds(text)
    except ValueError:
        pass
    try:
        found = float(text) if text.replace(".", "", 1).isdecimal() else _date(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < _LAST:
        raise web.HTTPBadRequest(
            text=f"{name} must be a time such as 2026-11-21T08:00:00Z, Unix seconds, or a duration: 24h"
        )
    return found


def format_of(request: web.Request) -> str:
    """Return json, ndjson or csv."""
    found = request.query.get("format", "json")
    if found not in FORMS:
        raise web.HTTPBadRequest(text="format must be one of " + ", ".join(FORMS))
    return found


def row_limit(request: web.Request) -> int:
    """Return how many rows: a page of JSON is bounded, an export is whole unless `limit` says less."""
    if format_of(request) == "json":
        return max(1, whole_number(request, "limit", USUAL_ROWS, MOST_ROWS))
    return whole_number(request, "limit", MOST_EXPORTED, MOST_EXPORTED)


def cursor_text(place: Cursor | None) -> str | None:
    """Return `place` as the query's `after` takes it."""
    return None if place is None else f"{place[0]!r}_{place[1]}"


def _date(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _reason(query: Mapping[str, str]) -> Reason | None:
    text = query.get("reason", "")
    refuse_other("reason", text, tuple(Reason))
    return Reason(text) if text else None


def _cursor(query: Mapping[str, str]) -> Cursor | None:
    text = query.get("after", "")
    if not text:
        return None
    at, _, number = text.partition("_")
    try:
        place = (float(at), int(number))
    except ValueError:
        # NaN is smaller than nothing, so it fails the test below.
        place = (float("nan"), 0)
    if not (abs(place[0]) < _LAST and 0 <= place[1] < 1 << 63):
        raise web.HTTPBadRequest(text="after must be what the page before gave as next")
    return place
