import re

import pytest

from exporter.core.network import Network
from exporter.probes.twilio.families import FAMILIES, WEBHOOK_CODES, family_of, is_webhook
from exporter.probes.twilio.lists import SENDER_STATES
from exporter.sandbox._twilio_answers import NUMBER, SID
from tests.probes.day import values
from tests.probes.twilio_office import BALANCE, CORE, HOUR, Office, Open
from tests.probes.vendor_stage import opener


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Office, network)


@pytest.mark.parametrize("balance", ["nan", "inf", "plenty", "", 12.05])
async def test_a_balance_that_is_no_number_is_unknown_and_drift(opened: Open, balance: object) -> None:
    async with opened() as office:
        await office.refuse(200, {"account_sid": SID, "balance": balance, "currency": "USD"}, path=BALANCE)
        result = await office.probe()
        assert result.ok
        assert "prepaid_balance{USD}" not in values(result)
        assert result.drift == ("balance",)


async def test_money_is_reported_in_its_currency_and_in_dollars_only_if_it_is_dollars(opened: Open) -> None:
    async with opened() as office:
        found = values(await office.probe())
        assert found["prepaid_balance{USD}"] == 12.05
        assert found["cost_today_usd"] == found["twilio_spend{today,USD}"] == 1.25
        assert found["cost_month_to_date_usd"] == found["twilio_spend{month,USD}"] == 37.5
    async with opened("euro_account") as office:
        found = values(await office.probe())
        assert found["prepaid_balance{EUR}"] == 12.05
        assert found["twilio_spend{today,EUR}"] == 1.25
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


async def test_messages_that_do_not_arrive_are_reported_by_family(opened: Open) -> None:
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


async def test_a_next_page_elsewhere_is_asked_for_where_we_may_ask(opened: Open) -> None:
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


async def test_a_number_that_was_released_is_reported(opened: Open) -> None:
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


async def test_a_trial_account_is_reported(opened: Open) -> None:
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
