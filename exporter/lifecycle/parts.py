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


async def start_parts(parts: Sequence[BackgroundPart]) -> None:
    """Start `parts` in their order."""
    for part in parts:
        await part.start()


async def stop_parts(parts: Sequence[BackgroundPart], deadline: ShutdownLimit) -> None:
    """Stop `parts`, the last one first: it may need those before it."""
    for part in reversed(parts):
        await part.stop(deadline)
