"""What a file of this folder defines."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from exporter.server.access import AccessRule
from exporter.server.web_config.settings import Role

Context = Callable[[web.Request], Awaitable[Mapping[str, Any]]]
"""Returns what the template of a tab shows, by name."""

VIEWER = AccessRule(Role.VIEWER, narrow=True)
ADMIN = AccessRule(Role.ADMIN, narrow=True)

SHARED_FILTERS = ("integration", "tenant")
"""Parts of the query that go from tab to tab: what somebody looks into stays the same."""


@dataclass(frozen=True)
class Tab:
    """One tab: `title` is its word in the bar, `description` its line in the table of routes.

    `template` is a file of this folder that extends `_layout.html`. Tabs are sorted by `order`, the smallest
    first; one that is not `listed` opens by links alone. Identities bound to tenants may open it where `rule`
    is narrow. `kinds` are the changes (events of `/api/v1/stream`) after which it is renewed, `actions` the
    names of what people may do on it. `narrowed_by` are those of `SHARED_FILTERS` that choose what it shows.
    """

    path: str
    title: str
    description: str
    template: str
    context: Context
    rule: AccessRule = VIEWER
    order: int = 100
    listed: bool = True
    kinds: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    narrowed_by: tuple[str, ...] = SHARED_FILTERS
