"""An app in the demo: it reports what it does by the Python client, for as long as the demo runs."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from exporter.client import Client
from exporter.client.kinds import Kinds

EVERY = 1.0
"""Seconds between two rounds of events."""

LIMIT = 30.0
"""Seconds after which events that are not taken are reported as a fault of the demo."""

ATTACK_AT, ATTACK_EVERY = 180, 900
"""Rounds until somebody tries passwords, and until the next time: after the demo's own story is over."""

TENANTS = ("acme", "globex", "initech")
ROUTES = (("/checkout", "POST", 0.24), ("/bookings/{id}", "GET", 0.05), ("/search", "GET", 0.9))
"""Route template, method, and how long it takes, in seconds."""

AI = (("describe-room", 1.8, 0.004), ("translate", 0.5, 0.0006))
"""Endpoint, how long it takes in seconds, and what it costs in US dollars."""

WIDGETS = (("booking", "2026.10"), ("booking", "2026.11"), ("signup", "3.2"))
WIDGET_FAILURES = ("load_error", "render_failure", "timeout", "script_error")
DECLINES = ("insufficient_funds", "expired_card", "do_not_honor", "fraudulent")
ACTIONS = (
    ("ada", "booking.update"),
    ("bob", "booking.view"),
    ("eve", "price.update"),
    ("bob", "session.open"),
)


def report_round(client: Kinds, chance: random.Random, number: int) -> None:
    """Report what an app does in the second `number`, for each of its tenants.

    What goes wrong does so every so often, and not by chance: the demo begins with all well, so no share may
    be above its threshold.
    """
    for place, tenant in enumerate(TENANTS):
        turn = number + 17 * place
        _requests(client, chance, turn, tenant)
        _calls(client, chance, turn, tenant)
        _pages(client, chance, turn, tenant)
        _people(client, turn, tenant)
    if number >= ATTACK_AT and (number - ATTACK_AT) % ATTACK_EVERY == 0:
        _attack(client, TENANTS[1])


def _requests(client: Kinds, chance: random.Random, turn: int, tenant: str) -> None:
    for index, (route, method, seconds) in enumerate(ROUTES):
        status = {7: 500, 23: 404, 41: 504}.get((turn + index) % 100, 200)
        duration, trace = seconds * chance.uniform(0.7, 1.6), uuid.UUID(int=chance.getrandbits(128)).hex
        client.api_request(route, method, status, duration, trace_id=trace, tenant=tenant)
    decision = "blocked" if turn % 12 == 5 else "allowed"
    client.rate_limit("search", "shop/search", decision, identifier="198.51.100.7", tenant=tenant)


def _calls(client: Kinds, chance: random.Random, turn: int, tenant: str) -> None:
    """Report calls to vendors, and what they were for."""
    trace = uuid.UUID(int=chance.getrandbits(128)).hex
    status, duration = 429 if turn % 60 == 9 else 200, 0.3 * chance.uniform(0.7, 2.0)
    client.api_request(
        "/v1/payment_intents", "POST", status, duration, trace_id=trace, integration="payments", tenant=tenant
    )
    outcome, code = _outcome(turn)
    client.payment(
        outcome, amount=42.0, currency="eur", decline_code=code, integration="payments", tenant=tenant
    )
    for index, (endpoint, seconds, cost) in enumerate(AI):
        status_of_call = "rate_limited" if (turn + index) % 60 == 31 else "ok"
        took = seconds * chance.uniform(0.6, 1.7)
        client.ai_usage(
            endpoint, status_of_call, duration=took, cost=cost, request_id=f"req_{trace[:24]}", tenant=tenant
        )


def _outcome(turn: int) -> tuple[str, str | None]:
    """Return what became of a payment, and the decline code where it has one."""
    if turn % 150 == 140:
        return "declined", DECLINES[turn // 150 % len(DECLINES)]
    return {400: "disputed", 700: "fraud_warning"}.get(turn % 1000, "succeeded"), None


def _pages(client: Kinds, chance: random.Random, turn: int, tenant: str) -> None:
    for route, *_ in ROUTES:
        client.traffic(route, "human", country=chance.choice(("DE", "DE", "FR", "US")), tenant=tenant)
    client.traffic("/search", "bot" if turn % 9 else "suspicious", country="US", tenant=tenant)
    for index, (widget, release) in enumerate(WIDGETS):
        failure = (turn + 3 * index) % 120
        outcome = WIDGET_FAILURES[failure // 30] if failure % 30 == 11 else "loaded"
        took = chance.uniform(0.2, 0.9) if outcome == "loaded" else None
        error = None if outcome == "loaded" else "TypeError"
        client.widget(widget, outcome, release=release, duration=took, error=error, tenant=tenant)


def _people(client: Kinds, turn: int, tenant: str) -> None:
    method, country = ("password", "passkey", "google")[turn % 3], ("DE", "FR")[turn % 2]
    if turn % 20 == 3:
        client.auth(
            "failure", method="password", country=country, actor="bob", reason="bad_password", tenant=tenant
        )
    elif turn % 2:
        client.auth("success", method=method, actor=f"user{turn % 40}", tenant=tenant)
    actor, action = ACTIONS[turn // 2 % len(ACTIONS)]
    client.audit(actor, action, resource=f"booking {turn % 9}", tenant=tenant)


def _attack(client: Kinds, tenant: str) -> None:
    """Try the same password for many accounts from one address, then take away what one of them may see."""
    for number in range(14):
        client.auth(
            "failure",
            method="password",
            country="XX",
            address="203.0.113.66",
            actor=f"customer{number}",
            reason="bad_password",
            tenant=tenant,
        )
    client.audit(
        "customer9", "customer.export", address="203.0.113.66", details={"rows": 25_000}, tenant=tenant
    )


@asynccontextmanager
async def app(exporter: str, token: str) -> AsyncIterator[Client]:
    """Let an app report to `exporter` until the end of the block."""
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
    number = 0
    while True:
        report_round(client, chance, number)
        number += 1
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
