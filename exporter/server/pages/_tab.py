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


@dataclass(frozen=True)
class Tab:
    """One tab: `title` is its word in the bar, `description` its line in the table of routes.

    `template` is a file of this folder that extends `_layout.html`. Tabs are sorted by `order`, the smallest
    first; one that is not `listed` opens by links alone. Identities bound to tenants may open it where `rule`
    is narrow. `kinds` are the changes (events of `/api/v1/stream`) after which it is renewed, `actions` the
    names of what people may do on it.
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
