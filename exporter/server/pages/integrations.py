"""The tab of targets: the current state of each, failing ones first."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.server.access import IDENTITY
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._pages import following, offset_of, portion
from exporter.server.pages._texts import TEXTS
from exporter.server.rows import STATUSES, StatusFilter, counts, visible_states
from exporter.server.services import SERVICES

MOST_ROWS = 100


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return the numbers of all targets, and a page of those that the query chooses."""
    everything = await visible_states(request.app[SERVICES].board, request[IDENTITY], StatusFilter())
    asked = choose(request, "q", "status", "integration", "tenant")
    targets = await read(request, "/api/v1/targets", asked | portion(request, MOST_ROWS))
    offset, total = offset_of(request), targets.data.get("counts", {}).get("total", 0)
    return {
        "counts": counts(everything),
        "targets": targets,
        "rows": list(map(_row, targets.rows("targets"))),
        "total": total,
        "offset": offset,
        "size": MOST_ROWS,
        "following": following(offset, MOST_ROWS, total),
        "exported": asked,
        "statuses": STATUSES,
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    # What is not configured was not asked, so it took no time.
    return row | {"duration_seconds": None} if row["status"] == "not_configured" else row


TAB = Tab(
    path="/integrations",
    title=TEXTS["targets"]["title"],
    description=TEXTS["targets"]["description"],
    template="integrations.html",
    context=context,
    order=10,
    kinds=("targets", "configuration"),
    actions=("check", "check_all"),
)
