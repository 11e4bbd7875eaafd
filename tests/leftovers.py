"""What only the collector of cycles would free, by the names of its types and of the code of its frames."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from exporter import __file__ as package

FOLDER = str(Path(package).parent)


@contextmanager
def leftovers(*packages: str) -> Iterator[list[str]]:
    """Fill the list at the end with what is left of the time between: of `packages`, and our frames."""
    found: list[str] = []
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found += sorted(filter(None, (_name(one, packages) for one in gc.garbage)))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        if was_on:
            gc.enable()


def _name(left: object, packages: tuple[str, ...]) -> str:
    if isinstance(left, FrameType):
        code = left.f_code
        return f"frame of {code.co_qualname}" if code.co_filename.startswith(FOLDER) else ""
    kind = type(left)
    return kind.__qualname__ if kind.__module__.partition(".")[0] in packages else ""
