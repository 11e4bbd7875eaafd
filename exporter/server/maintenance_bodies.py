"""The body by which people make a maintenance window, with what it may leave out."""

import itertools
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta

from exporter.config import durations
from exporter.config.layout_maintenance import MaintenancePart
from exporter.core.clock import iso

LONGEST_STEM = 56
"""Letters of a name that is made here: a number after it still fits the 64 that a name may have."""

_SUBJECTS = ("integrations", "providers", "tenants", "alerts")


class MaintenanceBody(MaintenancePart, frozen=True, kw_only=True, rename={"duration": "for"}):
    """A window by API: keys of one in the file, or `for` in place of `end`, and no name where any will do."""

    name: Annotated[str, Meta(description="Its name; left out, it is made of what the window is about.")] = ""
    duration: Annotated[
        str, Meta(description="How long, such as 2h, in place of `end`; without `start` from now on.")
    ] = ""


def complete(given: Mapping[str, Any], taken: Collection[str], now: float) -> dict[str, Any]:
    """Return a body with what it leaves out: a name not in `taken`, and the end of one that says `for`.

    Who is in an incident says what and how long; whatever else is wrong the caller judges.
    """
    values = dict(given)
    if "for" in values:
        values |= _span(values.pop("for"), values, now)
    return {"name": _free_name(values, taken), **values}


def _span(length: Any, values: Mapping[str, Any], now: float) -> dict[str, str]:
    if values.keys() & {"end", "weekly"}:
        raise web.HTTPBadRequest(text="give for, or end, or weekly: one of the three")
    start = values.get("start", iso(now))
    try:
        end = datetime.fromisoformat(start) + timedelta(seconds=durations.seconds(length))
    except (TypeError, ValueError, OverflowError):
        text = "write for as a duration such as 2h, and start as 2026-12-01T22:00:00+01:00"
        raise web.HTTPBadRequest(text=text) from None
    return {"start": start, "end": end.isoformat()}


def _free_name(values: Mapping[str, Any], taken: Collection[str]) -> str:
    lists = (values.get(key) for key in _SUBJECTS)
    words = "-".join(str(one[0]) for one in lists if isinstance(one, list) and one)
    # A provider's or an alert's name may have signs that a label of a silence should not have.
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", words).strip("_.-")[:LONGEST_STEM] or "window"
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)
