"""What only the collector of cycles would free, by the names of its types and of the code of its frames."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from exporter import __file__ as package

LIBRARIES = ("exporter.", "jmespath.", "sqlalchemy.")
FOLDER = str(Path(package).parent)


@contextmanager
def leftovers() -> Iterator[list[str]]:
    """Fill the list at the end with what is left of the time between: objects of ours, and of libraries."""
    found: list[str] = []
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found += sorted(filter(None, map(_name, gc.garbage)))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        if was_on:
            gc.enable()


def _name(left: object) -> str:
    if isinstance(left, FrameType):
        code = left.f_code
        return f"frame of {code.co_qualname}" if code.co_filename.startswith(FOLDER) else ""
    kind = type(left)
    return kind.__qualname__ if f"{kind.__module__}.".startswith(LIBRARIES) else ""
