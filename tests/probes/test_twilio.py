import re

import pytest

from exporter.core.options import tenant_fields
from exporter.core.probe import MONTH, Network, Result
from exporter.core.reason import Reason
from exporter.core.vitals import CERTIFICATE_EXPIRY
from exporter.probes.twilio import PROBE, calls
from exporter.probes.twilio.api import TwilioOptions
from exporter.probes.twilio.families import FAMILIES, WEBHOOK_CODES, family_of, is_webhook
from exporter.probes.twilio.lists import SENDER_STATES
from exporter.probes.twilio.readings import READINGS
from exporter.sandbox.twilio import CUSTOMER, KEY_SECRET, KEY_SID, NUMBER, SID, TEXT, TOKEN, VENDOR
from tests.probes.day import exposed, golden, leaks, names, target_of, values
from tests.probes.vendor_stage import Opener, VendorStage, opener

HOUR = 3600.0
MINUTE = 60.0
CORE = f"/2010-04-01/Accounts/{SID}"
BALANCE = f"{CORE}/Balance.json"
TODAY = f"{CORE}/Usage/Records/Today.json"


class Office(VendorStage):
    """A simulated account."""

    vendor, tested = VENDOR, PROBE


Open = Opener[Office]


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Office, network)


def missing(result: Result) -> set[str]:
    """Return the permissions that the result says are missing."""
    found = {name for name, value in values(result).items() if name.startswith("twilio_permission") and value}
    return {name.partition("{")[2][:-1] for name in found}


# What www.twilio.com/docs/api/errors says of refused calls, and what each means here.
REFUSALS = [
    (401, 20003, Reason.AUTH),
    (401, 20104, Reason.AUTH),
    (401, 70051, Reason.PERMISSION),
    (403, 70051, Reason.PERMISSION),
    (403, 20005, Reason.ACCOUNT),
    (401, 20005, Reason.ACCOUNT),
    (403, 10001, Reason.ACCOUNT),
    (400, 10001, Reason.ACCOUNT),
    (403, 20403, Reason.ACCOUNT),
    (403, 20008, Reason.NOT_CONFIGURED),
    (404, 20404, Reason.NOT_FOUND),
    (429, 20429, Reason.RATE_LIMITED),
    (500, 20500, Reason.VENDOR_ERROR),
    (502, None, Reason.VENDOR_ERROR),
    (503, 20503, Reason.VENDOR_ERROR),
    (504, 20003, Reason.VENDOR_ERROR),
    (401, None, Reason.AUTH),
    (403, None, Reason.PERMISSION),
    (404, None, Reason.NOT_FOUND),
    (429, None, Reason.RATE_LIMITED),
    (400, 20001, Reason.BAD_RESPONSE),
    (302, None, Reason.BAD_RESPONSE),
]


@pytest.mark.parametrize(("status", "code", "reason"), REFUSALS)
async def test_each_documented_refusal_has_its_reason(
    opened: Open, status: int, code: int | None, reason: Reason
) -> None:
    async with opened() as office:
        await office.refuse(status, {"code": code, "message": "no", "status": status})
        result = await office.probe()
        assert result.reason is reason, result.detail
        assert result.http_status == status
        assert result.samples == ()
        if code:
            assert str(code) in result.detail


@pytest.mark.parametrize(
    "body",
    [
        {"type": "about:blank", "title": "Forbidden", "status": 403, "code": 20008, "detail": "no"},
        {"code": "20008", "message": "no"},
    ],
    ids=["rfc-9457", "digits"],
)
async def test_a_refusal_is_understood_in_either_shape(opened: Open, body: object) -> None:
    async with opened() as office:
        await office.refuse(403, body)
        assert (await office.probe()).reason is Reason.NOT_CONFIGURED


@pytest.mark.parametrize("body", [None, "text", [1], {"code": True}, {"code": -5}, b"<html>no</html>"])
async def test_a_refusal_of_a_proxy_is_judged_by_its_status(opened: Open, body: object) -> None:
    async with opened() as office:
        await office.refuse(401, body)
        assert (await office.probe()).reason is Reason.AUTH


@pytest.mark.parametrize("state", ["suspended", "closed"])
async def test_a_refused_credential_of_an_account_that_is_not_open_is_the_accounts_fault(
    opened: Open, state: str
) -> None:
    async with opened(f"{state}_account") as office:
        result = await office.probe()
        assert result.reason is Reason.ACCOUNT
        assert state in result.detail
        assert result.http_status == 401
        assert values(result)["twilio_account_inactive"] == 1
        await office.stage.stand.set_scenario(f"{state}_account", False)
        again = await office.probe()
        assert again.ok
        assert values(again)["twilio_account_inactive"] == 0


async def test_a_suspended_account_that_shows_nothing_is_a_refused_credential(opened: Open) -> None:
    async with opened("locked_account") as office:
        result = await office.probe()
        assert result.reason is Reason.AUTH
        assert "twilio_account_inactive" not in values(result)


async def test_an_account_whose_state_is_closed_fails_although_the_balance_is_told(opened: Open) -> None:
    async with opened() as office:
        await office.refuse(200, {"sid": SID, "status": "closed"}, path=f"{CORE}.json")
        result = await office.probe()
        assert (result.reason, result.detail) == (Reason.ACCOUNT, "the account is closed")
        assert values(result)["twilio_account_inactive"] == 1
        await office.stage.spoil(None)
        assert (await office.probe()).ok, "a closed account is no answer to keep"


@pytest.mark.parametrize("scenario", ["inactive_account", "forbidden_account"])
async def test_an_account_that_is_not_active_is_told_as_a_fact(opened: Open, scenario: str) -> None:
    async with opened(scenario) as office:
        result = await office.probe()
        assert result.reason is Reason.ACCOUNT
        assert values(result)["twilio_account_inactive"] == 1


async def test_an_account_without_money_is_a_used_up_quota(opened: Open) -> None:
    async with opened("out_of_funds") as office:
        result = await office.probe()
        assert result.reason is Reason.QUOTA
        assert "balance is used up" in result.detail


async def test_that_the_money_was_used_up_is_remembered_when_the_balance_is_refused_too(opened: Open) -> None:
    async with opened("out_of_funds") as office:
        await office.probe()
        await office.refuse(403, {"code": 10001})
        assert (await office.probe()).reason is Reason.QUOTA


async def test_test_credentials_are_no_configuration(opened: Open) -> None:
    async with opened("test_credentials", "new_errors") as office:
        assert (await office.probe()).reason is Reason.NOT_CONFIGURED


async def test_a_wrong_account_is_not_found(opened: Open) -> None:
    async with opened() as office:
        result = await office.probe(account_sid="AC" + "0" * 32, api_key_sid=KEY_SID, auth_token=KEY_SECRET)
        assert result.reason is Reason.NOT_FOUND


async def test_a_key_is_used_in_place_of_the_auth_token(opened: Open) -> None:
    async with opened() as office:
        assert (await office.probe(api_key_sid=KEY_SID, auth_token=KEY_SECRET)).ok
        assert (await office.probe(api_key_sid=KEY_SID, auth_token=TOKEN)).reason is Reason.AUTH
        assert (await office.probe(auth_token=KEY_SECRET)).reason is Reason.AUTH


async def test_a_standard_key_stays_connected_and_says_what_it_may_not_read(opened: Open) -> None:
    async with opened("standard_key") as office:
        result = await office.probe(api_key_sid=KEY_SID, auth_token=KEY_SECRET)
        assert result.ok
        assert result.http_status == 200
        assert missing(result) == {"account", "balance"}
        assert not [name for name in values(result) if name.startswith("prepaid_balance")]
        assert values(result)["cost_today_usd"] == 1.25


async def test_a_sub_account_has_no_balance_and_stays_connected(opened: Open) -> None:
    async with opened("sub_account") as office:
        result = await office.probe()
        assert result.ok
        assert missing(result) == {"balance"}


@pytest.mark.parametrize(
    ("permission", "absent"),
    [
        ("account", "twilio_account_trial"),
        ("balance", "prepaid_balance"),
        ("usage", "cost_today_usd"),
        ("messages", "twilio_messages_window"),
        ("phone_numbers", "twilio_phone_number_owned"),
        ("monitor", "twilio_webhook_failures_window"),
        ("senders", "twilio_whatsapp_senders"),
    ],
)
async def test_a_key_that_lacks_a_permission_stays_connected_and_says_which(
    opened: Open, permission: str, absent: str
) -> None:
    async with opened(f"no_{permission}_permission") as office:
        result = await office.probe()
        assert result.ok, result.detail
        assert result.http_status == 200
        assert missing(result) == {permission}
        assert not [name for name in values(result) if name.startswith(absent)]
        await office.clock.advance(5 * MINUTE)
        await office.probe()
        assert office.asked == ([BALANCE, TODAY] if permission == "balance" else [BALANCE])


async def test_a_key_that_may_read_neither_balance_nor_usage_is_no_connection(opened: Open) -> None:
    async with opened("no_balance_permission", "no_usage_permission") as office:
        assert (await office.probe()).reason is Reason.PERMISSION


async def test_a_failure_of_a_dearer_reading_fails_the_probe(opened: Open) -> None:
    async with opened() as office:
        await office.refuse(500, {}, path="/v1/Alerts")
        result = await office.probe()
        assert result.reason is Reason.VENDOR_ERROR
        assert "Monitor" in result.detail
        assert result.http_status == 500


async def test_nothing_of_the_credential_shows_although_the_vendor_repeats_it(opened: Open) -> None:
    async with opened("chatty_errors", "no_messages_permission") as office:
        target = target_of(PROBE, office.stage.options)
        assert leaks(target, await office.probe(), office.answers) == []
        await office.stage.play("forbidden_account")
        result = await office.probe()
        assert leaks(target, result, office.answers) == []
        assert "You sent" not in repr(result), "the vendor's own message may hold more than the credential"
        wrong = "someOtherTokenThatIsWrong"
        assert wrong not in repr(await office.probe(auth_token=wrong))


async def test_nobody_learns_what_was_written_to_whom(opened: Open) -> None:
    async with opened("webhooks_failing") as office:
        shown = repr((await office.probe(), office.answers))
        for private in (TEXT, CUSTOMER, NUMBER, TOKEN, "app.example", "customer=42"):
            assert private not in shown


async def test_each_call_reads_and_carries_the_credential(opened: Open) -> None:
    async with opened() as office:
        await office.probe()
        assert {call.method for call in office.stage.stand.calls} == {"GET"}
        assert all(call.headers["authorization"].startswith("Basic ") for call in office.stage.stand.calls)
        asked = {call.path: call for call in office.stage.stand.calls}
        assert asked[f"{CORE}/Messages.json"].one("DateSent>") == "2027-01-15"
        assert asked["/v2/Channels/Senders"].one("Channel") == "whatsapp"
        alerts = asked["/v1/Alerts"]
        assert (alerts.one("StartDate"), alerts.one("EndDate")) == (
            "2027-01-15T07:00:00Z",
            "2027-01-15T08:00:00Z",
        )


async def test_each_api_is_asked_where_it_is(opened: Open) -> None:
    async with opened() as office:
        url = office.stage.options["base_url"]
        await office.probe(monitor_url=f"{url}/monitor", messaging_url=f"{url}/messaging/")
        assert office.asked[0] == BALANCE
        assert {"/monitor/v1/Alerts", "/messaging/v2/Channels/Senders"} <= set(office.asked)


@pytest.mark.parametrize("balance", ["nan", "inf", "plenty", "", 12.05])
async def test_a_balance_that_is_no_number_is_unknown_and_drift(opened: Open, balance: object) -> None:
    async with opened() as office:
        await office.refuse(200, {"account_sid": SID, "balance": balance, "currency": "USD"}, path=BALANCE)
        result = await office.probe()
        assert result.ok
        assert "prepaid_balance{usd}" not in values(result)
        assert result.drift == ("balance",)


async def test_money_is_told_in_its_currency_and_in_dollars_only_if_it_is_dollars(opened: Open) -> None:
    async with opened() as office:
        found = values(await office.probe())
        assert found["prepaid_balance{usd}"] == 12.05
        assert found["cost_today_usd"] == found["twilio_spend{today,usd}"] == 1.25
        assert found["cost_month_to_date_usd"] == found["twilio_spend{month,usd}"] == 37.5
    async with opened("euro_account") as office:
        found = values(await office.probe())
        assert found["prepaid_balance{eur}"] == 12.05
        assert found["twilio_spend{today,eur}"] == 1.25
        assert not [name for name in found if name.startswith("cost_")]


async def test_the_cost_of_sub_accounts_counts_only_if_it_is_asked_for(opened: Open) -> None:
    async with opened() as office:
        assert values(await office.probe(include_subaccounts=True))["cost_today_usd"] == 2.5


async def test_a_price_is_read_as_text_and_as_a_number(opened: Open) -> None:
    async with opened("prices_as_numbers") as office:
        result = await office.probe()
        assert values(result)["cost_today_usd"] == 1.25
        assert result.drift == ()


async def test_usage_without_a_total_is_unknown_and_drift(opened: Open) -> None:
    async with opened("no_usage_yet") as office:
        result = await office.probe()
        assert result.ok
        assert not [name for name in values(result) if name.startswith(("cost_", "twilio_spend"))]
        assert result.drift == ("usage_records.totalprice",) * 2


async def test_messages_are_counted_by_channel_and_outcome(opened: Open) -> None:
    async with opened() as office:
        found = values(await office.probe())
        counted = {
            name.removeprefix("twilio_messages_window"): value
            for name, value in found.items()
            if name.startswith("twilio_messages_window{") and value
        }
        # The incoming one is not counted.
        assert counted == {
            "{sms,delivered}": 50,
            "{sms,undelivered}": 1,
            "{sms,failed}": 2,
            "{sms,sent}": 1,
            "{sms,pending}": 1,
            "{sms,other}": 2,
            "{whatsapp,delivered}": 1,
            "{other,delivered}": 1,
        }
        assert found["twilio_messages_window_seconds"] == HOUR
        failures = {name: value for name, value in found.items() if "message_failures" in name and value}
        assert failures == {
            "twilio_message_failures_window{carrier}": 1,
            "twilio_message_failures_window{recipient}": 1,
            "twilio_message_failures_window{other}": 1,
        }


async def test_a_longer_window_reaches_further_back(opened: Open) -> None:
    async with opened() as office:
        found = values(await office.probe(window_minutes=180))
        assert found["twilio_messages_window{sms,failed}"] == 3
        assert found["twilio_message_failures_window{account}"] == 1
        assert found["twilio_messages_window_seconds"] == 3 * HOUR


async def test_a_window_after_midnight_asks_for_the_day_before(opened: Open) -> None:
    async with opened() as office:
        await office.clock.advance(16.5 * HOUR)
        await office.probe()
        (call,) = [call for call in office.stage.stand.calls if call.path.endswith("Messages.json")]
        assert call.one("DateSent>") == "2027-01-15"


async def test_messages_that_do_not_arrive_are_told_by_family(opened: Open) -> None:
    async with opened("unreachable_phones") as office:
        found = values(await office.probe())
        assert found["twilio_messages_window{sms,undelivered}"] == 40
        assert found["twilio_message_failures_window{recipient}"] == 40
    async with opened("whatsapp_refused") as office:
        found = values(await office.probe())
        assert found["twilio_messages_window{whatsapp,failed}"] == 30
        assert found["twilio_messages_window{whatsapp,delivered}"] == 10
        assert found["twilio_message_failures_window{template}"] == 20
        assert found["twilio_message_failures_window{sender}"] == 10


async def test_an_account_that_sends_nothing_counts_zero_in_every_family(opened: Open) -> None:
    async with opened("quiet_account") as office:
        found = values(await office.probe())
        assert {name for name in found if "message_failures" in name} == {
            f"twilio_message_failures_window{{{family}}}" for family in FAMILIES
        }
        assert not any(value for name, value in found.items() if "messages_window{" in name)


async def test_a_window_ends_where_the_pages_end(opened: Open) -> None:
    async with opened("busy_account") as office:
        found = values(await office.probe())
        assert found["twilio_messages_window{sms,delivered}"] == 1000
        assert found["twilio_messages_window_seconds"] == 999
        assert found["twilio_list_truncated{messages}"] == 1


async def test_more_pages_reach_further_back(opened: Open) -> None:
    async with opened("busy_account") as office:
        found = values(await office.probe(pages=5))
        assert found["twilio_messages_window{sms,delivered}"] == 2500
        assert found["twilio_list_truncated{messages}"] == 0
        assert office.asked.count(f"{CORE}/Messages.json") == 3


async def test_a_next_page_elsewhere_is_asked_for_where_we_were_told_to_ask(opened: Open) -> None:
    async with opened("many_senders") as office:
        found = values(await office.probe(pages=3))
        assert found["twilio_whatsapp_senders{online}"] == 150
        assert found["twilio_whatsapp_messaging_limit"] == 250
        assert office.asked.count("/v2/Channels/Senders") == 2
        assert found["twilio_list_truncated{senders}"] == 0


async def test_failed_webhooks_of_the_last_hour_are_counted_by_code(opened: Open) -> None:
    async with opened("webhooks_failing") as office:
        found = values(await office.probe())
        assert found["twilio_webhook_failures_window{11200}"] == 1
        assert found["twilio_webhook_failures_window{11217}"] == 25
        assert found["twilio_webhook_failures_window{11205}"] == 0, "it is two hours old"
        assert found["twilio_other_alerts_window"] == 0


async def test_other_errors_are_no_failed_webhooks(opened: Open) -> None:
    async with opened("noisy_monitor") as office:
        found = values(await office.probe())
        assert found["twilio_other_alerts_window"] == 2
        assert found["twilio_webhook_failures_window{21609}"] == 1
        assert found["twilio_webhook_failures_window{other}"] == 1


async def test_senders_are_counted_by_status_and_rating(opened: Open) -> None:
    async with opened("sender_offline", "low_quality") as office:
        found = values(await office.probe())
        assert found["twilio_whatsapp_senders{online}"] == 2
        assert found["twilio_whatsapp_senders{offline}"] == 1
        assert {name for name in found if name.startswith("twilio_whatsapp_senders{")} == {
            f"twilio_whatsapp_senders{{{state}}}" for state in SENDER_STATES
        }
        assert found["twilio_whatsapp_senders_quality{low}"] == 1
        assert found["twilio_whatsapp_senders_quality{high}"] == 1
        assert found["twilio_whatsapp_senders_quality{unknown}"] == 1
        assert found["twilio_whatsapp_messaging_limit"] == 250


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CREATING", "pending"),
        ("ONLINE", "online"),
        ("OFFLINE", "offline"),
        ("PENDING_VERIFICATION", "pending"),
        ("VERIFYING", "pending"),
        ("ONLINE:UPDATING", "online"),
        ("TWILIO_REVIEW", "pending"),
        ("DRAFT", "draft"),
        ("STUBBED", "draft"),
        ("BANNED_FOR_LIFE", "other"),
    ],
)
async def test_each_documented_status_of_a_sender_is_counted(opened: Open, status: str, state: str) -> None:
    async with opened() as office:
        await office.refuse(200, {"senders": [{"status": status}], "meta": {}}, path="/v2/Channels/Senders")
        found = values(await office.probe())
        assert {name for name, value in found.items() if "senders{" in name and value} == {
            f"twilio_whatsapp_senders{{{state}}}"
        }


async def test_a_number_that_was_released_is_told(opened: Open) -> None:
    async with opened("number_released") as office:
        assert values(await office.probe())["twilio_phone_number_owned"] == 0
    async with opened() as office:
        assert values(await office.probe())["twilio_phone_number_owned"] == 1


@pytest.mark.parametrize("sender", ["", "12345", f"whatsapp:{NUMBER}"])
async def test_a_sender_that_is_no_phone_number_is_not_looked_up(opened: Open, sender: str) -> None:
    async with opened() as office:
        result = await office.probe(phone_number=sender)
        assert result.ok
        assert "twilio_phone_number_owned" not in values(result)
        assert f"{CORE}/IncomingPhoneNumbers.json" not in office.asked


async def test_a_trial_account_is_told(opened: Open) -> None:
    async with opened("trial_account") as office:
        assert values(await office.probe())["twilio_account_trial"] == 1


async def test_load_is_unknown_where_the_answers_do_not_tell_it(opened: Open) -> None:
    async with opened() as office:
        found = values(await office.probe())
        assert found["twilio_concurrent_requests"] == 3
        assert found["twilio_request_duration_seconds"] == 0.08
    async with opened("no_numbers_of_load") as office:
        result = await office.probe()
        assert result.ok
        assert result.drift == ()
        assert not {"twilio_concurrent_requests", "twilio_request_duration_seconds"} & values(result).keys()


async def test_null_fields_are_unknown_and_drift_never_zero(opened: Open) -> None:
    async with opened("null_fields") as office:
        result = await office.probe()
        assert result.ok
        found = values(result)
        assert not [name for name in found if name.startswith(("prepaid_balance", "cost_", "twilio_spend"))]
        assert "twilio_whatsapp_messaging_limit" not in found
        assert found["twilio_whatsapp_senders{other}"] == 1
        assert found["twilio_whatsapp_senders_quality{unknown}"] == 1
        assert {
            "balance",
            "usage_records[].price",
            "messages[].status",
            "messages[].date_created",
            "senders[].status",
        } == set(result.drift)
        assert result.drift.count("balance") == 1


async def test_the_dearer_readings_run_on_periods_of_their_own(opened: Open) -> None:
    async with opened() as office:
        await office.probe()
        assert len(office.asked) == 8
        seen: dict[str, list[float]] = {}
        for run in range(1, 6 * 12 + 1):
            await office.clock.advance(5 * MINUTE)
            await office.probe()
            for path in office.asked[1:]:
                seen.setdefault(path, []).append(run * 5)
        assert seen[f"{CORE}.json"] == seen[TODAY] == [60, 120, 180, 240, 300, 360]
        assert seen[f"{CORE}/Messages.json"] == seen["/v2/Channels/Senders"] == list(range(15, 361, 15))
        assert seen["/v1/Alerts"] == list(range(10, 361, 10))
        assert seen[f"{CORE}/IncomingPhoneNumbers.json"] == [360]


async def test_six_hours_of_runs_stay_within_the_stated_cost(opened: Open) -> None:
    async with opened() as office:
        total = 0
        for _ in range(6 * 12):
            total += (await office.probe()).calls
            await office.clock.advance(5 * MINUTE)
        options = target_of(PROBE, office.stage.options).options
        # The first run makes every reading; from then on each is due once in its period.
        assert total <= calls(options, 300) / 120 + 8


def test_the_default_cost_is_what_the_docstring_says() -> None:
    assert calls(TwilioOptions(), 300) == 20_880
    assert calls(TwilioOptions(phone_number=NUMBER), 300) == 21_000
    assert calls(TwilioOptions(pages=2), 300) == 20_880 + 2_880 + 4_320 + 2_880
    assert calls(TwilioOptions(phone_number=NUMBER), MONTH) == 1 + sum(
        reading.calls(TwilioOptions()) for reading in READINGS
    )


def test_a_tenant_sets_its_credential_and_never_where_it_is_sent() -> None:
    assert tenant_fields(TwilioOptions) == {
        "account_sid",
        "auth_token",
        "api_key_sid",
        "phone_number",
        "include_subaccounts",
    }


# www.twilio.com/docs/api/errors: what a message or a Monitor alert may say.
DOCUMENTED = {
    "account": "30002 21608",
    "limit": "30001 30010 63017 63018 63038",
    "recipient": "30003 30004 30005 30006 21211 21614 21610 63003 63024 63032",
    "carrier": "30007 30008 30009",
    "registration": "30034 21408",
    "sender": "63001 63002 63007 63051",
    "template": "63016",
    "webhook": "11200 11205 11206 11210 11215 11217 11243 21609",
}
CODES = [(code, family) for family, codes in DOCUMENTED.items() for code in re.findall(r"\d+", codes)]


@pytest.mark.parametrize(("code", "family"), CODES)
def test_every_documented_message_error_has_its_family(code: str, family: str) -> None:
    assert family_of(code) == family_of(int(code)) == family
    assert is_webhook(code) == (family == "webhook")


@pytest.mark.parametrize("code", [None, "", "x", 0, 99999, "30003 or so", 1e400])
def test_an_error_that_nobody_documents_is_other(code: object) -> None:
    assert family_of(code) == "other"


def test_a_new_code_of_the_webhook_group_is_a_failed_webhook() -> None:
    assert is_webhook("11299")
    assert "11299" not in WEBHOOK_CODES
    assert not is_webhook("11751")
    assert not is_webhook("1120")


async def test_the_exposition_of_an_account_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("webhooks_failing", "sender_offline", "low_quality", "trial_account") as office:
        result = await office.probe()
        assert {metric.name for metric in PROBE.metrics} <= names(result)
        # The certificate is made anew for each test, so its end is not the same twice.
        text = exposed(
            result, target_of(PROBE, office.stage.options), without=frozenset({CERTIFICATE_EXPIRY.name})
        )
        assert text == golden("twilio.txt", text)
