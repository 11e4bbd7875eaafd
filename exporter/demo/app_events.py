"""An app in the demo: it reports what it does by the Python client, for as long as the demo runs."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from exporter.client import Client
from exporter.core.admin_token import own_path

EVERY = 1.0
"""Seconds between two rounds of events."""

LIMIT = 30.0
"""Seconds after which events that are not taken are reported as a fault of the demo."""

TENANTS = ("acme", "globex", "initech")
ROUTES = (("/checkout", "POST", 0.24), ("/bookings/{id}", "GET", 0.05), ("/search", "GET", 0.9))
"""Route template, method, and how long it takes, in seconds."""


def report_round(client: Client, chance: random.Random) -> int:
    """Report what an app does in a second; return how many events that are."""
    tenant = chance.choice(TENANTS)
    for route, method, seconds in ROUTES:
        status = 500 if chance.random() < 0.02 else 200
        duration = seconds * chance.uniform(0.7, 1.6)
        client.api_request(route, method, status, duration, tenant=tenant)
        client.traffic(route, "human", country=chance.choice(("DE", "FR", "US")), tenant=tenant)
    client.widget("booking", "loaded", release="2026.11", duration=chance.uniform(0.2, 0.9), tenant=tenant)
    client.ai_usage("describe-room", "ok", duration=chance.uniform(1, 3), cost=0.004, tenant=tenant)
    declined = chance.random() < 0.05
    outcome, code = ("declined", "insufficient_funds") if declined else ("succeeded", None)
    client.payment(outcome, amount=42.0, currency="eur", provider="stripe", decline_code=code, tenant=tenant)
    client.auth("success", method="password", country="DE", actor="ada", tenant=tenant)
    client.audit("ada", "booking.export", resource="bookings", country="DE", tenant=tenant)
    return 2 * len(ROUTES) + 5


@asynccontextmanager
async def app(exporter: str) -> AsyncIterator[Client]:
    """Let an app report to `exporter` until the end of the block."""
    path = own_path(os.environ)
    token = path.read_text().strip() if path is not None and path.exists() else ""
    client = Client(exporter, token, interval=0.2)
    task = asyncio.create_task(_report(client))
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.to_thread(client.close)


async def _report(client: Client) -> None:
    # Always the same, so that two runs of the demo look alike.
    chance = random.Random(4242)  # noqa: S311 - nobody is to be surprised by it
    while True:
        report_round(client, chance)
        await asyncio.sleep(EVERY)


async def show_events(exporter: str, client: Client, say: Callable[[str], None]) -> bool:
    """Wait until events were taken, and print what is made of them; return whether they were."""
    async with aiohttp.ClientSession(exporter, raise_for_status=True) as session:
        try:
            async with asyncio.timeout(LIMIT):
                # Enough of them for percentiles.
                while client.statistics.sent < 50:  # noqa: ASYNC110 - the client is a thread, and sets no event
                    await asyncio.sleep(0.1)
                async with session.get("/api/v1/api-health", params={"window": "1h", "limit": "1"}) as answer:
                    found = await answer.json()
        except (TimeoutError, aiohttp.ClientError) as error:
            say(f"Events were not taken ({type(error).__name__}): a fault of the demo, please report it.")
            return False
    counts, (slowest,) = client.statistics, found["slowest"]
    say(f"An app reports what it does: {counts.sent} events were taken, {counts.rejected} refused.")
    say(f"  slowest endpoint: {slowest['method']} {slowest['route']}, p95 {slowest['p95_seconds']:.2f} s;")
    say("  payments, AI costs, page views, widgets, sign-ins and audit are counted, too")
    return True
