"""One integration, or one of its targets: how it is, how it was, what changed and what failed."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.defaults import STATS_WINDOWS
from exporter.server.charts.drawing import Chart
from exporter.server.pages import Tab
from exporter.server.pages._api import Reading, choose, read
from exporter.server.pages._charts import timeline_charts
from exporter.server.pages._texts import TEXTS
from exporter.server.pages._words import named

MOST_ROWS = 20
MANY = 100
"""Targets beyond which longer windows are left out: what failed in them is read target by target."""

SHORT = tuple(STATS_WINDOWS)[:2]


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return targets, windows, changes, errors and tokens of what the query names."""
    about = choose(request, "integration", "tenant")
    if "integration" not in about:
        return _none()
    few = about | {"limit": str(MOST_ROWS)}
    targets, changes, errors, tokens, windows_of_all = await asyncio.gather(
        read(request, "/api/v1/targets", few),
        read(request, "/api/v1/changes", few),
        read(request, "/api/v1/errors", few),
        read(request, "/api/v1/tokens", few),
        read(request, "/api/v1/maintenance"),
    )
    # All parts refuse a name that there is not: said once, and nothing is offered for it.
    if targets.problem and targets.problem == changes.problem == errors.problem:
        return _none(targets)
    many = targets.data.get("counts", {}).get("total", 0) > MANY
    windows = await _windows(request, about, SHORT if many else tuple(STATS_WINDOWS))
    charts = await _charts(request, about)
    return {
        "title": named(about["integration"], about.get("tenant", "")),
        "named_one": True,
        "about": about,
        "lists": {f"{name}s": [value] for name, value in about.items()},
        "targets": targets,
        "changes": changes,
        "errors": errors,
        "tokens": tokens,
        "windows": windows,
        "maintenance_windows": _concerned(windows_of_all, targets, about),
        "charts": charts,
        "many": many,
        "exported": about,
    }


def _none(refusal: Reading | None = None) -> Mapping[str, Any]:
    """Return the tab of no integration, with why the one that was named is not shown."""
    return {
        "title": TEXTS["integration"]["title"],
        "named_one": False,
        "refusal": refusal or Reading(),
    }


def _concerned(windows: Reading, targets: Reading, about: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the windows, open or planned, that silence alerts of what the tab is about."""
    providers = {row["provider"] for row in targets.rows("targets")}
    known = {"integrations": {about["integration"]}, "providers": providers}
    known |= {"tenants": {about["tenant"]}} if "tenant" in about else {}
    return [
        row
        for row in windows.rows("maintenance")
        if row["state"] != "over" and all(not row[key] or names & {*row[key]} for key, names in known.items())
    ]


async def _charts(request: web.Request, about: Mapping[str, str]) -> list[Chart]:
    """Return charts by day and by hour; where the store does not answer, the rest of the tab says so."""
    found = await asyncio.gather(
        *(read(request, "/api/v1/timeline", {**about, "step": step}) for step in ("day", "hour"))
    )
    return [chart for one in found for chart in timeline_charts(one.data)]


async def _windows(
    request: web.Request, about: Mapping[str, str], names: tuple[str, ...]
) -> list[dict[str, Any]]:
    by = "target" if about.get("tenant") else "integration"
    found: list[Reading] = await asyncio.gather(
        *(read(request, "/api/v1/stats", {**about, "window": name, "by": by, "limit": "1"}) for name in names)
    )
    return [
        {"window": name, "since": one.data["since"], "before_since": one.data["before_since"], **row}
        for name, one in zip(names, found, strict=True)
        for row in one.rows("stats")
    ]


TAB = Tab(
    path="/integration",
    title=TEXTS["integration"]["title"],
    description=TEXTS["integration"]["description"],
    template="integration.html",
    context=context,
    order=11,
    listed=False,
    kinds=("targets", "errors", "tokens", "maintenance"),
    actions=("check", "refresh", "maintain", "end_maintenance"),
)
