"""Every call of a probe is one that the vendor's own description of its API has.

The tables were taken from these descriptions in November 2026, so that a path or a parameter that no vendor
knows is found here, where the simulated vendor could share the mistake:

- stripe: OpenAPI 2026-08-26.dahlia, as stripe-mock 0.203.0 has it
- twilio: github.com/twilio/twilio-oai, api_v2010, monitor_v1 and messaging_v2 of 2026-04-14
- resend: github.com/resend/resend-openapi 1.5.0; /usage, which it lacks, from resend-python 2.52.0
- fal: OpenAPI "Platform APIs" v1 of api.fal.ai, 2026-08-21
- google_calendar: discovery document calendar v3, revision 20261030; it has neither /tokeninfo nor /token
- whatsapp: Meta's OpenAPI of the Business Messaging API v23.0; facebook_ads: the specification AdAccount of
  Meta's SDKs for v26.0. Neither describes /debug_token, nor paging and `fields` of every list: those are of
  the Graph API in general (developers.facebook.com/docs/graph-api)
"""

import re
from collections.abc import Collection, Mapping

import pytest

from exporter import registry
from exporter.core.network import Network
from tests.probes.day import probed, staged, target_of

Described = Mapping[str, Collection[str]]
"""Path and method as a pattern, and the parameters of its query."""

_STRIPE_LIST = ("created", "limit", "starting_after", "ending_before", "expand")
_TWILIO = "GET /2010-04-01/Accounts/AC[0-9a-f]{32}"
_TWILIO_PAGE = ("PageSize", "Page", "PageToken")
_RESEND_LIST = ("limit", "after", "before")
_FAL_SERIES = (
    *("limit", "cursor", "start", "end", "timezone", "timeframe", "bound_to_timeframe"),
    *("endpoint_id", "expand"),
)
_GRAPH = ("fields", "appsecret_proof")
_GRAPH_LIST = (*_GRAPH, "limit", "after", "before")
_GOOGLE = ("alt", "fields", "key", "oauth_token", "prettyPrint", "quotaUser", "userIp")

DESCRIBED: Mapping[str, Described] = {
    "stripe": {
        "GET /v1/balance": ("expand",),
        "GET /v1/account": ("expand",),
        "GET /v1/webhook_endpoints": ("limit", "starting_after", "ending_before", "expand"),
        "GET /v1/events": (*_STRIPE_LIST, "delivery_success", "type", "types"),
        "GET /v1/radar/early_fraud_warnings": (*_STRIPE_LIST, "charge", "payment_intent"),
        "GET /v1/disputes": (*_STRIPE_LIST, "charge", "payment_intent"),
        "GET /v1/payouts": (*_STRIPE_LIST, "arrival_date", "destination", "status"),
        "GET /v1/customers/cus_[A-Za-z0-9]+": ("expand",),
    },
    "twilio": {
        f"{_TWILIO}.json": (),
        f"{_TWILIO}/Balance.json": (),
        f"{_TWILIO}/Usage/Records/(Today|ThisMonth).json": (
            *("Category", "StartDate", "EndDate", "IncludeSubaccounts"),
            *_TWILIO_PAGE,
        ),
        f"{_TWILIO}/Messages.json": ("To", "From", "DateSent", "DateSent<", "DateSent>", *_TWILIO_PAGE),
        f"{_TWILIO}/IncomingPhoneNumbers.json": (
            *("Beta", "FriendlyName", "PhoneNumber", "Origin"),
            *_TWILIO_PAGE,
        ),
        "GET /v1/Alerts": ("LogLevel", "StartDate", "EndDate", *_TWILIO_PAGE),
        "GET /v2/Channels/Senders": ("Channel", *_TWILIO_PAGE),
    },
    "resend": {
        "GET /usage": (),
        "GET /domains": _RESEND_LIST,
        "GET /webhooks": _RESEND_LIST,
        "GET /emails/metrics": (
            *("start_date", "end_date", "timezone", "granularity", "metrics", "dimensions"),
            *("domain_id", "email_id", "broadcast_id"),
        ),
    },
    "fal": {
        "GET /v1/models/pricing": ("endpoint_id",),
        "GET /v1/models/usage": _FAL_SERIES,
        "GET /v1/models/analytics": _FAL_SERIES,
        "GET /v1/account/billing": ("expand",),
    },
    "google_calendar": {
        "GET /calendar/v3/calendars/[^/]+/events": (
            *_GOOGLE,
            "maxResults",
            "timeMin",
            "timeMax",
            "pageToken",
        ),
        "GET /tokeninfo": ("access_token",),
        "POST /token": (),
    },
    "whatsapp": {
        r"GET /v\d+\.0/\d+": _GRAPH,
        r"GET /v\d+\.0/\d+/phone_numbers": (*_GRAPH_LIST, "filtering", "sort"),
        r"GET /v\d+\.0/\d+/message_templates": (*_GRAPH_LIST, "name"),
        r"GET /v\d+\.0/\d+/subscribed_apps": _GRAPH,
        r"GET /v\d+\.0/debug_token": ("input_token", "appsecret_proof"),
    },
    "facebook_ads": {
        r"GET /v\d+\.0/act_\d+": _GRAPH,
        r"GET /v\d+\.0/debug_token": ("input_token", "appsecret_proof"),
    },
}

FIELDS: Mapping[str, frozenset[str]] = {
    "facebook_ads": frozenset(
        {"account_status", "disable_reason", "amount_spent", "balance", "spend_cap", "currency"}
    ),
    # The last four are not in the list of the phone numbers' description, but on other pages of Meta's.
    "whatsapp": frozenset(
        {
            *("id", "name", "currency", "account_review_status", "business_verification_status", "status"),
            *("display_phone_number", "quality_rating", "code_verification_status", "account_mode"),
            *("name_status", "throughput", "health_status", "whatsapp_business_manager_messaging_limit"),
        }
    ),
}


@pytest.mark.parametrize("name", sorted(DESCRIBED))
async def test_every_call_of_a_probe_is_one_that_the_vendor_describes(network: Network, name: str) -> None:
    probe, vendor = registry.probes()[name], registry.sandbox_vendors()[name]
    asked: set[str] = set()
    async with staged(vendor) as stage:
        assert (await probed(target_of(probe, stage.options), network)).ok
        for call in stage.stand.calls:
            known = [
                pattern for pattern in DESCRIBED[name] if re.fullmatch(pattern, f"{call.method} {call.path}")
            ]
            assert known, f"{call.method} {call.path} is not described"
            parameters = {re.sub(r"\[.*", "", parameter) for parameter in call.query}
            assert parameters <= set(DESCRIBED[name][known[0]]), f"{call.path} has no such parameter"
            if name in FIELDS:
                assert set(filter(None, call.one("fields").split(","))) <= FIELDS[name]
            asked.add(known[0])
    # A customer is asked for only where one is configured.
    assert {pattern for pattern in DESCRIBED[name] if "/customers/" not in pattern} - asked == set()
