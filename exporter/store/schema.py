"""Every stored subject, found by looking in the folder, and the tables of all of them."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from exporter.store import columns
from exporter.store import subjects as folder
from exporter.store.retention import TableRetention


@cache
def subjects() -> tuple[ModuleType, ...]:
    """Return the module of every subject, sorted by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(folder.__path__))
    return tuple(importlib.import_module(f"{folder.__name__}.{name}") for name in names)


@cache
def retentions() -> tuple[TableRetention, ...]:
    """Return what every subject declares of how long its rows are kept."""
    return tuple(rule for module in subjects() for rule in module.RETENTION)


subjects()
METADATA = columns.METADATA
"""Every table."""
