"""Grafana dashboards: a file here is one, or one for each of a kind, found by looking in this folder.

Files whose name starts with `_` are what dashboards are made of; every other one has
`build() -> Dashboard | tuple[Dashboard, ...] | None`.
"""

import importlib
import pkgutil
from collections.abc import Collection, Iterator

from exporter.generate import provisioning
from exporter.generate.dashboards._board import Dashboard, text_of
from exporter.generate.dashboards._queries import panel_queries, panels_of, store_queries

__all__ = ["Dashboard", "boards", "files", "panel_queries", "panels_of", "paths", "store_queries", "text_of"]


def files(used: Collection[str] | None = None) -> dict[str, str]:
    """Return all that Grafana loads, dashboards and provisioning files, as relative path -> text.

    `used` are the providers in use: what would be empty without another one is left out. None is all of them.
    """
    made = {_path(uid): text for uid, text in text_of_all(used).items()}
    return {**made, **provisioning.files()}


def paths() -> frozenset[str]:
    """Return the relative path of every dashboard that some configuration has."""
    return frozenset(_path(board.uid) for board in boards())


def _path(uid: str) -> str:
    return f"grafana/dashboards/{uid}.json"


def text_of_all(used: Collection[str] | None = None) -> dict[str, str]:
    """Return the JSON of every dashboard with something to show, by its address."""
    return {board.uid: text_of(board) for board in boards(used)}


def boards(used: Collection[str] | None = None) -> tuple[Dashboard, ...]:
    """Return every dashboard with something to show, in the order of the file names.

    Two of one address are a ValueError: Grafana would show one of them, and nobody knows which.
    """
    found: dict[str, Dashboard] = {}
    for board in _built():
        if board.uid in found:
            raise ValueError(
                f"two dashboards have the address {board.uid}: {found[board.uid].title}, {board.title}"
            )
        found[board.uid] = board
    if used is None:
        return tuple(found.values())
    return tuple(left for board in found.values() if (left := board.of(used)) is not None)


def _built() -> Iterator[Dashboard]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    for name in names:
        built = importlib.import_module(f"{__name__}.{name}").build()
        yield from built if isinstance(built, tuple) else filter(None, (built,))
