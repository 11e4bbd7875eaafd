"""Tabs of the page for people: one file here is one tab, found by looking in this folder.

Files whose name starts with `_` are what tabs are made of; every other module has a `TAB`, and a template
beside it. `assets/` holds style, script and icon of all tabs.
"""

import importlib
import pkgutil
from functools import cache

from exporter.server.pages._tab import Tab

__all__ = ["Tab", "tabs"]


@cache
def tabs() -> tuple[Tab, ...]:
    """Return every tab, in the order of the bar."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    found: list[Tab] = [importlib.import_module(f"{__name__}.{name}").TAB for name in names]
    return tuple(sorted(found, key=lambda tab: tab.order))
