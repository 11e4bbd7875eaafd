"""Parts of the process that work in the background: started one after the other, stopped in reverse."""

from collections.abc import Sequence
from typing import Protocol

from exporter.core.shutdown import ShutdownLimit


class BackgroundPart(Protocol):
    """One of them."""

    async def start(self) -> None:
        """Begin to work; the store may be away."""

    async def stop(self, deadline: ShutdownLimit) -> None:
        """Hand over what it has before the deadline."""


class Progress:
    """How far the process is; `started` says that every part of it works."""

    started = False


async def start_parts(parts: Sequence[BackgroundPart], progress: Progress) -> None:
    """Start `parts` in their order, and note in `progress` that all of them work."""
    for part in parts:
        await part.start()
    progress.started = True


async def stop_parts(parts: Sequence[BackgroundPart], deadline: ShutdownLimit) -> None:
    """Stop `parts`, the last one first: it may need those before it."""
    for part in reversed(parts):
        await part.stop(deadline)
