"""Simulates the read side of Resend's API.

Written from resend.com/docs/api-reference (usage, errors, rate-limit), resend/resend-openapi (domains and
webhooks) and the types of resend/resend-node (e-mail metrics).
"""

from datetime import UTC, datetime
from typing import Any

from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

KEY = "re_sandboxPlantedKey4242"
DAY = 86_400

SCENARIOS = {
    "sending_only_key": "The key may only send.",
    "no_usage_call": "There is no call for the usage yet.",
    "nearly_used_up": "96 of the day's 100 e-mails are used up.",
    "paid_plan": "A paid plan: no limit of a day, none of contacts.",
    "domain_in_danger": "The DNS records of a verified domain are gone since yesterday.",
    "failed_domain": "One of three domains has lost its DNS records, another one a part of them.",
    "many_domains": "More domains than one page holds.",
    "webhook_disabled": "One of two webhook endpoints is disabled.",
    "bouncing": "A fifth of the e-mails bounces.",
    "null_fields": "Fields of the usage are null, missing or of another type.",
    "suspended_key": "The key is suspended.",
    "scoped_token": "The credential is a token without the scopes for reading.",
    "blocked_account": "The account is blocked for security reasons.",
    "daily_quota": "Every call is refused because the day's quota is used up.",
    "chatty_errors": "Refusals repeat the whole key they were sent.",
}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {"api_key": KEY, "base_url": endpoint.tls_url, "tls": {"ca_file": endpoint.ca_file}}


def _error(status: int, name: str, message: str, **headers: str) -> Reply:
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return Reply(status, {"statusCode": status, "name": name, "message": message}, named)


def _guard(call: Call) -> Reply | None:
    key = call.headers.get("authorization", "").removeprefix("Bearer ").strip()
    shown = f" {key}" if "chatty_errors" in call.scenarios else ""
    # Resend demands one of every call (api-reference/introduction).
    if not call.headers.get("user-agent"):
        return Reply(403, b"a User-Agent is required")
    if not key:
        return _error(401, "missing_api_key", "Missing API key in the authorization header")
    if key != call.credentials["api_key"]:
        # The name is that of a wrong parameter: only the message says that the key is meant.
        return _error(400, "validation_error", f"API key is invalid{shown}")
    if "suspended_key" in call.scenarios:
        return _error(403, "suspended_api_key", f"This API key is suspended{shown}")
    if "blocked_account" in call.scenarios:
        return _error(451, "security_error", f"We may have found a security issue{shown}")
    if "daily_quota" in call.scenarios:
        return _error(429, "daily_quota_exceeded", "You have reached your daily email sending quota")
    if "sending_only_key" in call.scenarios and call.path != "/emails":
        return _error(401, "restricted_api_key", f"This API key{shown} is restricted to only send emails")
    if "scoped_token" in call.scenarios and call.path != "/usage":
        return _error(403, "invalid_permission", "This token lacks the scope for this call")
    return None


def _not_found(_call: Call) -> Reply:
    return _error(404, "not_found", "The requested endpoint does not exist")


def _headers(call: Call) -> dict[str, str]:
    used = "96" if "nearly_used_up" in call.scenarios else "12"
    return {
        "ratelimit-limit": "5",
        "ratelimit-remaining": "4",
        "ratelimit-reset": "1",
        "x-resend-daily-quota": used,
        "x-resend-monthly-quota": "340",
    }


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _usage(call: Call) -> Reply:
    if "no_usage_call" in call.scenarios:
        return _not_found(call)
    paid, empty = "paid_plan" in call.scenarios, "null_fields" in call.scenarios
    midnight = (int(call.now) // DAY + 1) * DAY
    used = 96 if "nearly_used_up" in call.scenarios else 12
    daily: dict[str, Any] = {"used": used, "limit": None if paid else 100, "sent": used - 2, "received": 2}
    monthly: dict[str, Any] = {"used": None if empty else 340, "limit": 50_000 if paid else 3_000}
    body: dict[str, Any] = {
        "object": "usage",
        "generated_at": _iso(call.now),
        "emails": {
            "daily": {**daily, "resets_at": "soon" if empty else _iso(midnight)},
            "monthly": {**monthly, "sent": 320, "received": 20, "resets_at": _iso(midnight + 9 * DAY)},
        },
        "contacts": {"used": 5, "limit": None if paid else 1_000},
        "segments": {"used": 1, "limit": "3" if empty else 3},
        "broadcasts": {"used": 0, "limit": None},
        "ai_credits": {"used": 0, "limit": None, "next_increase_at": None},
        "automation_runs": {"used": 0, "limit": None, "resets_at": None},
        "domains": {"used": 1, "limit": 1},
        "rate_limit": {"limit": 5, "duration": "1000ms"},
    }
    if empty:
        del body["ai_credits"]
    return Reply(body=body, headers=_headers(call))


def _domains(call: Call) -> Reply:
    states = ["verified", "pending", "verified"]
    if "domain_in_danger" in call.scenarios:
        states = ["verified", "temporary_failure", "verified"]
    if "failed_domain" in call.scenarios:
        states = ["verified", "partially_failed", "failed"]
    if "many_domains" in call.scenarios:
        states = ["verified"] * 150 + ["invented"]
    return _page(
        call,
        [
            {
                "id": f"dom-{index}",
                "name": f"mail{index}.customer.example",
                "status": state,
                "created_at": _iso(call.now - DAY),
                "region": "us-east-1",
                "capabilities": {"sending": "enabled", "receiving": "disabled"},
            }
            for index, state in enumerate(states)
        ],
    )


def _webhooks(call: Call) -> Reply:
    states = ("enabled", "disabled" if "webhook_disabled" in call.scenarios else "enabled")
    return _page(
        call,
        [
            {"id": f"wh-{index}", "status": state, "endpoint": "https://app.example/hook", "events": None}
            for index, state in enumerate(states)
        ],
    )


def _metrics(call: Call) -> Reply:
    wanted = [name for name in call.one("metrics").split(",") if name]
    bounced = 200 if "bouncing" in call.scenarios else 4
    found = {"sent": 1_000, "delivered": 996 - bounced, "bounced": bounced, "complained": 1, "failed": 3}
    if not call.one("start_date") or not set(wanted) <= {*found, "bounce_rate", "delivery_rate"}:
        return _error(422, "invalid_parameter", "The parameter is invalid")
    return Reply(
        body={
            "object": "metrics",
            "start_date": call.one("start_date"),
            "end_date": call.one("end_date"),
            "metrics": wanted,
            "dimensions": [],
            "granularity": "daily",
            "totals": {name: found[name] for name in wanted if name in found},
        },
        headers=_headers(call),
    )


def _page(call: Call, things: list[dict[str, Any]]) -> Reply:
    """Answer one page, as every list of the API is paged."""
    limit = call.one("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        return _error(422, "invalid_parameter", "The limit must be between 1 and 100")
    ids, after = [thing["id"] for thing in things], call.one("after")
    if after and after not in ids:
        return _error(422, "invalid_parameter", "No such cursor")
    rest = things[ids.index(after) + 1 :] if after else things
    page = rest[: int(limit)]
    return Reply(
        body={"object": "list", "has_more": len(rest) > len(page), "data": page}, headers=_headers(call)
    )


VENDOR = Vendor(
    name="resend",
    title="Resend",
    options=_options,
    credentials={"api_key": KEY},
    guard=_guard,
    rate_limited=lambda _call: _error(
        429, "rate_limit_exceeded", "Too many requests", retry_after="7", ratelimit_remaining="0"
    ),
    server_error=lambda _call: _error(500, "application_error", "Something went wrong"),
    not_found=_not_found,
    scenarios=SCENARIOS,
    routes={
        "GET /usage": _usage,
        "GET /domains": _domains,
        "GET /webhooks": _webhooks,
        "GET /emails/metrics": _metrics,
    },
)
