"""One file for each top-level key of the configuration.

Each has `read(draft, part)`, which returns the value of its key and adds mistakes to the draft, and
`fields(value)`, which returns what the Configuration takes of it. `NEEDS` names the sections that are read
before, because their values are looked at.
"""

import importlib
import pkgutil
from functools import cache
from graphlib import TopologicalSorter
from typing import Any


@cache
def sections() -> dict[str, Any]:
    """Return the module of each section by its key, each after those that it needs."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    order = TopologicalSorter({name: getattr(module, "NEEDS", ()) for name, module in modules.items()})
    return {name: modules[name] for name in order.static_order()}
