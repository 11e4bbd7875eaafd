from typing import Any

import pytest

from exporter.core.network import Network
from exporter.core.reason import Reason
from exporter.probes.fal import PROBE, calls
from exporter.probes.fal.api import FalOptions
from exporter.sandbox.fal import DAY, KEY, VENDOR
from tests.probes.day import CERTIFICATE_DATES, exposed, golden, leaks, names, target_of, values
from tests.probes.vendor_stage import Opener, VendorStage, opener

MINUTE = 60.0
COST = 100 * 0.025 + 100 * 0.003
"""What a usual day costs; the clock of the tests starts on the fifteenth of a month at 08:00 UTC."""


class Account(VendorStage):
    """A simulated account."""

    vendor, tested = VENDOR, PROBE
    base = "/v1"


Open = Opener[Account]


def named_models(account: Account) -> list[list[str]]:
    """Return the models that each call for the requests named."""
    asked = [call for call in account.stage.stand.calls if call.path == "/v1/models/analytics"]
    return [list(call.query["endpoint_id"]) for call in asked]


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Account, network)


def _platform(kind: str, message: str = "m") -> dict[str, Any]:
    return {"error": {"type": kind, "message": message}}


def _runner(kind: str) -> dict[str, Any]:
    return {"detail": "m", "error_type": kind}


# What fal.ai/docs lists for the platform API and for its runners, and what each means here.
REFUSALS = [
    (400, _platform("validation_error"), Reason.BAD_RESPONSE),
    (401, _platform("authorization_error"), Reason.AUTH),
    (403, _platform("authorization_error"), Reason.PERMISSION),
    (404, _platform("not_found"), Reason.NOT_FOUND),
    (429, _platform("rate_limited"), Reason.RATE_LIMITED),
    (500, _platform("server_error"), Reason.VENDOR_ERROR),
    (501, _platform("not_implemented"), Reason.VENDOR_ERROR),
    (504, _runner("request_timeout"), Reason.VENDOR_ERROR),
    (504, _runner("startup_timeout"), Reason.VENDOR_ERROR),
    (503, _runner("runner_scheduling_failure"), Reason.VENDOR_ERROR),
    (503, _runner("runner_connection_timeout"), Reason.VENDOR_ERROR),
    (503, _runner("runner_disconnected"), Reason.VENDOR_ERROR),
    (503, _runner("runner_connection_refused"), Reason.VENDOR_ERROR),
    (400, _runner("runner_invented"), Reason.VENDOR_ERROR),
    (422, {"detail": [{"loc": ["body"], "msg": "m", "type": "missing"}]}, Reason.BAD_RESPONSE),
    (403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance."}, Reason.QUOTA),
    (403, _platform("authorization_error", "Exhausted balance"), Reason.QUOTA),
    (402, None, Reason.QUOTA),
    (403, {"detail": "User is locked."}, Reason.ACCOUNT),
    # Without a kind, as a proxy in between would answer.
    (401, b"<html>", Reason.AUTH),
    (403, b"<html>", Reason.PERMISSION),
    (404, b"[]", Reason.NOT_FOUND),
    (429, b"<html>", Reason.RATE_LIMITED),
    (502, b"<html>", Reason.VENDOR_ERROR),
    (302, b"", Reason.BAD_RESPONSE),
]


@pytest.mark.parametrize(("status", "body", "reason"), REFUSALS)
async def test_each_documented_refusal_has_its_reason(
    opened: Open, status: int, body: object, reason: Reason
) -> None:
    async with opened() as account:
        await account.refuse(status, body)
        result = await account.probe()
        assert result.reason is reason, result.detail
        assert result.http_status == status


async def test_the_kind_of_an_error_is_also_taken_from_the_header(opened: Open) -> None:
    async with opened() as account:
        await account.refuse(400, b"<html>", x_fal_error_type="runner_disconnected")
        assert (await account.probe()).reason is Reason.VENDOR_ERROR


@pytest.mark.parametrize(
    ("scenario", "reason"), [("empty_balance", Reason.QUOTA), ("locked_account", Reason.ACCOUNT)]
)
async def test_a_locked_account_says_why(opened: Open, scenario: str, reason: Reason) -> None:
    async with opened(scenario) as account:
        assert (await account.probe()).reason is reason


async def test_a_key_of_the_scope_api_is_a_connection_says_what_it_lacks_and_counts_one_models_requests(
    opened: Open,
) -> None:
    async with opened("api_key_only") as account:
        result = await account.probe()
        assert result.ok
        assert result.http_status == 200
        found = values(result)
        assert {name for name, value in found.items() if name.startswith("fal_permission") and value} == {
            f"fal_permission_missing{{{name}}}" for name in ("billing", "usage")
        }
        assert found["fal_requests_window{hour,succeeded}"] == 90
        assert named_models(account) == [["fal-ai/flux/dev"]] * 2
        assert found["fal_unit_price_usd"] == 0.025
        assert "cost_today_usd" not in found
        await account.clock.advance(5 * MINUTE)
        await account.probe()
        assert account.asked == ["/models/pricing"]


async def test_costs_are_summed_over_the_day_and_the_month(opened: Open) -> None:
    async with opened() as account:
        found = values(await account.probe())
        assert found["cost_today_usd"] == pytest.approx(COST)
        assert found["cost_month_to_date_usd"] == pytest.approx(15 * COST)
        assert found["prepaid_balance{USD}"] == 24.5


@pytest.mark.parametrize(("scenario", "share"), [("discounts", 0.5), ("one_cost", 1.0)])
async def test_the_cost_after_discounts_counts_or_the_only_one_there_is(
    opened: Open, scenario: str, share: float
) -> None:
    async with opened(scenario) as account:
        found = values(await account.probe())
        assert found["cost_today_usd"] == pytest.approx(COST * share)


async def test_the_usage_is_read_page_by_page_and_what_is_beyond_is_reported(opened: Open) -> None:
    async with opened("many_pages") as account:
        found = values(await account.probe())
        assert found["cost_month_to_date_usd"] == pytest.approx(15 * COST)
        assert found["fal_list_truncated{usage}"] == 0
        account.answers.clear()
        found = values(await account.probe(pages=2))
        assert found["cost_month_to_date_usd"] == pytest.approx(10 * COST)
        assert found["fal_list_truncated{usage}"] == 1


async def test_a_month_in_which_nothing_was_used_costs_nothing_and_may_still_have_failures(
    opened: Open,
) -> None:
    async with opened("nothing_used", "failing_models") as account:
        found = values(await account.probe())
        assert found["cost_today_usd"] == found["cost_month_to_date_usd"] == 0
        assert found["fal_requests_window{hour,failed}"] == 30
        assert named_models(account) == [["fal-ai/flux/dev"]] * 2


async def test_more_models_than_a_call_may_name_are_reported(opened: Open) -> None:
    async with opened("many_models") as account:
        found = values(await account.probe())
        named = named_models(account)
        assert [len(models) for models in named] == [50, 50]
        # Those that are used on most days come first.
        assert named[0][:2] == ["fal-ai/flux/dev", "fal-ai/flux/schnell"]
        assert found["fal_list_truncated{requests_hour}"] == found["fal_list_truncated{requests_month}"] == 1
        assert found["fal_list_truncated{usage}"] == 0


async def test_a_line_in_another_currency_is_left_out_and_logged(opened: Open) -> None:
    async with opened("other_currency") as account:
        result = await account.probe()
        assert values(result)["cost_today_usd"] == pytest.approx(0.3)
        assert any("not in US dollars" in text for _, text in result.log)


async def test_null_fields_are_unknown_and_drift_never_zero(opened: Open) -> None:
    async with opened("null_fields") as account:
        result = await account.probe()
        assert result.ok
        found = values(result)
        assert not [name for name in found if name.startswith("prepaid_balance")]
        assert found["cost_today_usd"] == pytest.approx(0.3)
        assert sorted(set(result.drift)) == [
            "credits.current_balance",
            "time_series[].bucket",
            "time_series[].results[].cost",
            "time_series[].results[].endpoint_id",
        ]


async def test_yesterdays_cost_is_not_shown_as_todays(opened: Open) -> None:
    async with opened() as account:
        await account.clock.advance(DAY * 2 / 3 - 5 * MINUTE)
        assert "cost_today_usd" in values(await account.probe())
        await account.clock.advance(10 * MINUTE)
        found = values(await account.probe())
        assert "/models/usage" not in account.asked
        assert "cost_today_usd" not in found
        assert not [name for name in found if name.startswith("fal_requests_window{today")]
        assert "cost_month_to_date_usd" in found


async def test_requests_are_counted_by_outcome_and_name_the_models_used(opened: Open) -> None:
    async with opened("failing_models") as account:
        found = values(await account.probe())
        assert found["fal_requests_window{hour,succeeded}"] == 90
        assert found["fal_requests_window{hour,failed}"] == 30
        assert found["fal_requests_window{today,user_error}"] == 5
        assert found["fal_requests_window{month,succeeded}"] == 15 * 90
        assert named_models(account) == [["fal-ai/flux/dev", "fal-ai/flux/schnell"]] * 2
        assert found["fal_list_truncated{requests_hour}"] == 0


async def test_a_call_that_is_not_understood_leaves_its_values_unknown(opened: Open) -> None:
    async with opened("no_analytics") as account:
        result = await account.probe()
        assert result.ok
        found = values(result)
        assert not [name for name in found if name.startswith("fal_requests")]
        # A call that is not understood says nothing of what the key may do.
        assert "fal_permission_missing{analytics}" not in found
        assert found["fal_reading_refused{hour}"] == found["fal_reading_refused{month}"] == 1
        assert result.drift == ("hour", "month")


async def test_a_model_that_is_not_there_is_named_by_the_reason(opened: Open) -> None:
    async with opened() as account:
        assert (await account.probe(model="fal-ai/invented")).reason is Reason.NOT_FOUND


async def test_a_vendor_that_repeats_the_key_does_not_make_us_repeat_it(opened: Open) -> None:
    async with opened("chatty_errors", "api_key_only") as account:
        target = target_of(PROBE, account.stage.options)
        assert leaks(target, await account.probe(), account.answers) == []
        wrong = "someOtherId:someOtherSecret"
        assert wrong not in repr(await account.probe(key=wrong))


async def test_every_call_reads_with_the_key_and_runs_no_model(opened: Open) -> None:
    async with opened() as account:
        await account.probe()
        for call in account.stage.stand.calls:
            assert call.method == "GET"
            assert call.headers["authorization"] == f"Key {KEY}"


async def test_the_expensive_readings_run_on_periods_of_their_own(opened: Open) -> None:
    async with opened() as account:
        await account.probe()
        seen: dict[str, list[float]] = {}
        for run in range(1, 25):
            await account.clock.advance(5 * MINUTE)
            await account.probe()
            for path in account.asked[1:]:
                seen.setdefault(path, []).append(run * 5)
        quarters = [15, 30, 45, 60, 75, 90, 105, 120]
        assert seen["/models/usage"] == seen["/account/billing"] == quarters
        assert seen["/models/analytics"] == sorted([*quarters, 60, 120])


def test_the_cost_is_what_the_page_says() -> None:
    assert calls(FalOptions(pages=1), 300) == 18_000
    assert calls(FalOptions(), 300) == 18_000 + 4 * (2 * 2_880 + 720)


async def test_the_exposition_of_an_account_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("expensive_day", "failing_models") as account:
        result = await account.probe()
        assert {metric.name for metric in PROBE.metrics} <= names(result)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target_of(PROBE, account.stage.options), without=CERTIFICATE_DATES)
        assert text == golden("fal.txt", text)
