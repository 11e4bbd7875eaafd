"""Simulates the read side of Stripe's API.

Written from docs.stripe.com/api (balance, accounts, events, webhook endpoints, disputes, early fraud
warnings, payouts, customers), docs.stripe.com/api/errors and docs.stripe.com/rate-limits.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

KEY = "sk_test_sandboxPlantedKey4242"
CUSTOMER = "cus_sandbox1"
EMAIL = "jenny.rosen@customer.example"
HOUR = 3600

# What a restricted key may lack: the scenario's ending, the paths it shuts.
_SHUT = {
    "account": ("/v1/account",),
    "events": ("/v1/events",),
    "webhook_endpoints": ("/v1/webhook_endpoints",),
    "fraud_warnings": ("/v1/radar/early_fraud_warnings",),
    "disputes": ("/v1/disputes",),
    "payouts": ("/v1/payouts",),
    "customers": ("/v1/customers/",),
    "balance": ("/v1/balance",),
}

SCENARIOS = {
    "webhook_disabled": "One of its three webhook endpoints is disabled.",
    "undelivered_events": "Three events of the last hours could not be delivered to a webhook endpoint.",
    "restricted_account": "The account is restricted: requirements are past due and payouts are stopped.",
    "declining_payments": "Half of the payments are declined, most for lack of funds.",
    "broken_payments": "Nine payments of ten fail with a processing error.",
    "card_testing": "Radar blocks a wave of payments.",
    "quiet_shop": "Nobody pays anything.",
    "busy_shop": "More payments a day than one page holds.",
    "disputes": "Six payments of the last day are disputed.",
    "fraud_warnings": "Six early fraud warnings came in the last day.",
    "failing_payout": "The last payout failed.",
    "expired_key": "The key was rolled and has expired.",
    "customer_missing": "The customer does not exist.",
    "customer_deleted": "The customer was deleted.",
    "many_currencies": "Balances in currencies with no, two and three decimals, one of them negative.",
    "null_fields": "Fields of the balance and the account are null or of another type.",
    "chatty_errors": "Refusals repeat the whole key they were sent.",
} | {f"no_{name}_permission": f"The key lacks the permission to read {name}." for name in _SHUT}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "secret_key": KEY,
        "customer_id": CUSTOMER,
        "base_url": endpoint.tls_url,
        "tls": {"ca_file": endpoint.ca_file},
    }


def _error(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    error: dict[str, Any] = {"type": "api_error" if status >= 500 else "invalid_request_error"}
    error |= {"message": message} | ({"code": code} if code else {})
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Reply(status, {"error": error}, {"Request-Id": "req_sandbox1", **named})


def _guard(call: Call) -> Reply | None:
    key = call.headers.get("authorization", "").removeprefix("Bearer ").strip()
    # Stripe repeats the key with its middle hidden.
    shown = key if "chatty_errors" in call.scenarios else f"{key[:8]}***{key[-4:]}"
    if not key:
        return _error(401, "You did not provide an API key.")
    # Publishable keys are public: Stripe knows them, but takes them for a browser's calls alone.
    if key.startswith("pk_"):
        return _error(401, "This call needs a secret key.", "secret_key_required")
    if key != call.credentials["secret_key"]:
        return _error(401, f"Invalid API Key provided: {shown}")
    if "expired_key" in call.scenarios:
        return _error(401, f"Expired API Key provided: {shown}", "api_key_expired")
    return _permission(call, shown)


def _permission(call: Call, shown: str) -> Reply | None:
    for name, paths in _SHUT.items():
        if f"no_{name}_permission" in call.scenarios and call.path.startswith(paths):
            return _error(
                403,
                f"The provided key '{shown}' does not have the required permissions for this endpoint."
                f" Having the 'rak_{name}_read' permission would allow this request to continue.",
            )
    return None


def _balance(call: Call) -> Reply:
    available: list[dict[str, Any]] = [{"amount": 1234567, "currency": "usd"}]
    if "many_currencies" in call.scenarios:
        available = [
            {"amount": -2500, "currency": "usd"},
            {"amount": 98000, "currency": "jpy"},
            {"amount": 5120, "currency": "kwd"},
        ]
    if "null_fields" in call.scenarios:
        available = [{"amount": None, "currency": "usd"}, {"amount": 700, "currency": 7}]
    return Reply(
        body={
            "object": "balance",
            "livemode": None if "null_fields" in call.scenarios else False,
            "available": available,
            "pending": [{"amount": 67800, "currency": "usd"}],
        }
    )


def _account(call: Call) -> Reply:
    restricted = "restricted_account" in call.scenarios
    requirements: dict[str, Any] = {
        "currently_due": ["external_account", "business_profile.url"] if restricted else [],
        "past_due": ["external_account"] if restricted else [],
        "eventually_due": [],
        "pending_verification": [],
        "disabled_reason": "requirements.past_due" if restricted else None,
        "current_deadline": int(call.now) + 7 * 24 * HOUR if restricted else None,
        "errors": [],
    }
    return Reply(
        body={
            "id": call.headers.get("stripe-account", "acct_sandbox1"),
            "object": "account",
            "charges_enabled": None if "null_fields" in call.scenarios else True,
            "payouts_enabled": not restricted,
            "details_submitted": True,
            "country": "US",
            "default_currency": "usd",
            "requirements": None if "null_fields" in call.scenarios else requirements,
            "capabilities": {"card_payments": "active", "transfers": "inactive" if restricted else "active"},
        }
    )


def _endpoints(call: Call) -> Reply:
    broken = "webhook_disabled" in call.scenarios
    states = ("enabled", "enabled", "disabled" if broken else "enabled")
    return _page(
        call,
        [
            {"id": f"we_{index}", "object": "webhook_endpoint", "status": state, "api_version": None}
            for index, state in enumerate(states)
        ],
    )


def _events(call: Call) -> Reply:
    if call.one("delivery_success") == "false":
        return _page(call, _undelivered(call))
    return _page(call, _payments(call))


def _undelivered(call: Call) -> list[dict[str, Any]]:
    # The newest is still on its first attempt, as there nearly always is one.
    ages = [20, 2 * HOUR, 3 * HOUR, 5 * HOUR] if "undelivered_events" in call.scenarios else [20]
    return [_event(call, index, age, "invoice.paid", {}) for index, age in enumerate(ages)]


# What payment number i resulted in: outcome.type and outcome.reason of its charge.
Outcome = Callable[[int], tuple[str, str]]


def _payments(call: Call) -> list[dict[str, Any]]:
    gap, count, outcome = _shop(call.scenarios)
    events = []
    for index in range(count):
        kind, reason = outcome(index)
        failed = kind != "authorized"
        charge = {
            "id": f"ch_{index}",
            "object": "charge",
            "status": "failed" if failed else "succeeded",
            # The same for nearly every decline: the issuer's own reason is in `outcome`.
            "failure_code": "card_declined" if failed else None,
            "outcome": {"type": kind, "reason": reason or None, "network_status": "approved_by_network"},
        }
        name = "charge.failed" if failed else "charge.succeeded"
        events.append(_event(call, index, 30 + index * gap, name, charge))
    return events


def _shop(scenarios: frozenset[str]) -> tuple[int, int, Outcome]:
    """Return the seconds between payments, how many there are, and what each resulted in."""
    if "quiet_shop" in scenarios:
        return 60, 0, _good
    if "declining_payments" in scenarios:
        return 60, 80, lambda index: _good(index) if index % 2 else _decline(index)
    if "broken_payments" in scenarios:
        return 60, 80, lambda index: _good(index) if index % 10 == 0 else _declined("processing_error")
    if "card_testing" in scenarios:
        return 60, 80, lambda index: _good(index) if index % 4 == 0 else ("blocked", "highest_risk_level")
    if "busy_shop" in scenarios:
        return 6, 250, _good
    # Sixty payments of the last half day: 54 good, five declined, one blocked.
    return 600, 60, _usual


def _good(_index: int) -> tuple[str, str]:
    return "authorized", ""


def _declined(code: str) -> tuple[str, str]:
    return "issuer_declined", code


def _decline(index: int) -> tuple[str, str]:
    return _declined("stolen_card" if index % 20 == 0 else "insufficient_funds")


def _usual(index: int) -> tuple[str, str]:
    codes = {3: "insufficient_funds", 14: "expired_card", 25: "do_not_honor", 36: "invented_code"}
    if index == 47:
        return "blocked", "rule"
    if index == 5:
        return _declined("authentication_required")
    return _declined(codes[index]) if index in codes else _good(index)


def _event(call: Call, index: int, age: int, kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_{index}",
        "object": "event",
        "type": kind,
        "created": int(call.now) - age,
        "livemode": False,
        "pending_webhooks": 1,
        "data": {"object": thing},
    }


def _warnings(call: Call) -> Reply:
    return _page(call, _recent(call, "fraud_warnings", "issfr", {"actionable": True}))


def _disputes(call: Call) -> Reply:
    return _page(call, _recent(call, "disputes", "dp", {"status": "needs_response"}))


def _recent(call: Call, scenario: str, prefix: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    count = 6 if scenario in call.scenarios else 1
    return [
        {"id": f"{prefix}_{index}", "created": int(call.now) - 2 * HOUR * (index + 1), **fields}
        for index in range(count)
    ]


def _payouts(call: Call) -> Reply:
    states = ["failed" if "failing_payout" in call.scenarios else "paid", "paid", "in_transit"]
    return _page(
        call,
        [
            {"id": f"po_{index}", "status": state, "created": int(call.now) - 24 * HOUR * index - HOUR}
            for index, state in enumerate(states)
        ],
    )


def _customer(call: Call) -> Reply:
    wanted = call.match["id"]
    if "customer_missing" in call.scenarios or wanted != CUSTOMER:
        return _error(404, f"No such customer: '{wanted}'", "resource_missing")
    if "customer_deleted" in call.scenarios:
        return Reply(body={"id": CUSTOMER, "object": "customer", "deleted": True})
    return Reply(body={"id": CUSTOMER, "object": "customer", "email": EMAIL})


def _page(call: Call, things: list[dict[str, Any]]) -> Reply:
    """Answer one page, newest first, as every list of the API is paged."""
    if not call.one("limit", "10").isdigit() or not 1 <= int(call.one("limit", "10")) <= 100:
        return _error(400, "Invalid integer: limit", "parameter_invalid_integer")
    since, wanted = float(call.one("created[gte]", "0")), call.query.get("types[]")
    fitting = [
        thing
        for thing in things
        if thing.get("created", since) >= since and (not wanted or thing["type"] in wanted)
    ]
    ids = [thing["id"] for thing in fitting]
    after = call.one("starting_after")
    # A cursor that is not in the list is an error, not an empty page.
    if after and after not in ids:
        return _error(400, f"No such object: '{after}'", "resource_missing")
    rest = fitting[ids.index(after) + 1 :] if after else fitting
    page = list(islice(rest, int(call.one("limit", "10"))))
    return Reply(body={"object": "list", "url": call.path, "has_more": len(rest) > len(page), "data": page})


VENDOR = Vendor(
    name="stripe",
    title="Stripe",
    options=_options,
    credentials={"secret_key": KEY},
    guard=_guard,
    rate_limited=lambda _call: _error(
        429, "Too many requests.", stripe_rate_limited_reason="endpoint-rate", retry_after="7"
    ),
    server_error=lambda _call: _error(500, "Something went wrong on our side.", stripe_should_retry="true"),
    not_found=lambda call: _error(404, f"Unrecognized request URL ({call.method}: {call.path})."),
    scenarios=SCENARIOS,
    routes={
        "GET /v1/balance": _balance,
        "GET /v1/account": _account,
        "GET /v1/events": _events,
        "GET /v1/webhook_endpoints": _endpoints,
        "GET /v1/radar/early_fraud_warnings": _warnings,
        "GET /v1/disputes": _disputes,
        "GET /v1/payouts": _payouts,
        "GET /v1/customers/{id}": _customer,
    },
)
