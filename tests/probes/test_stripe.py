import re
from typing import Any

import pytest

from exporter.core.declines import FAMILIES, family_of
from exporter.core.network import Network
from exporter.core.probe import MONTH
from exporter.core.reason import Reason
from exporter.probes.stripe import PROBE, calls
from exporter.probes.stripe.api import VERSION, StripeOptions
from exporter.probes.stripe.readings import READINGS
from exporter.sandbox.stripe import CUSTOMER, EMAIL, KEY, VENDOR
from tests.probes.day import CERTIFICATE_DATES, exposed, golden, leaks, names, target_of, values
from tests.probes.vendor_stage import Opener, VendorStage, opener

HOUR = 3600.0
MINUTE = 60.0


class Shop(VendorStage):
    """A simulated account; refusals stand below `error`."""

    vendor, tested = VENDOR, PROBE

    async def refuse(self, status: int, body: object, path: str = "/", **headers: str) -> None:
        await super().refuse(status, {"error": body}, path, **headers)

    async def answer(self, body: object, path: str) -> None:
        """Answer every call at or below `path` by `body`."""
        await super().refuse(200, body, path)


Open = Opener[Shop]


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Shop, network)


# What docs.stripe.com/api/errors, /error-codes and /rate-limits list, and what each means here.
REFUSALS = [
    (401, {"message": "Invalid API Key provided: sk_test_***1234"}, {}, Reason.AUTH),
    (401, {"code": "api_key_expired", "message": "Expired API Key provided"}, {}, Reason.AUTH),
    (401, {"code": "platform_api_key_expired"}, {}, Reason.AUTH),
    (401, {"message": "You did not provide an API key. Give one."}, {}, Reason.NOT_CONFIGURED),
    (400, {"code": "secret_key_required"}, {}, Reason.NOT_CONFIGURED),
    (401, {"code": "secret_key_required"}, {}, Reason.NOT_CONFIGURED),
    (403, {"code": "secret_key_required"}, {}, Reason.NOT_CONFIGURED),
    (403, {"message": "Having the 'rak_balance_read' permission would do."}, {}, Reason.PERMISSION),
    (403, {"code": "more_permissions_required_for_application"}, {}, Reason.PERMISSION),
    (403, {"code": "oauth_not_supported"}, {}, Reason.PERMISSION),
    (403, {"code": "account_invalid"}, {}, Reason.NOT_CONFIGURED),
    (400, {"code": "livemode_mismatch"}, {}, Reason.NOT_CONFIGURED),
    (400, {"code": "testmode_charges_only"}, {}, Reason.NOT_CONFIGURED),
    (400, {"code": "tls_version_unsupported"}, {}, Reason.NOT_CONFIGURED),
    (404, {"code": "resource_missing"}, {}, Reason.NOT_FOUND),
    (404, {"message": "Unrecognized request URL"}, {}, Reason.NOT_FOUND),
    (429, {"code": "rate_limit"}, {"stripe_rate_limited_reason": "global-rate"}, Reason.RATE_LIMITED),
    (429, {"code": "lock_timeout"}, {"stripe_rate_limited_reason": "x"}, Reason.RATE_LIMITED),
    (429, {"code": "lock_timeout"}, {}, Reason.VENDOR_ERROR),
    (429, {}, {}, Reason.RATE_LIMITED),
    (400, {"code": "rate_limit"}, {}, Reason.RATE_LIMITED),
    (409, {}, {}, Reason.VENDOR_ERROR),
    (424, {}, {}, Reason.VENDOR_ERROR),
    (500, {"type": "api_error"}, {}, Reason.VENDOR_ERROR),
    (502, None, {}, Reason.VENDOR_ERROR),
    (503, {"code": "api_key_expired"}, {}, Reason.VENDOR_ERROR),
    (504, "no object", {}, Reason.VENDOR_ERROR),
    (400, {"code": "parameter_unknown"}, {}, Reason.BAD_RESPONSE),
    (302, {}, {"location": "https://elsewhere.example/"}, Reason.BAD_RESPONSE),
    (402, {"type": "card_error", "code": "card_declined"}, {}, None),
]


@pytest.mark.parametrize(("status", "error", "headers", "reason"), REFUSALS)
async def test_each_documented_refusal_has_its_reason(
    opened: Open, status: int, error: object, headers: dict[str, str], reason: Reason | None
) -> None:
    async with opened() as shop:
        await shop.refuse(status, error, **headers)
        result = await shop.probe()
        assert result.reason is reason, result.detail
        assert result.http_status == status


async def test_an_account_that_revoked_our_access_counts_as_a_refused_credential(opened: Open) -> None:
    async with opened() as shop:
        await shop.refuse(403, {"code": "account_invalid"})
        assert (await shop.probe(account="acct_1")).reason is Reason.AUTH


async def test_a_declined_payment_in_place_of_every_answer_leaves_the_values_unknown(opened: Open) -> None:
    async with opened() as shop:
        await shop.refuse(402, {"type": "card_error"})
        result = await shop.probe()
        assert result.ok
        assert {name.partition("{")[0] for name in values(result)} == {
            "stripe_api_version_info",
            "stripe_permission_missing",
            "stripe_reading_refused",
            "certificate_expiry_timestamp_seconds",
            "certificate_chain_expiry_timestamp_seconds",
        }


async def test_a_publishable_key_is_refused_without_a_call(opened: Open) -> None:
    async with opened() as shop:
        result = await shop.probe(secret_key="pk_test_123456")
        assert result.reason is Reason.NOT_CONFIGURED
        assert result.calls == 0
        assert "publishable" in result.detail


async def test_an_expired_key_is_a_refused_credential_and_names_its_code(opened: Open) -> None:
    async with opened("expired_key") as shop:
        result = await shop.probe()
        assert (result.reason, result.detail) == (
            Reason.AUTH,
            "/v1/balance answered HTTP 401 (api_key_expired)",
        )


async def test_a_vendor_that_repeats_the_key_does_not_make_us_repeat_it(opened: Open) -> None:
    async with opened("chatty_errors", "no_events_permission") as shop:
        target = target_of(PROBE, shop.stage.options)
        assert leaks(target, await shop.probe(), shop.answers) == []
        await shop.stage.play("no_balance_permission")
        result = await shop.probe()
        assert result.reason is Reason.PERMISSION
        assert "rak_balance_read" in result.detail
        assert leaks(target, result) == []
        wrong = "sk_test_someOtherKey"
        assert wrong not in repr(await shop.probe(secret_key=wrong))


async def test_every_call_reads_with_the_pinned_version_and_the_key(opened: Open) -> None:
    async with opened() as shop:
        await shop.probe(account="acct_42")
        for call in shop.stage.stand.calls:
            assert call.method == "GET"
            assert call.headers["stripe-version"] == VERSION
            assert call.headers["stripe-account"] == "acct_42"
            assert call.headers["authorization"] == f"Bearer {KEY}"
        await shop.probe()
        assert all("stripe-account" not in call.headers for call in shop.stage.stand.calls)


@pytest.mark.parametrize(
    ("permission", "absent"),
    [
        ("account", "stripe_charges_enabled"),
        ("events", "stripe_payments_window"),
        ("webhook_endpoints", "stripe_webhook_endpoints"),
        ("fraud_warnings", "stripe_fraud_warnings_window"),
        ("disputes", "stripe_disputes_window"),
        ("payouts", "stripe_payouts_window"),
        ("customers", "stripe_customer"),
    ],
)
async def test_a_key_that_lacks_a_permission_stays_connected_and_says_which(
    opened: Open, permission: str, absent: str
) -> None:
    async with opened(f"no_{permission}_permission") as shop:
        result = await shop.probe()
        assert result.ok
        assert result.http_status == 200
        found = values(result)
        missing = {name for name, value in found.items() if name.startswith("stripe_permission") and value}
        assert missing == {f"stripe_permission_missing{{{permission}}}"}
        assert not [name for name in found if name.startswith(absent)]
        await shop.clock.advance(5 * MINUTE)
        await shop.probe()
        assert shop.asked == ["/v1/balance"]


async def test_a_key_that_may_not_read_the_balance_is_no_connection(opened: Open) -> None:
    async with opened("no_balance_permission") as shop:
        assert (await shop.probe()).reason is Reason.PERMISSION


async def test_money_is_reported_in_the_units_of_its_currency(opened: Open) -> None:
    async with opened("many_currencies") as shop:
        found = values(await shop.probe())
        assert found["stripe_balance_available{USD}"] == -25.0
        assert found["stripe_balance_available{JPY}"] == 98_000.0
        assert found["stripe_balance_available{KWD}"] == 5.12
        assert found["stripe_balance_pending{USD}"] == 678.0


async def test_null_fields_are_unknown_and_drift_never_zero(opened: Open) -> None:
    async with opened("null_fields") as shop:
        result = await shop.probe()
        assert result.ok
        found = values(result)
        for name in ("livemode", "balance_available{USD}", "charges_enabled", "account_restricted"):
            assert f"stripe_{name}" not in found
        assert found["stripe_payouts_enabled"] == 1
        assert sorted(result.drift) == [
            "available[].amount",
            "available[].currency",
            "charges_enabled",
            "livemode",
            "requirements",
        ]


async def test_a_restricted_account_shows_why_and_until_when(opened: Open) -> None:
    async with opened("restricted_account") as shop:
        result = await shop.probe()
        found = values(result)
        assert found["stripe_account_restricted"] == 1
        assert found["stripe_payouts_enabled"] == 0
        assert found["stripe_charges_enabled"] == 1
        assert found["stripe_requirements{past_due}"] == 1
        assert found["stripe_requirements{currently_due}"] == 2
        assert found["stripe_capabilities_inactive"] == 1
        assert found["stripe_requirements_deadline_timestamp_seconds"] == shop.clock.now() + 7 * 24 * HOUR
        assert result.ok


async def test_what_is_known_of_a_restriction_outlives_a_later_failure(opened: Open) -> None:
    async with opened("restricted_account") as shop:
        await shop.refuse(403, {"code": "account_invalid"}, path="/v1/disputes")
        result = await shop.probe()
        assert result.reason is Reason.NOT_CONFIGURED
        assert result.samples == ()
        assert values(result)["stripe_account_restricted"] == 1


@pytest.mark.parametrize(
    ("status", "path", "lost"),
    [
        (429, "/v1/events", "payments_window"),
        (400, "/v1/radar/early_fraud_warnings", "fraud_warnings_window"),
        (404, "/v1/webhook_endpoints", "webhook_endpoints"),
        (500, "/v1/disputes", "disputes_window"),
    ],
)
async def test_a_reading_that_stripe_does_not_give_leaves_the_rest(
    opened: Open, status: int, path: str, lost: str
) -> None:
    async with opened() as shop:
        await shop.refuse(status, {"message": "no"}, path)
        result = await shop.probe()
        assert (result.ok, result.http_status) == (True, 200)
        found = values(result)
        assert found["stripe_balance_available{USD}"] == 12_345.67
        assert found["stripe_charges_enabled"] == 1
        assert not [name for name in found if name.startswith(f"stripe_{lost}")]
        assert 1 in [value for name, value in found.items() if "reading_refused" in name]


DISABLED: dict[str, Any] = {
    "currently_due": [],
    "past_due": [],
    "disabled_reason": "listed",
    "current_deadline": None,
}


def account(**changes: Any) -> dict[str, Any]:
    """Return an account without restrictions, `changes` laid over it."""
    requirements = {**DISABLED, "disabled_reason": None}
    flags = {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True}
    return {**flags, "requirements": requirements, "capabilities": {}} | changes


@pytest.mark.parametrize(
    ("changes", "restricted"),
    [
        ({}, 0),
        ({"charges_enabled": False}, 1),
        ({"payouts_enabled": False}, 1),
        ({"requirements": DISABLED}, 1),
        # What is unknown may be a restriction: only a known one counts then.
        ({"charges_enabled": None}, None),
        ({"payouts_enabled": None}, None),
        ({"requirements": None}, None),
        ({"charges_enabled": None, "payouts_enabled": False}, 1),
        ({"charges_enabled": None, "requirements": DISABLED}, 1),
        ({"requirements": None, "charges_enabled": False}, 1),
    ],
)
async def test_each_cause_alone_restricts_an_account_and_what_is_unknown_leaves_it_open(
    opened: Open, changes: dict[str, Any], restricted: int | None
) -> None:
    async with opened() as shop:
        await shop.answer(account(**changes), "/v1/account")
        result = await shop.probe()
        assert values(result).get("stripe_account_restricted") == restricted
        missing = [name for name, value in changes.items() if value is None]
        assert list(result.drift) == [name for name in result.drift if name in missing]
        assert set(missing) <= set(result.drift)


async def test_a_list_of_requirements_that_is_missing_is_drift_and_no_zero(opened: Open) -> None:
    async with opened() as shop:
        requirements = {**DISABLED, "currently_due": None}
        await shop.answer(account(requirements=requirements), "/v1/account")
        result = await shop.probe()
        found = values(result)
        assert found["stripe_requirements{past_due}"] == 0
        assert "stripe_requirements{currently_due}" not in found
        assert result.drift == ("requirements.currently_due",)


@pytest.mark.parametrize("deadline", [-1e40, -1, 0, 1_800_000_000_000, "soon"])
async def test_a_deadline_that_cannot_be_is_drift(opened: Open, deadline: object) -> None:
    async with opened() as shop:
        await shop.answer(account(requirements={**DISABLED, "current_deadline": deadline}), "/v1/account")
        result = await shop.probe()
        assert "stripe_requirements_deadline_timestamp_seconds" not in values(result)
        assert result.drift == ("requirements.current_deadline",)


async def test_capabilities_that_are_inactive_are_counted(opened: Open) -> None:
    async with opened() as shop:
        capabilities = {"card_payments": "inactive", "transfers": "pending", "boleto_payments": "inactive"}
        await shop.answer(account(capabilities=capabilities), "/v1/account")
        assert values(await shop.probe())["stripe_capabilities_inactive"] == 2
        shop.answers.clear()
        await shop.answer(account(capabilities=None), "/v1/account")
        assert "stripe_capabilities_inactive" not in values(await shop.probe())


async def test_payments_are_counted_by_outcome_and_declines_by_family(opened: Open) -> None:
    async with opened("declining_payments") as shop:
        found = values(await shop.probe())
        assert found["stripe_payments_window{succeeded}"] == 40
        assert found["stripe_payments_window{failed}"] == 40
        assert found["stripe_declines_window{funds}"] == 36
        assert found["stripe_declines_window{fraud}"] == 4
        assert sum(value for name, value in found.items() if name.startswith("stripe_declines")) == 40
        assert found["stripe_payments_window_seconds"] == 90 * MINUTE


async def test_blocked_payments_are_neither_failures_nor_declines(opened: Open) -> None:
    async with opened("card_testing") as shop:
        found = values(await shop.probe())
        assert found["stripe_payments_window{blocked}"] == 60
        assert found["stripe_payments_window{failed}"] == 0
        assert found["stripe_declines_window{fraud}"] == 0


async def test_a_shop_without_payments_counts_zero_in_every_family(opened: Open) -> None:
    async with opened("quiet_shop") as shop:
        found = values(await shop.probe())
        assert {name for name in found if name.startswith("stripe_declines")} == {
            f"stripe_declines_window{{{family}}}" for family in FAMILIES
        }
        assert found["stripe_payments_window{succeeded}"] == found["stripe_payments_daily"] == 0


async def test_a_window_ends_where_the_pages_end_and_the_day_is_extrapolated(opened: Open) -> None:
    async with opened("busy_shop") as shop:
        found = values(await shop.probe())
        span = 30 + 99 * 6
        assert found["stripe_payments_window_seconds"] == span
        assert found["stripe_payments_window{succeeded}"] == 100
        assert found["stripe_payments_daily"] == pytest.approx(100 * 86_400 / span)
        assert found["stripe_list_truncated{payments}"] == 1


async def test_more_pages_reach_further_back(opened: Open) -> None:
    async with opened("busy_shop") as shop:
        found = values(await shop.probe(pages=5))
        assert found["stripe_payments_window{succeeded}"] == 250
        assert found["stripe_payments_daily"] == 250
        assert found["stripe_list_truncated{payments}"] == 0
        assert shop.asked.count("/v1/events") == 1 + 3


async def test_events_on_their_first_attempt_are_not_undelivered(opened: Open) -> None:
    async with opened() as shop:
        found = values(await shop.probe())
        assert found["stripe_events_undelivered"] == 0
        assert "stripe_events_undelivered_oldest_timestamp_seconds" not in found


async def test_undelivered_events_are_counted_with_the_oldest_of_them(opened: Open) -> None:
    async with opened("undelivered_events") as shop:
        found = values(await shop.probe())
        assert found["stripe_events_undelivered"] == 3
        oldest = found["stripe_events_undelivered_oldest_timestamp_seconds"]
        assert oldest == shop.clock.now() - 5 * HOUR


async def test_a_disabled_webhook_endpoint_is_counted_unless_it_is_ignored(opened: Open) -> None:
    async with opened("webhook_disabled") as shop:
        found = values(await shop.probe())
        assert found["stripe_webhook_endpoints{disabled}"] == 1
        assert found["stripe_webhook_endpoints{enabled}"] == 2
        shop.answers.clear()
        found = values(await shop.probe(ignore_webhook_endpoints=["we_2"]))
        assert found["stripe_webhook_endpoints{disabled}"] == 0


@pytest.mark.parametrize("state", ["missing", "deleted"])
async def test_a_customer_who_is_gone_is_an_error_and_costs_no_further_calls(
    opened: Open, state: str
) -> None:
    async with opened(f"customer_{state}") as shop:
        result = await shop.probe()
        assert result.reason is Reason.NOT_FOUND
        assert result.detail == f"the configured customer is {state}"
        await shop.clock.advance(5 * MINUTE)
        assert (await shop.probe()).reason is Reason.NOT_FOUND
        assert shop.asked == ["/v1/balance"]


async def test_only_stripes_own_word_tells_that_the_customer_is_gone(opened: Open) -> None:
    async with opened() as shop:
        await shop.refuse(404, {"message": "Unrecognized request URL"}, "/v1/customers/")
        result = await shop.probe()
        assert result.ok
        assert values(result)["stripe_reading_refused{customer}"] == 1
        assert values(result)["stripe_permission_missing{customers}"] == 0


async def test_who_the_customer_is_is_reported_to_viewers_of_the_status_alone(opened: Open) -> None:
    async with opened() as shop:
        for _ in range(2):  # fetched, then kept
            result = await shop.probe()
            shown = repr((result.samples, result.facts, result.detail))
            assert CUSTOMER not in shown
            assert EMAIL not in shown + repr(result.log)
            assert result.vendor_details == (("customer_id", CUSTOMER), ("customer_email", EMAIL))


async def test_without_a_customer_none_is_asked_for(opened: Open) -> None:
    async with opened() as shop:
        result = await shop.probe(customer_id="")
        assert not [path for path in shop.asked if path.startswith("/v1/customers")]
        assert "stripe_permission_missing{customers}" not in values(result)


async def test_the_expensive_readings_run_on_periods_of_their_own(opened: Open) -> None:
    async with opened() as shop:
        await shop.probe()
        assert len(shop.asked) == 1 + len(READINGS)
        seen: dict[str, list[float]] = {}
        for run in range(1, 12 * 12 + 1):
            await shop.clock.advance(5 * MINUTE)
            await shop.probe()
            for path in shop.asked[1:]:
                seen.setdefault(path, []).append(run * 5 / 60)
        assert seen["/v1/account"] == seen["/v1/webhook_endpoints"] == [4.0, 8.0, 12.0]
        assert seen[f"/v1/customers/{CUSTOMER}"] == [6.0, 12.0]
        assert seen["/v1/disputes"] == seen["/v1/payouts"] == [12.0]
        assert seen["/v1/events"] == [1.5, 3.0, 4.0, 4.5, 6.0, 7.5, 8.0, 9.0, 10.5, 12.0, 12.0]


async def test_half_a_day_of_runs_stays_within_the_stated_cost(opened: Open) -> None:
    async with opened() as shop:
        total = 0
        for _ in range(12 * 12):
            total += (await shop.probe()).calls
            await shop.clock.advance(5 * MINUTE)
        # The first run makes every reading; from then on each is due once in its period.
        first = 1 + len(READINGS)
        options = target_of(PROBE, shop.stage.options).options
        assert total <= calls(options, 300) / 60 + first


def test_the_default_cost_is_below_what_the_vendor_allows_every_account() -> None:
    assert calls(StripeOptions(), 300) == 9_840
    assert calls(StripeOptions(customer_id="cus_1"), 300) == 9_960
    assert PROBE.allowance is not None
    assert PROBE.allowance.calls == 10_000
    # Each further page is one more call of the lists: undelivered events, payments, and three twice a day.
    assert calls(StripeOptions(pages=2), 300) == 9_840 + 180 + 480 + 3 * 60
    assert calls(StripeOptions(pages=3), 300) == 9_840 + 2 * (180 + 480 + 3 * 60)
    assert calls(StripeOptions(payments_minutes=5), 300) > 10_000
    assert calls(StripeOptions(), 60) > 10_000


def test_a_reading_is_never_more_expensive_than_one_in_each_run() -> None:
    day = 86_400
    assert calls(StripeOptions(), day) == (1 + len(READINGS) - 1) * MONTH / day


# docs.stripe.com/declines/codes
DECLINE_CODES = re.findall(
    r"\w+",
    """
authentication_required approve_with_id call_issuer card_not_supported card_velocity_exceeded
currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent
generic_decline incorrect_number incorrect_cvc incorrect_pin incorrect_zip insufficient_funds invalid_account
invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year invalid_number invalid_pin
issuer_not_available lost_card merchant_blacklist new_account_information_available no_action_taken
not_permitted offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded
processing_error reenter_transaction restricted_card revocation_of_all_authorizations
revocation_of_authorization security_violation service_not_allowed stolen_card stop_payment_order
transaction_not_allowed try_again_later withdrawal_count_limit_exceeded
""",
)


@pytest.mark.parametrize("code", DECLINE_CODES)
def test_every_documented_decline_code_has_a_family(code: str) -> None:
    assert family_of(code) != "other"


def test_a_decline_code_nobody_knows_is_other() -> None:
    assert family_of("invented_code") == family_of("None") == family_of("testmode_decline") == "other"


async def test_the_exposition_of_an_account_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("restricted_account", "undelivered_events", "webhook_disabled") as shop:
        result = await shop.probe()
        assert {metric.name for metric in PROBE.metrics} <= names(result)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target_of(PROBE, shop.stage.options), without=CERTIFICATE_DATES)
        assert text == golden("stripe.txt", text)
