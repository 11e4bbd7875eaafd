"""Simulates Twilio's APIs: core (2010-04-01) with its messages, Monitor (v1) and Messaging (v2).

Written from github.com/twilio/twilio-oai, www.twilio.com/docs/api/errors, /docs/iam/api-keys and
/docs/usage/api/usage-record. One endpoint plays all three hosts: their paths do not meet.
"""

from collections.abc import Callable
from typing import Any

from exporter.sandbox._twilio_answers import (
    CORE,
    HOUR,
    KEY_SECRET,
    KEY_SID,
    MINUTE,
    NUMBER,
    PARENT_SID,
    PARENT_TOKEN,
    SID,
    TOKEN,
    error,
    iso,
    new_page,
    ok,
    page,
    sent_credential,
)
from exporter.sandbox._twilio_messages import messages, one_message, send
from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

# What a restricted key may lack: the scenario's ending, the path it shuts.
_SHUT = {
    "account": f"{CORE}.json",
    "balance": f"{CORE}/Balance.json",
    "usage": f"{CORE}/Usage/",
    "messages": f"{CORE}/Messages.json",
    "phone_numbers": f"{CORE}/IncomingPhoneNumbers.json",
    "monitor": "/v1/Alerts",
    "senders": "/v2/Channels/Senders",
}

SCENARIOS = {
    "suspended_account": "The account is suspended: only its own state can still be read.",
    "closed_account": "The account is closed: only its own state can still be read.",
    "locked_account": "The account is suspended, and nothing can be read.",
    "inactive_account": "Every call but the balance is refused: the account is not active (20005).",
    "forbidden_account": "Every call is refused: the account is closed (20403).",
    "out_of_funds": "The balance is used up, and every other call is refused (10001).",
    "test_credentials": "The credentials are those for tests: every reading is refused.",
    "standard_key": "The key is a Standard one: the account itself is shut, and the balance too.",
    "sub_account": "The account is a sub-account: it has no balance of its own.",
    "trial_account": "It is a trial account.",
    "euro_account": "The account is billed in euros.",
    "unreachable_phones": "Half of the text messages do not reach the phone.",
    "whatsapp_refused": "WhatsApp refuses most messages: too late, or the sender is not authorised.",
    "busy_account": "More messages in an hour than one page holds.",
    "quiet_account": "Nothing is sent.",
    "webhooks_failing": "Our webhooks answer 500 or are not reached.",
    "alerts_of_parent": "Monitor lists errors of the parent account, too.",
    "noisy_monitor": "Monitor holds errors that are not about webhooks, and one code that nobody documents.",
    "sender_offline": "A WhatsApp sender is offline.",
    "low_quality": "A WhatsApp sender is rated low.",
    "many_senders": "There are more WhatsApp senders than one page holds.",
    "number_released": "The phone number no longer belongs to the account.",
    "no_usage_yet": "There is no record of usage.",
    "prices_as_numbers": "Prices of usage are numbers, as the description has them, not texts.",
    "null_fields": "Fields are null or of another type.",
    "new_errors": "Refusals come in the shape of RFC 9457.",
    "chatty_errors": "Refusals repeat the whole credential they were sent.",
    "slow_carrier": "Text messages stay on their way: what became of them is not known for an hour.",
    "no_numbers_of_load": "Answers do not tell concurrency and duration.",
} | {f"no_{name}_permission": f"The key lacks the permission to read {name}." for name in _SHUT}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "account_sid": SID,
        "auth_token": TOKEN,
        "phone_number": NUMBER,
        "base_url": endpoint.tls_url,
        "monitor_url": endpoint.tls_url,
        "messaging_url": endpoint.tls_url,
        "tls": {"ca_file": endpoint.ca_file},
    }


def _guard(call: Call) -> Reply | None:
    good = {
        (SID, call.credentials["auth_token"]),
        (KEY_SID, call.credentials["key_secret"]),
        (PARENT_SID, call.credentials["parent_token"]),
    }
    if sent_credential(call) not in good:
        return error(call, 401, 20003, "Authenticate")
    if call.path.startswith("/2010-04-01/Accounts/") and not call.path.startswith(CORE):
        return error(call, 404, 20404, f"The requested resource {call.path} was not found")
    return _account_trouble(call) or _permission(call)


def _account_trouble(call: Call) -> Reply | None:
    on, own = call.scenarios, call.path == f"{CORE}.json"
    balance = call.path == f"{CORE}/Balance.json"
    if "locked_account" in on or (on & {"suspended_account", "closed_account"} and not own):
        return error(call, 401, 20003, "Authenticate")
    if "inactive_account" in on and not balance:
        return error(call, 403, 20005, "Account not active")
    if "out_of_funds" in on and not balance:
        return error(call, 403, 10001, "Account is not active")
    if "forbidden_account" in on:
        return error(call, 403, 20403, "Forbidden")
    if "test_credentials" in on:
        return error(call, 403, 20008, "Resource not accessible with Test Account Credentials")
    return None


def _permission(call: Call) -> Reply | None:
    if "standard_key" in call.scenarios and call.path in (_SHUT["account"], _SHUT["balance"]):
        return error(call, 401, 20003, "Permission Denied")
    if "sub_account" in call.scenarios and call.path == _SHUT["balance"]:
        return error(call, 404, 20404, "The requested resource was not found")
    for name, path in _SHUT.items():
        if f"no_{name}_permission" in call.scenarios and call.path.startswith(path):
            return error(call, 403, 70051, "Authorization failed")
    return None


def _rate_limited(call: Call) -> Reply:
    refused = error(call, 429, 20429, "Too Many Requests")
    return Reply(429, refused.body, {"Retry-After": "7", "Twilio-Concurrent-Requests": "101"})


def _server_error(call: Call) -> Reply:
    return error(call, 500, 20500, "Internal Server Error")


def _not_found(call: Call) -> Reply:
    return error(call, 404, 20404, f"The requested resource {call.path} was not found")


def _currency(call: Call) -> str:
    return "EUR" if "euro_account" in call.scenarios else "USD"


def _balance(call: Call) -> Reply:
    money: Any = "-0.05" if "out_of_funds" in call.scenarios else "12.05"
    if "null_fields" in call.scenarios:
        money = None
    return ok(call, {"account_sid": SID, "balance": money, "currency": _currency(call)})


def _account(call: Call) -> Reply:
    state = "active"
    if "suspended_account" in call.scenarios:
        state = "suspended"
    if "closed_account" in call.scenarios:
        state = "closed"
    return ok(
        call,
        {
            "sid": SID,
            "owner_account_sid": SID,
            "friendly_name": "Sandbox",
            "status": state,
            "type": "Trial" if "trial_account" in call.scenarios else "Full",
            "auth_token": TOKEN,
        },
    )


def _usage(call: Call) -> Reply:
    prices = {"Today": "1.25", "ThisMonth": "37.5"}
    if call.match["period"] not in prices:
        return _not_found(call)
    wanted, doubled = call.one("Category"), call.one("IncludeSubaccounts", "true") == "true"
    price = float(prices[call.match["period"]]) * (2 if doubled else 1)
    # The examples of the description show texts, its schema says number.
    shown: Callable[[float], object] = float if "prices_as_numbers" in call.scenarios else str
    records = [
        {
            "category": category,
            "price": None if "null_fields" in call.scenarios else shown(price * share),
            "price_unit": _currency(call).lower(),
            "count": "150",
            "usage": "150",
            "as_of": iso(call.now),
        }
        for category, share in (("sms", 0.8), ("sms-outbound", 0.6), ("totalprice", 1.0))
        if wanted in ("", category)
    ]
    return page(call, "usage_records", [] if "no_usage_yet" in call.scenarios else records)


def _alerts(call: Call) -> Reply:
    if call.one("LogLevel") != "error" or not call.one("StartDate").endswith("Z"):
        return error(call, 400, 20001, "Invalid parameter")
    ages: list[tuple[str, int]] = [("11200", 20 * MINUTE)] if "webhooks_failing" in call.scenarios else []
    if "webhooks_failing" in call.scenarios:
        ages += [("11217", 60 * index) for index in range(25)] + [("11205", 2 * HOUR)]
    if "noisy_monitor" in call.scenarios:
        ages += [("30007", MINUTE), ("21610", MINUTE), ("11299", MINUTE), ("21609", MINUTE)]
    own = [(code, age, SID) for code, age in ages]
    if "alerts_of_parent" in call.scenarios:
        own += [("11200", MINUTE, PARENT_SID)] * 7 + [("30007", MINUTE, PARENT_SID)]
    found = [
        {
            "sid": f"NO{index:032d}",
            "account_sid": account,
            "error_code": code,
            "log_level": "error",
            "alert_text": f"sourceComponent=14100&ErrorCode={code}",
            "request_url": "https://app.example/hooks?customer=42",
            "request_method": "POST",
            "resource_sid": f"SM{index:032d}",
            "date_created": iso(call.now - age),
            "date_generated": iso(call.now - age),
        }
        for index, (code, age, account) in enumerate(own)
    ]
    return new_page(call, "alerts", found)


def _senders(call: Call) -> Reply:
    if call.one("Channel") not in ("whatsapp", "rcs"):
        return error(call, 400, 20001, "Channel is required")
    on = call.scenarios
    senders = [
        _sender(0, "ONLINE", "HIGH", "10K Customers/24hr"),
        _sender(1, "ONLINE:UPDATING", "LOW" if "low_quality" in on else "MEDIUM", "Unlimited"),
        _sender(2, "OFFLINE" if "sender_offline" in on else "ONLINE", None, "250 Customers/24hr"),
    ]
    if "many_senders" in on:
        senders += [_sender(number, "ONLINE", "HIGH", "1K Customers/24hr") for number in range(3, 150)]
    if "null_fields" in on:
        senders = [_sender(0, None, None, None) | {"properties": None}]
    return new_page(call, "senders", senders)


def _sender(number: int, status: str | None, quality: str | None, limit: str | None) -> dict[str, Any]:
    return {
        "sid": f"XE{number:032d}",
        "sender_id": f"whatsapp:+1555000{number:04d}",
        "status": status,
        "configuration": {"waba_id": "1234567890"},
        "properties": {"quality_rating": quality, "messaging_limit": limit},
        "webhook": {"callback_url": "https://app.example/hooks"},
        "offline_reasons": [{"code": "63051", "message": "locked"}] if status == "OFFLINE" else None,
    }


def _numbers(call: Call) -> Reply:
    # The parameter is a pattern: a longer number fits it, too.
    owned = [f"{NUMBER}9"] + ([] if "number_released" in call.scenarios else [NUMBER])
    fitting = [number for number in owned if call.one("PhoneNumber") in number]
    return page(call, "incoming_phone_numbers", [{"phone_number": number} for number in fitting])


VENDOR = Vendor(
    name="twilio",
    title="Twilio",
    options=_options,
    credentials={"auth_token": TOKEN, "key_secret": KEY_SECRET, "parent_token": PARENT_TOKEN},
    guard=_guard,
    rate_limited=_rate_limited,
    server_error=_server_error,
    not_found=_not_found,
    scenarios=SCENARIOS,
    routes={
        "GET /2010-04-01/Accounts/{sid}/Balance.json": _balance,
        "GET /2010-04-01/Accounts/{sid}/Usage/Records/{period}.json": _usage,
        "GET /2010-04-01/Accounts/{sid}/Messages.json": messages,
        "POST /2010-04-01/Accounts/{sid}/Messages.json": send,
        "GET /2010-04-01/Accounts/{sid}/Messages/{message}.json": one_message,
        "GET /2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json": _numbers,
        "GET /2010-04-01/Accounts/{sid}.json": _account,
        "GET /v1/Alerts": _alerts,
        "GET /v2/Channels/Senders": _senders,
    },
)
