"""Another app in the demo, without our client: it asks for its limits, and makes mistakes in its events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp

EVERY = 1.0
"""Seconds between two rounds."""

POLICY = "login"
"""The policy of demo.yml that it asks about."""

TENANT = "initech"
VIEW = {"route": "/search", "client": "human"}
EAGER = "203.0.113.9"
"""Who tries more often than the policy allows."""


@asynccontextmanager
async def other_app(exporter: str, token: str) -> AsyncIterator[None]:
    """Let the app ask and report until the end of the block."""
    task = asyncio.create_task(_run(exporter, token))
    try:
        yield
    finally:
        task.cancel()


async def _run(exporter: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    number = 0
    async with aiohttp.ClientSession(exporter, headers=headers) as session:
        while True:
            # The exporter may be stopped before this one is.
            with suppress(aiohttp.ClientError):
                await run_round(session, number)
            number += 1
            await asyncio.sleep(EVERY)


async def run_round(session: aiohttp.ClientSession, number: int) -> None:
    """Do what the app does in its second `number`."""
    identifier = EAGER if number % 5 == 0 else f"198.51.100.{number % 12}"
    await _post(
        session, "/api/v1/ratelimits/check", {"policy": POLICY, "identifier": identifier, "tenant": TENANT}
    )
    if number % 30 == 10:
        # A field that the kind does not have, and an event that comes twice.
        mistakes = [
            {"kind": "payment", "tenant": TENANT, "outcome": "succeeded", "colour": "blue"},
            {"kind": "traffic", "tenant": TENANT, "id": f"once-{number // 60}", **VIEW},
        ]
        await _post(session, "/api/v1/events", mistakes)


async def _post(session: aiohttp.ClientSession, path: str, body: object) -> None:
    async with session.post(path, json=body) as answer:
        await answer.read()
