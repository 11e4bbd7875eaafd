"""What goes wrong in the demo is what the sandbox knows, and somebody on call answers what you leave."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from exporter import registry
from exporter.demo.on_call import ENDS_AFTER, look
from exporter.demo.troubles import HEALED_AFTER, ROUND, TROUBLES, Trouble


@pytest.mark.parametrize("one", TROUBLES, ids=lambda one: f"{one.vendor}-{one.at:g}")
def test_a_trouble_is_one_that_the_vendor_knows_and_is_over_before_it_comes_again(one: Trouble) -> None:
    vendor = registry.sandbox_vendors()[one.vendor]
    known = vendor.faults if one.kind == "fault" else vendor.scenarios
    assert one.order[one.kind] in known
    assert one.at + one.order["for"] < ROUND


def test_what_is_about_stripe_waits_until_somebody_has_renewed_its_key() -> None:
    assert all(one.at > HEALED_AFTER for one in TROUBLES if one.vendor == "stripe")


async def test_somebody_acknowledges_a_report_at_once_and_what_waits_too_long_and_ends_the_report() -> None:
    now = datetime.now(UTC)
    waiting = {"report": ("medium", 0), "old": ("high", 600), "new": ("high", 5), "quiet": ("low", 600)}
    answers: list[tuple[str, str]] = []

    async def fire(_request: web.Request) -> web.Response:
        return web.json_response({"fingerprint": "report"}, status=201)

    async def firing(request: web.Request) -> web.Response:
        assert request.query["state"] == "firing"
        alerts: list[dict[str, Any]] = [
            {
                "fingerprint": name,
                "severity": severity,
                "since": (now - timedelta(seconds=age)).isoformat(timespec="seconds").replace("+00:00", "Z"),
            }
            for name, (severity, age) in waiting.items()
        ]
        return web.json_response({"alerts": alerts})

    async def change(request: web.Request) -> web.Response:
        answers.append((request.match_info["name"], (await request.json())["action"]))
        return web.json_response({})

    application = web.Application()
    application.router.add_post("/api/v1/alerts", fire)
    application.router.add_get("/api/v1/alerts", firing)
    application.router.add_patch("/api/v1/alerts/{name}", change)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            assert await look(session, 0, "") == "report"
            assert answers == [("report", "acknowledge"), ("old", "acknowledge")]
            answers.clear()
            assert await look(session, ENDS_AFTER, "report") == ""
            assert answers == [("report", "resolve")]
    finally:
        await runner.cleanup()
