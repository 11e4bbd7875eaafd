"""What Alertmanager sends messages to: shaped like Slack, PagerDuty, Amazon SNS and a webhook."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

EVENT_LIMIT = 512_000
"""Bytes of the largest event that PagerDuty takes (Events API v2: 512 KB)."""

_PUBLISHED = (
    '<PublishResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    "<MessageId>1</MessageId></PublishResult></PublishResponse>"
)


@dataclass
class MessageSinks:
    """What came, by channel, oldest first; `refused` is what a vendor would not have taken."""

    slack: list[dict[str, Any]] = field(default_factory=list)
    pagerduty: list[dict[str, Any]] = field(default_factory=list)
    sms: list[dict[str, str]] = field(default_factory=list)
    webhook: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    port: int = 0

    async def take_slack(self, request: web.Request) -> web.Response:
        """Take a message as an incoming webhook does."""
        self.slack.append(await request.json())
        return web.Response(text="ok")

    async def take_event(self, request: web.Request) -> web.Response:
        """Take an event of PagerDuty, unless it is too large or has not what the API asks for."""
        body = await request.read()
        event = json.loads(body)
        fine = len(body) <= EVENT_LIMIT and event.get("routing_key") and event.get("dedup_key")
        links = [link["href"] for link in event.get("links", [])]
        if not fine or not all(re.match("https?://", href) for href in links):
            self.refused.append(f"event of {len(body)} bytes, links {links}")
            return web.json_response({"status": "invalid event"}, status=400)
        self.pagerduty.append(event)
        return web.json_response({"status": "success", "dedup_key": event["dedup_key"]}, status=202)

    async def take_sms(self, request: web.Request) -> web.Response:
        """Take a call of SNS's Publish that is signed."""
        form = await request.post()
        if "AWS4-HMAC-SHA256" not in request.headers.get("Authorization", ""):
            self.refused.append("unsigned call of SNS")
            return web.Response(status=403)
        self.sms.append({name: str(value) for name, value in form.items()})
        return web.Response(text=_PUBLISHED, content_type="text/xml")

    async def take_webhook(self, request: web.Request) -> web.Response:
        """Take a notice of Alertmanager's own format."""
        self.webhook.append(await request.json())
        return web.Response()


@asynccontextmanager
async def message_sinks() -> AsyncIterator[MessageSinks]:
    """Serve them all on one port of this machine until the block ends."""
    sinks = MessageSinks()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/slack", sinks.take_slack)
    app.router.add_post("/pagerduty", sinks.take_event)
    app.router.add_post("/webhook", sinks.take_webhook)
    app.router.add_post("/sns/", sinks.take_sms)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sinks.port = runner.addresses[0][1]
    try:
        yield sinks
    finally:
        await runner.cleanup()
