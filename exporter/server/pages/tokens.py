"""The tab of tokens: which need a person, when each expires, and what was done with them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.token import TokenState
from exporter.server.pages import Tab
from exporter.server.pages._api import choose, read
from exporter.server.pages._charts import token_chart
from exporter.server.pages._pages import ROWS, following, offset_of, portion
from exporter.server.pages._tab import ADMIN
from exporter.server.pages._texts import TEXTS
from exporter.server.pages._words import word

FILTERS = ("integration", "tenant", "state", "expiring")


async def context(request: web.Request) -> Mapping[str, Any]:
    """Return a page of tokens, the worst first, and a page of the log."""
    about = choose(request, "integration", "tenant")
    tokens, log = await asyncio.gather(
        read(request, "/api/v1/tokens", choose(request, *FILTERS) | portion(request)),
        read(request, "/api/v1/tokens/log", about | choose(request, "after", limit="20")),
    )
    offset = offset_of(request)
    return {
        "tokens": tokens,
        "token_numbers": [
            (n, word(one, "token_state"), one) for one, n in tokens.data.get("counts", {}).items()
        ],
        "life": token_chart(tokens.rows("tokens")),
        "log": log,
        "offset": offset,
        "following": following(offset, ROWS, tokens.data.get("total", 0)),
        "exported": choose(request, *FILTERS),
        "states": tuple(map(str, TokenState)),
    }


TAB = Tab(
    path="/tokens",
    title=TEXTS["tokens"]["title"],
    description=TEXTS["tokens"]["description"],
    template="tokens.html",
    context=context,
    rule=ADMIN,
    order=40,
    kinds=("tokens",),
    actions=("refresh", "refresh_soon"),
)
