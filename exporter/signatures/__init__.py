"""Schemes by which vendors sign their webhooks: one file each, found by the folder.

A file has `SCHEME` (core/signature.py) and is named after it. What several share has a leading underscore.
`KeyCache` fetches the keys of senders that publish them.
"""

import importlib
import pkgutil
from functools import cache

from exporter.core.signature import Scheme
from exporter.signatures._keys import KeyCache

__all__ = ["KeyCache", "schemes"]


@cache
def schemes() -> dict[str, Scheme]:
    """Return every scheme by name, sorted; a file whose SCHEME has another name is an error."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    found = {name: importlib.import_module(f"{__name__}.{name}").SCHEME for name in names}
    for name, scheme in found.items():
        if scheme.name != name:
            raise ValueError(
                f"exporter/signatures/{name}.py defines the scheme {scheme.name!r}; name the file after it"
            )
    return found
