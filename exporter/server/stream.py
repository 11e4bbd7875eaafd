"""Answers lists: a page as JSON, or all of it as CSV or NDJSON, a portion at a time."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web

from exporter.core.errors import StoreError
from exporter.server.export import csv_line
from exporter.server.query import format_of

Rows = Sequence[Mapping[str, Any]]

PORTION = 1000
"""Rows of an export that are read and written at a time."""

_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


async def export_rows(
    request: web.Request, columns: Sequence[str], portions: AsyncIterator[Rows]
) -> web.StreamResponse:
    """Answer all of `portions` in the form that is asked for; `columns` are those of CSV.

    When the store fails in the middle the connection is cut, so that no client takes a part for the whole.
    """
    kind = format_of(request)
    first = await _first(portions)  # a store that fails at once is answered as such
    response = web.StreamResponse(headers={"Content-Type": f"{_TYPES[kind]}; charset=utf-8"})
    if kind == "csv":
        name = request.path.rpartition("/")[2]
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    if kind == "csv":
        await response.write(f"{csv_line(columns)}\r\n".encode())
    try:
        await response.write(_text(kind, columns, first))
        async for rows in portions:
            await response.write(_text(kind, columns, rows))
    except web.HTTPServiceUnavailable as error:
        if request.transport is not None:
            # An orderly end would make the rows look complete.
            request.transport.abort()
        raise ConnectionResetError("the store failed in the middle of an export") from error
    await response.write_eof()
    return response


async def _first(portions: AsyncIterator[Rows]) -> Rows:
    # Not `anext(portions, ())`: on Python 3.11 that is a SystemError where there is no portion at all.
    try:
        return await anext(portions)
    except StopAsyncIteration:
        return ()


async def portions(rows: Rows) -> AsyncIterator[Rows]:
    """Yield `rows`, which are in memory already, a portion at a time."""
    for start in range(0, len(rows), PORTION):
        yield rows[start : start + PORTION]


def store_unavailable(error: StoreError) -> web.HTTPException:
    """Return the answer to give when the store fails; what it says belongs on the log alone."""
    structlog.get_logger("exporter.web").warning("the store was not read", error=str(error))
    return web.HTTPServiceUnavailable(
        text="the store does not answer; the exporter's log says why", headers={"Retry-After": "10"}
    )


def _text(kind: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    if kind == "csv":
        lines = [f"{csv_line(row.get(name) for name in columns)}\r\n" for row in rows]
    else:
        lines = [f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows]
    # A lone surrogate in a vendor's text must not break the export off.
    return "".join(lines).encode("utf-8", "replace")
