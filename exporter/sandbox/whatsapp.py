"""Simulates the read side of WhatsApp's Cloud API.

Written from developers.facebook.com/documentation/business-messaging/whatsapp (health status, messaging
limits, throughput, error codes) and Meta's OpenAPI description of the API (numbers, accounts, templates,
subscribed apps).
"""

from collections.abc import Callable
from typing import Any

from exporter.sandbox import _graph
from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

TOKEN = "EAAGsandboxWhatsappPlanted4242"  # noqa: S105 - made up, for the sandbox alone
ACCOUNT = "104000000000001"
NUMBERS = ("106000000000001", "106000000000002")
DISPLAY = "+49 30 901820"
SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")

# What a token may not read: the scenario's ending, the end of the path that is shut.
_SHUT = {
    "numbers": "/phone_numbers",
    "templates": "/message_templates",
    "subscribed_apps": "/subscribed_apps",
    "account": f"/{ACCOUNT}",
}

SCENARIOS = {
    **_graph.SCENARIOS,
    "red_quality": "Recipients block one of the numbers: its quality is RED.",
    "yellow_quality": "The quality of one number is YELLOW.",
    "unrated": "No number has a quality rating yet.",
    "banned_number": "One number is banned.",
    "restricted_number": "One number is restricted.",
    "disconnected_number": "One number is disconnected, in a state that the reference does not list.",
    "payment_problem": "Payment fails: business-initiated messages are blocked.",
    "unverified_business": "The business is not verified, so that sending is limited.",
    "calling_disabled": "Calls by SIP are off: a number is limited, and messages are not affected.",
    "rejected_account": "The account's review ended with a rejection.",
    "paused_templates": "Two templates are paused for their low quality, one is disabled.",
    "many_templates": "There are more templates than one page holds.",
    "not_subscribed": "No app is subscribed to the account's webhooks.",
    "fast_number": "One number has the higher throughput.",
    "unlimited": "The business may start any number of conversations.",
    "null_fields": "Fields of the numbers are null, missing or of another type.",
    "wrong_scope": "The token may send, but not read settings.",
    "wrong_account": "The account does not exist for this token.",
} | {f"no_{name}_permission": f"The token may not read {path}." for name, path in _SHUT.items()}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "access_token": TOKEN,
        "business_account_id": ACCOUNT,
        "app_id": _graph.APP_ID,
        "app_secret": _graph.APP_SECRET,
        "api_version": "v25.0",
        "base_url": endpoint.tls_url,
        "tls": {"ca_file": endpoint.ca_file},
    }


def _guard(call: Call) -> Reply | None:
    if refusal := _graph.guard(call):
        return refusal
    for name, ending in _SHUT.items():
        if f"no_{name}_permission" in call.scenarios and call.path.endswith(ending):
            return _graph.error(403, 200, "(#200) You do not have permission to access this field")
    return None


def _of_account(handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    def answer(call: Call) -> Reply:
        if call.match["account"] != ACCOUNT or "wrong_account" in call.scenarios:
            return _graph.no_object(call)
        return _graph.with_usage(handler(call), call, ACCOUNT, "whatsapp_business_management", {})

    return answer


_NUMBER_FIELDS = {
    "id": "",
    "verified_name": "Sandbox Fitness",
    "display_phone_number": DISPLAY,
    "quality_rating": "GREEN",
    "status": "CONNECTED",
    "name_status": "APPROVED",
    "code_verification_status": "VERIFIED",
    "platform_type": "CLOUD_API",
    "throughput": {"level": "STANDARD"},
    "account_mode": "LIVE",
    "health_status": None,
    "whatsapp_business_manager_messaging_limit": "TIER_2K",
}
# Meta's OpenAPI description of the lists does not have these fields; other pages of its documentation do.
_SPECIAL = ("name_status", "throughput", "health_status", "whatsapp_business_manager_messaging_limit")


def _numbers(call: Call) -> Reply:
    wanted = _graph.select_fields(call, tuple(_NUMBER_FIELDS), _SPECIAL)
    if isinstance(wanted, Reply):
        return wanted
    numbers = [_number(call, index) for index in range(len(NUMBERS))]
    return _graph.page(call, [{name: number[name] for name in ("id", *wanted)} for number in numbers])


# What a scenario changes in the second number; the first one is always well.
_SECOND: dict[str, dict[str, Any]] = {
    "red_quality": {"quality_rating": "RED"},
    "yellow_quality": {"quality_rating": "YELLOW"},
    "banned_number": {"status": "BANNED"},
    "restricted_number": {"status": "RESTRICTED"},
    "disconnected_number": {"status": "DISCONNECTED"},
    "fast_number": {"throughput": {"level": "HIGH"}},
    "null_fields": {"quality_rating": None, "status": 7, "throughput": None},
}


def _number(call: Call, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        **_NUMBER_FIELDS,
        "id": NUMBERS[index],
        "health_status": _health(call, NUMBERS[index]),
    }
    if "unrated" in call.scenarios:
        found["quality_rating"] = "UNKNOWN" if index else "NA"
    if index:
        for name, changes in _SECOND.items():
            found |= changes if name in call.scenarios else {}
        if "null_fields" in call.scenarios:
            found["health_status"] = None
    return found


_TROUBLES: dict[str, tuple[str, str, int, str]] = {
    "payment_problem": ("WABA", "BLOCKED", 141006, "There is an error with the payment method."),
    "unverified_business": ("BUSINESS", "LIMITED", 141010, "The business has not passed verification."),
    "calling_disabled": ("PHONE_NUMBER", "LIMITED", 138024, "SIP calling is not enabled."),
}


def _health(call: Call, number: str | None) -> dict[str, Any]:
    """Return the health of a number, or of the account where there is none."""
    kinds = {"WABA": ACCOUNT, "BUSINESS": "103000000000001", "APP": _graph.APP_ID}
    if number:
        kinds = {"PHONE_NUMBER": number, **kinds}
    entities: list[dict[str, Any]] = []
    for kind, thing in kinds.items():
        entity: dict[str, Any] = {"entity_type": kind, "id": thing, "can_send_message": "AVAILABLE"}
        for name, (where, state, code, words) in _TROUBLES.items():
            if name in call.scenarios and where == kind:
                entity["can_send_message"] = state
                entity["errors"] = [
                    {"error_code": code, "error_description": words, "possible_solution": "..."}
                ]
        entities.append(entity)
    states = [entity["can_send_message"] for entity in entities]
    worst = next((state for state in ("BLOCKED", "LIMITED") if state in states), "AVAILABLE")
    return {"can_send_message": worst, "entities": entities}


def _account(call: Call) -> Reply:
    rejected = "rejected_account" in call.scenarios
    limit = "TIER_UNLIMITED" if "unlimited" in call.scenarios else "TIER_2K"
    fields: dict[str, Any] = {
        "id": ACCOUNT,
        "name": "Sandbox Fitness",
        "currency": "EUR",
        "account_review_status": "REJECTED" if rejected else "APPROVED",
        "business_verification_status": "not_verified"
        if "unverified_business" in call.scenarios
        else "verified",
        "status": "ACTIVE",
        "health_status": _health(call, None),
        "whatsapp_business_manager_messaging_limit": limit,
    }
    wanted = _graph.select_fields(call, tuple(fields), (*_SPECIAL, "status"))
    if isinstance(wanted, Reply):
        return wanted
    return Reply(body={name: fields[name] for name in ("id", *wanted)})


def _templates(call: Call) -> Reply:
    states = ["APPROVED", "APPROVED", "APPROVED", "PENDING", "INVENTED"]
    if "paused_templates" in call.scenarios:
        states += ["PAUSED", "PAUSED", "DISABLED"]
    if "many_templates" in call.scenarios:
        states = ["APPROVED"] * 150
    return _graph.page(call, [{"id": f"9{index:05}", "status": state} for index, state in enumerate(states)])


def _subscribed(call: Call) -> Reply:
    app = {"id": _graph.APP_ID, "name": "Sandbox App", "link": "https://apps.example/sandbox"}
    apps = [] if "not_subscribed" in call.scenarios else [{"whatsapp_business_api_data": app}]
    return Reply(body={"data": apps})


def _inspected(call: Call) -> Reply:
    scopes = ("whatsapp_business_messaging",) if "wrong_scope" in call.scenarios else SCOPES
    return _graph.debug_token(scopes, SCOPES[:1])(call)


VENDOR = Vendor(
    name="whatsapp",
    title="WhatsApp",
    options=_options,
    credentials={"access_token": TOKEN, "app_secret": _graph.APP_SECRET},
    guard=_guard,
    # Meta documents no Retry-After; a gateway in front of it may send one.
    rate_limited=_graph.rate_limited({"Retry-After": "7"}),
    server_error=_graph.server_error,
    not_found=_graph.not_found,
    scenarios=SCENARIOS,
    routes={
        "GET /{version}/debug_token": _inspected,
        "GET /{version}/{account}": _of_account(_account),
        "GET /{version}/{account}/phone_numbers": _of_account(_numbers),
        "GET /{version}/{account}/message_templates": _of_account(_templates),
        "GET /{version}/{account}/subscribed_apps": _of_account(_subscribed),
    },
)
