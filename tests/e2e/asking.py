"""Asks a part of the platform over HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")
HEADERS = {"X-Integration-Exporter": "1"}


async def ask(url: str, **parameters: str) -> Any:
    """Return the JSON of a GET; an answer that is no JSON fails."""
    async with aiohttp.ClientSession() as session, session.get(url, params=parameters) as answer:
        return await answer.json()


async def tell(url: str, value: object = None) -> tuple[int, str]:
    """Make a POST and return status and text."""
    async with aiohttp.ClientSession(headers=HEADERS) as session, session.post(url, json=value) as answer:
        return answer.status, await answer.text()


async def read(url: str, **headers: str) -> str:
    """Return the text of a GET that must answer 200."""
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        assert answer.status == 200, (url, answer.status, await answer.text())
        return await answer.text()


async def until(what: str, look: Callable[[], Awaitable[T]], limit: float = 60.0) -> T:
    """Look again until the answer is true, and return it; fail with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    found = await look()
    while not found:
        assert time.monotonic() < end, f"within {limit:g} s: {what}; last seen: {found!r}"
        await asyncio.sleep(0.25)
        found = await look()
    return found
