"""Asks a part of the platform over HTTP."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aiohttp

from exporter.core.admin_token import own_path

T = TypeVar("T")


def admin_headers(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what an administrator sends to an exporter that was started with `environment`."""
    place = own_path(environment)
    token = place.read_text().strip() if place and place.exists() else ""
    return {"X-Integration-Exporter": "1"} | ({"Authorization": f"Bearer {token}"} if token else {})


async def ask(url: str, **parameters: str) -> Any:
    """Return the JSON of a GET; an answer that is no JSON fails."""
    async with aiohttp.ClientSession() as session, session.get(url, params=parameters) as answer:
        return await answer.json()


async def tell(url: str, value: object = None) -> tuple[int, str]:
    """Make a POST and return status and text."""
    async with (
        aiohttp.ClientSession(headers=admin_headers(os.environ)) as session,
        session.post(url, json=value) as answer,
    ):
        return answer.status, await answer.text()


async def read(url: str, **headers: str) -> str:
    """Return the text of a GET that must answer 200."""
    return await _answered(url, 200, headers)


async def refused(url: str, **headers: str) -> str:
    """Return the text of a GET that must answer 503, as what it asks is not there."""
    return await _answered(url, 503, headers)


async def _answered(url: str, status: int, headers: Mapping[str, str]) -> str:
    async with (
        aiohttp.ClientSession(headers={**admin_headers(os.environ), **headers}) as session,
        session.get(url) as answer,
    ):
        assert answer.status == status, (url, answer.status, await answer.text())
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
