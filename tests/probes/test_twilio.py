import pytest

from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.probe import MONTH, Result
from exporter.core.reason import Reason
from exporter.probes.twilio import PROBE, calls
from exporter.probes.twilio.api import TwilioOptions
from exporter.probes.twilio.readings import READINGS
from exporter.sandbox._twilio_answers import (
    CUSTOMER,
    KEY_SECRET,
    KEY_SID,
    NUMBER,
    PARENT_SID,
    PARENT_TOKEN,
    SID,
    TOKEN,
)
from exporter.sandbox._twilio_messages import TEXT
from tests.probes.day import CERTIFICATE_DATES, exposed, golden, leaks, names, target_of, values
from tests.probes.twilio_office import BALANCE, CORE, MINUTE, TODAY, Office, Open
from tests.probes.vendor_stage import opener


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


async def test_an_account_whose_state_is_closed_fails_although_the_balance_is_reported(opened: Open) -> None:
    async with opened() as office:
        await office.refuse(200, {"sid": SID, "status": "closed"}, path=f"{CORE}.json")
        result = await office.probe()
        assert (result.reason, result.detail) == (Reason.ACCOUNT, "the account is closed")
        assert values(result)["twilio_account_inactive"] == 1
        await office.stage.spoil(None)
        assert (await office.probe()).ok, "a closed account is no answer to keep"


@pytest.mark.parametrize("scenario", ["inactive_account", "forbidden_account"])
async def test_an_account_that_is_not_active_is_reported_as_a_fact(opened: Open, scenario: str) -> None:
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


@pytest.mark.parametrize(
    ("status", "code", "path", "lost"),
    [
        (500, None, "/v1/Alerts", "twilio_webhook_failures"),
        (400, 20001, "/v2/Channels/Senders", "twilio_whatsapp_senders"),
        (429, 20429, f"{CORE}/Messages.json", "twilio_messages"),
    ],
)
async def test_a_reading_that_fails_leaves_the_rest_and_says_so(
    opened: Open, status: int, code: int | None, path: str, lost: str
) -> None:
    async with opened() as office:
        await office.refuse(status, {"code": code}, path)
        result = await office.probe()
        assert (result.ok, result.http_status) == (True, 200)
        found = values(result)
        assert found["prepaid_balance{USD}"] == 12.05
        assert not [name for name in found if name.startswith(lost)]
        assert 1 in [value for name, value in found.items() if "reading_refused" in name]
        assert any(f"HTTP {status}" in text for _, text in result.log)


async def test_the_parents_credential_reads_a_sub_account(opened: Open) -> None:
    async with opened("sub_account") as office:
        assert (await office.probe(auth_token=PARENT_TOKEN)).reason is Reason.AUTH
        result = await office.probe(auth_sid=PARENT_SID, auth_token=PARENT_TOKEN)
        assert result.ok
        found = values(result)
        assert found["cost_today_usd"] == 1.25
        assert found["twilio_messages_window{sms,delivered}"] > 0
        assert all(
            call.path.startswith(CORE) or call.path == "/v1/Alerts" for call in office.stage.stand.calls
        )


async def test_senders_that_would_be_the_parents_are_not_read(opened: Open) -> None:
    async with opened() as office:
        result = await office.probe(auth_sid=PARENT_SID, auth_token=PARENT_TOKEN)
        assert not [name for name in values(result) if "senders" in name]
        # The account's own name is no other account's, however it is written.
        result = await office.probe(auth_sid=SID.lower().replace("ac", "AC", 1))
        assert values(result)["twilio_whatsapp_senders{online}"] == 3


async def test_alerts_of_another_account_are_not_counted(opened: Open) -> None:
    async with opened("alerts_of_parent", "webhooks_failing") as office:
        for credential in ({}, {"auth_sid": PARENT_SID, "auth_token": PARENT_TOKEN}):
            office.answers.clear()
            found = values(await office.probe(**credential))
            assert found["twilio_webhook_failures_window{11200}"] == 1
            assert found["twilio_webhook_failures_window{11217}"] == 25
            assert found["twilio_other_alerts_window"] == 0


async def test_a_parents_monitor_without_our_alerts_says_nothing_of_us(opened: Open) -> None:
    async with opened("alerts_of_parent") as office:
        found = values(await office.probe(auth_sid=PARENT_SID, auth_token=PARENT_TOKEN))
        assert not [name for name in found if "webhook_failures" in name or "other_alerts" in name]
        office.answers.clear()
        assert values(await office.probe())["twilio_webhook_failures_window{11200}"] == 0


async def test_an_alert_that_names_no_account_is_drift_and_not_counted(opened: Open) -> None:
    async with opened() as office:
        alert = {"error_code": "11200", "date_created": None, "account_sid": None}
        await office.refuse(
            200, {"alerts": [alert, {**alert, "account_sid": SID.upper()}], "meta": {}}, "/v1/"
        )
        result = await office.probe()
        assert values(result)["twilio_webhook_failures_window{11200}"] == 1
        assert "alerts[].account_sid" in result.drift


@pytest.mark.parametrize(
    "sent", ["Thu, 01 Jan 1970 00:00:00 +0000", "soon", "Fri, 31 Dec 9999 00:00:00 +0000"]
)
async def test_a_message_of_no_possible_time_is_drift_and_not_counted(opened: Open, sent: str) -> None:
    async with opened() as office:
        message = {"to": CUSTOMER, "status": "failed", "direction": "outbound-api", "date_sent": sent}
        await office.refuse(200, {"messages": [message]}, f"{CORE}/Messages.json")
        result = await office.probe()
        assert values(result)["twilio_messages_window{sms,failed}"] == 0
        assert "messages[].date_sent" in result.drift


def test_two_user_names_are_a_mistake() -> None:
    assert PROBE.verify is not None
    assert PROBE.verify(TwilioOptions(auth_sid=PARENT_SID)) == []
    assert PROBE.verify(TwilioOptions(api_key_sid=KEY_SID)) == []
    (mistake,) = PROBE.verify(TwilioOptions(auth_sid=PARENT_SID, api_key_sid=KEY_SID))
    assert "auth_sid" in mistake


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


async def test_the_expensive_readings_run_on_periods_of_their_own(opened: Open) -> None:
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
        "auth_sid",
        "phone_number",
        "include_subaccounts",
    }


async def test_the_exposition_of_an_account_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("webhooks_failing", "sender_offline", "low_quality", "trial_account") as office:
        result = await office.probe()
        assert {metric.name for metric in PROBE.metrics} <= names(result)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target_of(PROBE, office.stage.options), without=CERTIFICATE_DATES)
        assert text == golden("twilio.txt", text)
