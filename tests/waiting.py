"""Waits for what happens in its own time: as short as it can be, and never failing for a busy machine."""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds until something that hangs is given up; no loaded machine is that slow."""


async def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return as soon as `true` holds; raise TimeoutError if it never does."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def until_true(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Block until `true` holds; raise TimeoutError if it never does."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.005)


async def rest() -> None:
    """Let the loop turn several times: what is under way on the loopback arrives, even after a standstill."""
    for _ in range(10):
        await asyncio.sleep(0.005)
