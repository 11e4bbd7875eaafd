"""Webhooks in the demo: a signed one goes on to an app, and one goes out to an endpoint that fails once."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from exporter.demo.sink import Sink

SOURCE_SECRET = "whsec_sandboxPlantedSource4242"  # noqa: S105 - of the simulated vendor
"""What signs the webhooks of the simulated Stripe; demo.yml has it, too."""

LIMIT = 60.0
"""Seconds after which a webhook that does not arrive is reported as a fault of the demo."""

EVERY, FORGE_EVERY = 5.0, 12
"""Seconds between two webhooks each way, and of how many one is forged: too seldom to be an attack."""

CLOSED_AFTER, CLOSED_EVERY = 36, 12
"""Webhooks until one goes to a receiver that is gone, and until the next: after the demo's own story."""

EVENT = {"id": "evt_demo_1", "type": "invoice.paid", "data": {"object": {"amount_paid": 4200}}}
MESSAGE = {"id": "demo_1", "tenant": "acme", "type": "booking.created", "payload": {"booking": 8812}}


async def show_webhooks(exporter: str, token: str, sink: Sink, say: Callable[[str], None]) -> bool:
    """Bring about one webhook each way, and print what becomes of it; return whether both arrived."""
    async with aiohttp.ClientSession(exporter) as session:
        try:
            async with asyncio.timeout(LIMIT):
                await _receive(session, sink, say)
                await _send(session, token, sink, say)
        except (TimeoutError, aiohttp.ClientError) as error:
            say(f"A webhook did not arrive ({type(error).__name__}): a fault of the demo, please report it.")
            return False
    return True


@asynccontextmanager
async def webhook_traffic(exporter: str, token: str) -> AsyncIterator[None]:
    """Let webhooks arrive and go out until the end of the block."""
    task = asyncio.create_task(_keep_sending(exporter, token))
    try:
        yield
    finally:
        task.cancel()


async def _keep_sending(exporter: str, token: str) -> None:
    number = 1
    async with aiohttp.ClientSession(exporter) as session:
        while True:
            await asyncio.sleep(EVERY)
            number += 1
            # The exporter may be stopped before this one is.
            with suppress(aiohttp.ClientError):
                await _send_both(session, token, number)


async def _send_both(session: aiohttp.ClientSession, token: str, number: int) -> None:
    kind = ("invoice.paid", "charge.succeeded", "charge.refunded")[number % 3]
    body = json.dumps({**EVENT, "id": f"evt_demo_{number}", "type": kind}).encode()
    signed = body + b" " if number % FORGE_EVERY == 0 else body
    async with session.post("/webhooks/stripe", data=body, headers=_sign(signed)):
        pass
    message = {**MESSAGE, "id": f"demo_{number}"}
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post("/api/v1/deliveries", json=message, headers=headers):
        pass
    if number >= CLOSED_AFTER and number % CLOSED_EVERY == 0:
        lost = {"id": f"lost_{number}", "tenant": "globex", "type": "price.changed", "payload": {"price": 12}}
        async with session.post("/api/v1/deliveries", json=lost, headers=headers):
            pass


async def _receive(session: aiohttp.ClientSession, sink: Sink, say: Callable[[str], None]) -> None:
    body = json.dumps(EVENT).encode()
    began = time.perf_counter()
    async with session.post("/webhooks/stripe", data=body, headers=_sign(body)) as answer:
        took = time.perf_counter() - began
        say(f"A signed webhook of the simulated Stripe: answered {answer.status} in {took * 1000:.0f} ms.")
    forwarded = await sink.app.get()
    same = "byte for byte" if forwarded == body else "ALTERED"
    say(f"  forwarded to the app after {(time.perf_counter() - began) * 1000:.0f} ms, {same}")
    forged = {"Stripe-Signature": _sign(body + b" ")["Stripe-Signature"]}
    async with session.post("/webhooks/stripe", data=body, headers=forged) as answer:
        say(f"  the same with another signature: answered {answer.status}, never forwarded")


async def _send(session: aiohttp.ClientSession, token: str, sink: Sink, say: Callable[[str], None]) -> None:
    if not token:
        return
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post("/api/v1/deliveries", json=MESSAGE, headers=headers) as answer:
        answer.raise_for_status()
        made = (await answer.json())["deliveries"]
    say(f"A webhook of ours for the tenant acme: {len(made)} delivery, to an endpoint that is down at first.")
    for number in (1, 2):
        status = await sink.hooks.get()
        say(f"  attempt {number}: the receiver answered {status}")


def _sign(body: bytes) -> dict[str, str]:
    """Return Stripe's header (docs.stripe.com/webhooks#verify-manually)."""
    now = str(int(time.time()))
    signature = hmac.new(SOURCE_SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={now},v1={signature}"}
