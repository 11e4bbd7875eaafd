"""`/api/v1/alert-noise`: how often each alert fired, for how long, and whether it flaps."""

from typing import Any

from aiohttp import web

from exporter.core.clock import iso
from exporter.core.defaults import NOISE_SUBJECTS, NOISE_WINDOWS
from exporter.core.errors import StoreError
from exporter.core.notice import AlertNoise
from exporter.core.severity import SEVERITIES
from exporter.registry import lists
from exporter.server.answers import json_answer, one_of, whole_number
from exporter.server.query import filter_of, format_of, row_limit
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions, store_unavailable
from exporter.server.unknown import refuse_unknown
from exporter.store.noise import alert_noise

COUNTS = ("fired", "acknowledged", "resolved", "flaps")
TIMES = (
    "mean_seconds_to_acknowledge",
    "longest_seconds_to_acknowledge",
    "mean_seconds_to_resolve",
    "longest_seconds_to_resolve",
)
FIGURES = (*COUNTS, *TIMES, "last_fired")
FILTERS = ("severity", "alert")
CHOICES = {"severity": SEVERITIES}
WINDOW, SUBJECT = "24h", "integration"
MOST_ROWS = 100_000
"""Rows of an export."""


async def noise(request: web.Request) -> web.StreamResponse:
    """Answer a row for each alert, by integration or tenant where asked for, what fired most first."""
    window = one_of(request, "window", tuple(NOISE_WINDOWS), WINDOW)
    by = NOISE_SUBJECTS[one_of(request, "by", tuple(NOISE_SUBJECTS), SUBJECT)]
    chosen, limit = filter_of(request, FILTERS, CHOICES), min(row_limit(request), MOST_ROWS)
    offset = whole_number(request, "offset", 0, 10_000_000)
    await refuse_unknown(request, stored=True, listing=lists()["notices"])
    services = request.app[SERVICES]
    since = services.now() - NOISE_WINDOWS[window]
    try:
        # One more than asked for shows whether there is another page.
        found = await services.read_store(
            lambda connection: alert_noise(connection, by, since, chosen, limit + 1, offset)
        )
    except StoreError as error:
        raise store_unavailable(error) from None
    rows = [_row(by, one) for one in found[:limit]]
    if format_of(request) != "json":
        return await export_rows(request, (*by, *FIGURES), portions(rows))
    following = offset + limit if len(found) > limit else None
    return json_answer({"window": window, "since": iso(since), "alerts": rows, "next_offset": following})


def _row(by: tuple[str, ...], found: AlertNoise) -> dict[str, Any]:
    return {
        **dict(zip(by, found.subject, strict=True)),
        **{name: getattr(found, name) for name in COUNTS},
        **{name: _seconds(getattr(found, name)) for name in TIMES},
        "last_fired": iso(found.last_fired),
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
