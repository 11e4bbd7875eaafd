"""Simulates the read side of fal's platform API.

Written from fal.ai/docs/platform-apis (authentication, models/pricing, models/usage, models/analytics,
account/billing) and the errors documented there.
"""

from datetime import UTC, datetime
from typing import Any

from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

KEY = "sandboxPlantedId:sandboxPlantedSecret4242"
MODELS = {"fal-ai/flux/dev": 0.025, "fal-ai/flux/schnell": 0.003}
DAY = 86_400

SCENARIOS = {
    "api_key_only": "The key has the scope API: it may not read costs and money.",
    "expensive_day": "Today has cost 75 dollars.",
    "discounts": "Half of each line's cost is given as a discount.",
    "one_cost": "Lines tell one cost alone, as they did before there were discounts.",
    "many_models": "Sixty models are used besides the usual ones.",
    "many_pages": "The usage comes in three pages.",
    "nothing_used": "Nobody has used anything this month.",
    "empty_balance": "The prepaid money is used up; the account is locked.",
    "locked_account": "The account is locked.",
    "failing_models": "A third of the hour's requests fails.",
    "other_currency": "One line of the usage is in euros.",
    "null_fields": "Fields of the usage and the balance are null, missing or of another type.",
    "no_analytics": "The call for the requests refuses to work.",
    "chatty_errors": "Refusals repeat the whole key they were sent.",
}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {"key": KEY, "base_url": f"{endpoint.tls_url}/v1", "tls": {"ca_file": endpoint.ca_file}}


def _error(status: int, kind: str, message: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": {"type": kind, "message": message, "request_id": "req-1"}}, named)


def _guard(call: Call) -> Reply | None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    shown = f" {key}" if "chatty_errors" in call.scenarios else ""
    if scheme != "Key" or key != call.credentials["key"]:
        return _error(401, "authorization_error", f"Authentication required{shown}")
    if "empty_balance" in call.scenarios:
        # The kind is the same as for a missing scope: only the text says that the money is used up.
        return _error(403, "authorization_error", "User is locked. Reason: Exhausted balance.")
    if "locked_account" in call.scenarios:
        return _error(403, "authorization_error", f"User is locked{shown}.")
    if "api_key_only" in call.scenarios and call.path in ("/v1/models/usage", "/v1/account/billing"):
        return _error(403, "authorization_error", f"Access denied{shown}")
    return None


def _not_found(_call: Call) -> Reply:
    return _error(404, "not_found", "Resource not found")


def _pricing(call: Call) -> Reply:
    wanted = call.query.get("endpoint_id", ())
    if not 1 <= len(wanted) <= 50:
        return _error(400, "validation_error", "endpoint_id is required")
    if not set(wanted) <= MODELS.keys():
        return _not_found(call)
    prices = [
        {"endpoint_id": name, "unit_price": MODELS[name], "unit": "image", "currency": "USD"}
        for name in wanted
    ]
    return Reply(body={"prices": prices, "next_cursor": None, "has_more": False})


def _billing(call: Call) -> Reply:
    body: dict[str, Any] = {"username": "customer"}
    if call.one("expand") == "credits":
        balance = None if "null_fields" in call.scenarios else 24.5
        body["credits"] = {"current_balance": balance, "currency": "USD"}
    return Reply(body=body)


def _days(call: Call) -> list[int]:
    """Return the midnights from the first of the month to today, in Unix seconds."""
    today = datetime.fromtimestamp(call.now, UTC)
    last = int(call.now) // DAY * DAY
    return [last - DAY * back for back in reversed(range(today.day))]


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat()


def _line(call: Call, model: str, quantity: float) -> dict[str, Any]:
    price = MODELS.get(model, 0.0)
    line: dict[str, Any] = {"endpoint_id": model, "unit": "image", "quantity": quantity, "unit_price": price}
    whole = quantity * price
    if "one_cost" in call.scenarios:
        # The older shape, without the parts of the cost.
        return line | {"cost": whole, "currency": "USD"}
    percent = 50 if "discounts" in call.scenarios else None
    paid = whole * (100 - (percent or 0)) / 100
    return line | {
        "percent_discount": percent,
        "cost_subtotal": whole,
        "cost_discount": whole - paid,
        "cost_total": paid,
        "cost": paid,
        "currency": "USD",
    }


def _usage(call: Call) -> Reply:
    if (refusal := _period(call)) is not None:
        return refusal
    buckets: list[dict[str, Any]] = [
        {"bucket": _iso(day), "results": [_line(call, name, 100.0) for name in MODELS]} for day in _days(call)
    ]
    if "expensive_day" in call.scenarios:
        buckets[-1]["results"] = [_line(call, "fal-ai/flux/dev", 3_000.0)]
    if "other_currency" in call.scenarios:
        buckets[-1]["results"][0]["currency"] = "EUR"
    if "null_fields" in call.scenarios:
        buckets[-1]["results"][0] |= {"cost": None, "cost_total": None}
        buckets[-1]["results"][1]["endpoint_id"] = 7
        buckets[0]["bucket"] = "yesterday"
    if "many_models" in call.scenarios:
        buckets[-1]["results"] += [_line(call, f"fal-ai/model-{number}", 1.0) for number in range(60)]
    if "nothing_used" in call.scenarios:
        buckets = []
    if "many_pages" in call.scenarios:
        return _page(call, buckets)
    return Reply(body={"time_series": buckets, "next_cursor": None, "has_more": False})


def _page(call: Call, buckets: list[dict[str, Any]]) -> Reply:
    # The size is rounded up, so that three pages hold all.
    number, size = int(call.one("cursor", "0")), -(-len(buckets) // 3)
    more = number < 2
    return Reply(
        body={
            "time_series": buckets[number * size : (number + 1) * size],
            "next_cursor": str(number + 1) if more else None,
            "has_more": more,
        }
    )


def _period(call: Call) -> Reply | None:
    """Return the refusal of a call that does not say what it wants."""
    if call.one("timeframe") not in ("minute", "hour", "day", "week", "month"):
        return _error(400, "validation_error", "Invalid request parameters")
    if "time_series" not in call.query.get("expand", ()) or not call.one("start").endswith("Z"):
        return _error(400, "validation_error", "Invalid request parameters")
    return None


def _analytics(call: Call) -> Reply:
    if (refusal := _period(call)) is not None:
        return refusal
    named = call.query.get("endpoint_id", ())
    if "no_analytics" in call.scenarios or not 1 <= len(named) <= 50:
        return _error(400, "validation_error", "Invalid request parameters")
    failed = 30 if "failing_models" in call.scenarios else 1
    counts = {"request_count": 95 + failed, "success_count": 90, "user_error_count": 5, "error_count": failed}
    wanted = {name: count for name, count in counts.items() if name in call.query["expand"]}
    whens = _days(call) if call.one("timeframe") == "day" else [call.now - 3_600]
    return Reply(
        body={
            "time_series": [
                {"bucket": _iso(when), "results": [{"endpoint_id": named[0], **wanted}]} for when in whens
            ],
            "next_cursor": None,
            "has_more": False,
        }
    )


VENDOR = Vendor(
    name="fal",
    title="fal",
    options=_options,
    credentials={"key": KEY},
    guard=_guard,
    rate_limited=lambda _call: _error(429, "rate_limited", "Rate limit exceeded", retry_after="7"),
    server_error=lambda _call: _error(500, "server_error", "Internal error"),
    not_found=_not_found,
    scenarios=SCENARIOS,
    routes={
        "GET /v1/models/pricing": _pricing,
        "GET /v1/account/billing": _billing,
        "GET /v1/models/usage": _usage,
        "GET /v1/models/analytics": _analytics,
    },
)
