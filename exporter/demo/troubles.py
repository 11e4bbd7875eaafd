"""What goes wrong in the demo once its own story is over: small troubles, one after the other, for hours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

HEALED_AFTER = 600.0
"""Seconds until somebody renews the key that expired, unless you did."""

ROUND = 1800.0
"""Seconds after which everything happens again."""


@dataclass(frozen=True)
class Trouble:
    """What happens to a vendor `at` so many seconds of a round; `kind` and `order` as docs/sandbox.md has."""

    at: float
    vendor: str
    kind: str
    order: dict[str, Any]


def _scenario(at: float, vendor: str, name: str, lasts: float) -> Trouble:
    return Trouble(at, vendor, "scenario", {"scenario": name, "for": lasts})


def _fault(at: float, vendor: str, name: str, lasts: float, only: str = "") -> Trouble:
    return Trouble(at, vendor, "fault", {"fault": name, "for": lasts, "only": only})


TROUBLES = (
    _scenario(0, "statuspage", "degraded", 240),
    _fault(30, "fal", "rate_limited", 90),
    _scenario(240, "twilio", "sender_offline", 300),
    _fault(300, "resend", "server_error", 60),
    _fault(HEALED_AFTER + 60, "stripe", "bad_credential", 900, "acct_globex"),
    _scenario(HEALED_AFTER + 60, "stripe", "disputes", 900),
    _scenario(HEALED_AFTER + 60, "stripe", "fraud_warnings", 900),
    _scenario(HEALED_AFTER + 60, "stripe", "declining_payments", 600),
    _fault(700, "google_calendar", "slow", 45),
    _scenario(720, "facebook_ads", "near_cap", 600),
    _scenario(900, "statuspage", "major_outage", 420),
    _fault(1200, "whatsapp", "server_error", 90),
)
"""In the order of their time; most are over before anybody is woken, a few are not."""


@asynccontextmanager
async def troubles(sandbox: str, exporter: str, token: str) -> AsyncIterator[None]:
    """Let things go wrong at the vendors of `sandbox` until the end of the block."""
    tasks = [asyncio.create_task(_run(sandbox)), asyncio.create_task(_reload(exporter, token))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _run(sandbox: str) -> None:
    healed = Trouble(HEALED_AFTER, "stripe", "scenario", {"scenario": "expired_key", "on": False})
    plan = sorted((*TROUBLES, healed), key=lambda one: one.at)
    async with aiohttp.ClientSession(sandbox) as session:
        while True:
            at = 0.0
            for one in plan:
                await asyncio.sleep(one.at - at)
                at = one.at
                await _cause(session, one)
            await asyncio.sleep(ROUND - at)


async def _cause(session: aiohttp.ClientSession, one: Trouble) -> None:
    # The sandbox may be stopped before this one is.
    with suppress(aiohttp.ClientError):
        async with session.post(f"/_sandbox/{one.vendor}/{one.kind}", json=one.order):
            pass


async def _reload(exporter: str, token: str) -> None:
    """Load the configuration again, as somebody does who has changed it."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(exporter, headers=headers) as session:
        while True:
            await asyncio.sleep(ROUND / 3)
            with suppress(aiohttp.ClientError):
                async with session.post("/-/reload"):
                    pass
