"""A process that has no file descriptors left, for the length of a block."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

LIMIT = 3
"""The limit within: what is open stays so, and nothing more can be opened."""


class Scarcity:
    """The limit of open files; `end` gives it back before the block is over."""

    def __init__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def begin(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, self._before[1]))

    def end(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, self._before)


@contextmanager
def no_descriptors() -> Iterator[Scarcity]:
    """Let this process open nothing within the block."""
    scarcity = Scarcity()
    scarcity.begin()
    try:
        yield scarcity
    finally:
        scarcity.end()
