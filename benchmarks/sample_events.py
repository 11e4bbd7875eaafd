"""Events of every kind as apps of a shop would report them, in the proportions of a usual hour."""

import random
from collections.abc import Callable, Mapping
from typing import Any

SampleFields = dict[str, Any]
Dice = random.Random

ROUTES = ("/", "/checkout", "/orders/{id}", "/orders/17", "/api/stock", "/admin")

KINDS: Mapping[str, tuple[int, Callable[[Dice], SampleFields]]] = {
    "api_request": (
        40,
        lambda dice: {
            "route": dice.choice(ROUTES),
            "method": dice.choice(("GET", "POST")),
            "status": dice.choice((200, 200, 200, 200, 404, 500)),
            "duration": dice.expovariate(20.0),
            "trace_id": f"{dice.getrandbits(128):032x}",
            "user": f"user-{dice.randrange(100_000)}",
            "address": f"192.0.2.{dice.randrange(256)}",
        },
    ),
    "traffic": (
        15,
        lambda dice: {
            "route": dice.choice(ROUTES),
            "client": dice.choice(("human", "human", "bot")),
            "country": dice.choice(("DE", "FR", "US", "IN")),
        },
    ),
    "widget": (
        10,
        lambda dice: {
            "widget": dice.choice(("donate", "signup", "chart", f"odd-{dice.randrange(10_000)}")),
            "outcome": dice.choice(("loaded", "loaded", "loaded", "load_error")),
            "release": f"1.{dice.randrange(10)}",
            "duration": dice.expovariate(2.0),
        },
    ),
    "ai_usage": (
        5,
        lambda dice: {
            "endpoint": f"fal-ai/model-{dice.randrange(8)}",
            "status": dice.choice(("ok", "ok", "ok", "timeout")),
            "duration": dice.expovariate(0.5),
            "cost": dice.random() / 10,
        },
    ),
    "metric": (
        5,
        lambda dice: dice.choice(
            (
                {"name": "jobs_waiting", "value": dice.randrange(50), "labels": {"queue": "mail"}},
                {"name": "mails_total", "value": 1, "labels": {"template": f"t{dice.randrange(20)}"}},
            )
        ),
    ),
    "auth": (
        5,
        lambda dice: {
            "outcome": dice.choice(("success", "failure")),
            "method": "password",
            "country": "DE",
            "actor": f"user-{dice.randrange(100_000)}",
        },
    ),
    "rate_limit": (
        5,
        lambda dice: {
            "policy": "api",
            "endpoint": dice.choice(ROUTES),
            "outcome": dice.choice(("allowed", "blocked")),
            "identifier": f"192.0.2.{dice.randrange(256)}",
        },
    ),
    "payment": (
        5,
        lambda dice: {
            "outcome": dice.choice(("succeeded", "succeeded", "declined")),
            "amount": round(dice.random() * 100, 2),
            "currency": "EUR",
            "decline_code": "insufficient_funds",
        },
    ),
    "webhook": (
        5,
        lambda dice: {"source": "shop", "outcome": "processed", "duration": dice.expovariate(10.0)},
    ),
    "audit": (
        5,
        lambda dice: {
            "actor": f"user-{dice.randrange(1000)}",
            "action": dice.choice(("user.delete", "order.refund", "role.grant")),
            "address": f"192.0.2.{dice.randrange(256)}",
            "details": {"why": "asked"},
        },
    ),
}
"""Weight of each kind in a hundred events, and its fields."""
