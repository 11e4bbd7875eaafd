"""Which part of a list a tab shows."""

from aiohttp import web

from exporter.server.answers import whole_number

ROWS = 50
"""Rows of a list on one page of a tab."""


PLACES = frozenset(("after", "acted", "offset", "sign-in"))
"""Parts of a tab's query that mean nothing once the rest of it is another."""


def portion(request: web.Request, rows: int = ROWS) -> dict[str, str]:
    """Return limit and offset as a list of the API takes them, by the query of the page."""
    return {"limit": str(rows), "offset": str(offset_of(request))}


def offset_of(request: web.Request) -> int:
    """Return how many rows the page leaves out at the beginning."""
    return whole_number(request, "offset", 0, 10_000_000)


def following(offset: int, rows: int, total: int) -> int | None:
    """Return the offset of the next page, None on the last one."""
    return offset + rows if offset + rows < total else None
