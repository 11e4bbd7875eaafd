"""Somebody on call in the demo: reports what no probe sees, and answers what nobody else does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

EVERY = 15.0
"""Seconds between two looks at the alerts."""

PATIENCE = timedelta(minutes=5)
"""How long an alert may wait for you before somebody else acknowledges it."""

REPORT_EVERY = 40
"""Looks between two reports; the first one is the first look."""

ENDS_AFTER = 12
"""Looks after which what a report was about is over."""

REPORTS = (
    {"service": "booking-api", "severity": "medium", "tenant": "acme", "message": "bookings are shown twice"},
    {"service": "newsletter", "severity": "low", "tenant": "globex", "message": "pictures are missing"},
)
"""Bodies of `POST /api/v1/alerts`, one after the other; none is urgent, so that nobody's phone rings."""


@asynccontextmanager
async def on_call(exporter: str, token: str) -> AsyncIterator[None]:
    """Let somebody look at the alerts of `exporter` until the end of the block."""
    task = asyncio.create_task(_watch(exporter, token))
    try:
        yield
    finally:
        task.cancel()


async def _watch(exporter: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    number, open_report = 0, ""
    async with aiohttp.ClientSession(exporter, headers=headers, raise_for_status=True) as session:
        while True:
            # Alertmanager may be away for a moment, or the exporter be stopped before this one is.
            with suppress(aiohttp.ClientError):
                open_report = await look(session, number, open_report)
            number += 1
            await asyncio.sleep(EVERY)


async def look(session: aiohttp.ClientSession, number: int, open_report: str) -> str:
    """Do what is to be done at look `number`; return the fingerprint of the report that is open, or ""."""
    turn, place = number % REPORT_EVERY, number // REPORT_EVERY
    if turn == 0:
        body = REPORTS[place % len(REPORTS)]
        async with session.post("/api/v1/alerts", json=body) as answer:
            open_report = str((await answer.json())["fingerprint"])
    elif turn == ENDS_AFTER and open_report:
        await _answer(session, open_report, action="resolve", note="it is as it should be again")
        return ""
    async with session.get("/api/v1/alerts", params={"state": "firing"}) as answer:
        alerts = (await answer.json())["alerts"]
    for alert in alerts:
        if _is_late(alert, open_report):
            note = "looking at it"
            await _answer(session, alert["fingerprint"], action="acknowledge", note=note, **{"for": "1h"})
    return open_report


def _is_late(alert: Mapping[str, Any], open_report: str) -> bool:
    """Return whether `alert` is for us: reports are, at once, and what has waited for too long."""
    if alert["fingerprint"] == open_report:
        return True
    # Nobody gets up for what is low.
    return alert["severity"] != "low" and datetime.now(UTC) - _moment(alert["since"]) > PATIENCE


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


async def _answer(session: aiohttp.ClientSession, fingerprint: str, **body: str) -> None:
    async with session.patch(f"/api/v1/alerts/{fingerprint}", json=body):
        pass
