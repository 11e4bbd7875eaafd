"""Simulates the read side of Meta's Marketing API.

Written from developers.facebook.com/docs/marketing-api (ad account reference, versioning, rate limiting).
"""

import json
from typing import Any

from exporter.sandbox import _graph
from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

TOKEN = "EAABsandboxAdsPlanted4242"  # noqa: S105 - made up, for the sandbox alone
ACCOUNT = "108000000000001"
SCOPES = ("ads_read", "ads_management")

# What a scenario makes of account_status and disable_reason (ad account reference).
_STATES = {
    "disabled_account": (2, 1),
    "unsettled_account": (3, 3),
    "risk_review": (7, 0),
    "pending_settlement": (8, 0),
    "grace_period": (9, 0),
    "pending_closure": (100, 0),
    "closed_account": (101, 7),
    "unlisted_state": (250, 99),
}

SCENARIOS = {
    **_graph.SCENARIOS,
    **{name: f"The ad account has the status {status}." for name, (status, _) in _STATES.items()},
    "near_cap": "95 % of the spend cap is spent.",
    "no_cap": "The ad account has no spend cap.",
    "yen": "The ad account pays in yen, which has no decimals.",
    "busy_account": "The ad account has used 97.5 % of its calls.",
    "deprecated_version": "The Marketing API has served the call with a newer version, and says so.",
    "version_refused": "The Marketing API refuses the version.",
    "null_fields": "Fields of the ad account are null or of another type.",
    "no_ads_permission": "The token may not read ads.",
    "wrong_account": "The ad account does not exist for this token.",
}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "app_id": _graph.APP_ID,
        "app_secret": _graph.APP_SECRET,
        "access_token": TOKEN,
        "ad_account_id": f"act_{ACCOUNT}",
        "api_version": "v25.0",
        "base_url": endpoint.tls_url,
        "tls": {"ca_file": endpoint.ca_file},
    }


def _account(call: Call) -> Reply:
    if call.match["account"] != f"act_{ACCOUNT}" or "wrong_account" in call.scenarios:
        return _graph.no_object(call)
    if "no_ads_permission" in call.scenarios:
        return _graph.error(403, 294, "Managing ads requires the extended permission ads_management")
    if "version_refused" in call.scenarios:
        return _graph.error(400, 2635, "You are calling a deprecated version of the Ads API.")
    fields = _fields(call)
    wanted = _graph.select_fields(call, tuple(fields), ("disable_reason", "balance", "spend_cap"))
    if isinstance(wanted, Reply):
        return wanted
    reply = Reply(body={"id": f"act_{ACCOUNT}"} | {name: fields[name] for name in wanted})
    return _graph.with_usage(reply, call, ACCOUNT, "ads_management", _headers(call))


def _fields(call: Call) -> dict[str, Any]:
    status, cause = next((found for name, found in _STATES.items() if name in call.scenarios), (1, 0))
    broken = "null_fields" in call.scenarios
    spent = "95000" if "near_cap" in call.scenarios else "41234"
    return {
        "id": f"act_{ACCOUNT}",
        "name": "Sandbox Fitness",
        "account_status": None if broken else status,
        "disable_reason": "none" if broken else cause,
        # Money comes as text, in the smallest unit of its currency.
        "amount_spent": "much" if broken else spent,
        "balance": 1250 if broken else "1250",
        "spend_cap": "0" if "no_cap" in call.scenarios else "100000",
        "currency": "JPY" if "yen" in call.scenarios else "EUR",
    }


def _headers(call: Call) -> dict[str, str]:
    used = 97.5 if "busy_account" in call.scenarios else 9.67
    usage = {"acc_id_util_pct": used, "reset_time_duration": 100, "ads_api_access_tier": "standard_access"}
    headers = {"X-Ad-Account-Usage": json.dumps(usage)}
    if "deprecated_version" in call.scenarios:
        headers["X-Ad-Api-Version-Warning"] = (
            "The call has been auto-upgraded to v26.0 as v25.0 is deprecated."
        )
    return headers


def _inspected(call: Call) -> Reply:
    return _graph.debug_token(SCOPES, ("public_profile",))(call)


# Meta documents no Retry-After; the wait is in a usage header.
_SHUT = {"X-Ad-Account-Usage": json.dumps({"acc_id_util_pct": 100.0, "reset_time_duration": 7})}

VENDOR = Vendor(
    name="facebook_ads",
    title="Facebook Ads",
    options=_options,
    credentials={"access_token": TOKEN, "app_secret": _graph.APP_SECRET},
    guard=_graph.guard,
    rate_limited=_graph.rate_limited(_SHUT),
    server_error=_graph.server_error,
    not_found=_graph.not_found,
    scenarios=SCENARIOS,
    routes={
        "GET /{version}/debug_token": _inspected,
        "GET /{version}/{account}": _account,
    },
)
