"""Grafana dashboards: one file here is one dashboard, found by looking in this folder.

Files whose name starts with `_` are what dashboards are made of; every other one has
`build() -> Board | None`.
"""

import importlib
import pkgutil

from exporter.generate import provisioning
from exporter.generate.dashboards._board import Dashboard, text_of
from exporter.generate.dashboards._queries import panel_queries, store_queries

__all__ = ["Dashboard", "boards", "files", "panel_queries", "store_queries"]


def files() -> dict[str, str]:
    """Return all that Grafana loads, dashboards and provisioning files, as relative path -> text."""
    made = {f"grafana/dashboards/{board.uid}.json": text_of(board) for board in boards()}
    return {**made, **provisioning.files()}


def boards() -> tuple[Dashboard, ...]:
    """Return every dashboard, in the order of the file names; those with nothing to show are left out."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    built = (importlib.import_module(f"{__name__}.{name}").build() for name in names)
    return tuple(board for board in built if board is not None)
