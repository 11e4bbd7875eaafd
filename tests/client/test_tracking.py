import asyncio
import time
from typing import Any

import pytest

from exporter.client import Client, track_ai_call, track_payment, track_webhook
from tests.client.receiver import Receiver
from tests.waiting import PATIENCE


def reported(client: Client, receiver: Receiver) -> list[dict[str, Any]]:
    assert client.flush(PATIENCE)
    return receiver.events


def test_a_block_reports_what_it_set_and_how_long_it_took(client: Client, receiver: Receiver) -> None:
    with track_ai_call(client, "fal-ai/flux", integration="images", tenant="acme") as call:
        time.sleep(0.02)
        call.set(cost=0.03, request_id="r1")
    (event,) = reported(client, receiver)
    assert event["kind"] == "ai_usage"
    assert (event["endpoint"], event["status"], event["cost"]) == ("fal-ai/flux", "ok", 0.03)
    assert (event["integration"], event["tenant"]) == ("images", "acme")
    assert event["duration"] >= 0.02


def test_an_exception_goes_on_and_is_reported_by_its_name_alone(client: Client, receiver: Receiver) -> None:
    with pytest.raises(RuntimeError), track_ai_call(client, "fal-ai/flux"):
        raise RuntimeError("key sk_live_123 is wrong")
    (event,) = reported(client, receiver)
    assert (event["status"], event["error"]) == ("error", "RuntimeError")
    assert "sk_live" not in str(event)


def test_a_decorated_function_reports_each_call_and_stays_what_it_is(
    client: Client, receiver: Receiver
) -> None:
    @track_webhook(client, "stripe")
    def process(number: int) -> int:
        """Process."""
        return number + 1

    @track_webhook(client, "meta")
    async def process_later(number: int) -> int:
        await asyncio.sleep(0.02)
        return number + 1

    async def both() -> list[int]:
        return list(await asyncio.gather(process_later(1), process_later(2)))

    assert process(1) == 2
    assert process.__doc__ == "Process."
    assert asyncio.run(both()) == [2, 3]
    events = reported(client, receiver)
    assert [(event["source"], event["outcome"]) for event in events] == [
        ("stripe", "processed"),
        ("meta", "processed"),
        ("meta", "processed"),
    ]
    assert all(event["duration"] >= 0.02 for event in events[1:])


async def test_an_async_block_reports_too(client: Client, receiver: Receiver) -> None:
    async with track_webhook(client, "stripe") as webhook:
        webhook.set(type="invoice.paid", event_id="evt_1")
    (event,) = await asyncio.to_thread(reported, client, receiver)
    assert (event["type"], event["event_id"], event["direction"]) == ("invoice.paid", "evt_1", "inbound")


@pytest.mark.parametrize(
    ("error", "outcome"), [(None, "succeeded"), (TimeoutError(), "timeout"), (ValueError(), "failed")]
)
def test_a_payment_has_the_outcome_of_its_block(
    error: Exception | None, outcome: str, client: Client, receiver: Receiver
) -> None:
    try:
        with track_payment(client, provider="stripe", amount=5.0, currency="EUR"):
            if error:
                raise error
    except (TimeoutError, ValueError):
        pass
    (event,) = reported(client, receiver)
    assert (event["kind"], event["outcome"], event["amount"]) == ("payment", outcome, 5.0)


def test_a_payment_may_say_its_outcome_itself(client: Client, receiver: Receiver) -> None:
    with track_payment(client) as payment:
        payment.set(outcome="declined", decline_code="insufficient_funds")
    (event,) = reported(client, receiver)
    assert (event["outcome"], event["decline_code"]) == ("declined", "insufficient_funds")
