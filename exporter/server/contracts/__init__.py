"""What each route of the API takes and answers, as types: the OpenAPI document is made of them.

One file here is one subject. Files whose name starts with `_` are what others are made of; every other module
has `CONTRACTS`, by method and path. A stored list needs none: its `Listing` says everything.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from exporter.registry import lists
from exporter.server.aliases import ALIASES
from exporter.server.contracts._contract import Contract
from exporter.server.contracts._listing import contract_of_list

__all__ = ["Contract", "contracts"]

RoutePlace = tuple[str, str]
"""A method and the path of a route, as the router has it."""


@cache
def contracts() -> Mapping[RoutePlace, Contract]:
    """Return every contract; HEAD has that of GET, an alias that of the route which answers it."""
    found: dict[RoutePlace, Contract] = {}
    for module in sorted(one.name for one in pkgutil.iter_modules(__path__) if not one.name.startswith("_")):
        for place, contract in importlib.import_module(f"{__name__}.{module}").CONTRACTS.items():
            if place in found:
                raise ValueError(f"{place} has two contracts, one of them in {module}.py")
            found[place] = contract
    found |= {("GET", listing.path): contract_of_list(listing) for listing in lists().values()}
    for alias in ALIASES:
        # One whose body differs has a contract of its own.
        found.setdefault((alias.method, alias.path), found[alias.method, alias.route])
    return found
