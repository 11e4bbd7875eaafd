import time
from dataclasses import replace

import pytest

from exporter.core.network import Network
from exporter.core.reason import Reason
from exporter.probes.resend import PROBE, calls
from exporter.probes.resend.api import ResendOptions
from exporter.sandbox.harness import Call, Handler, Reply
from exporter.sandbox.resend import KEY, VENDOR
from tests.probes.day import (
    CERTIFICATE_DATES,
    exposed,
    golden,
    leaks,
    names,
    probed,
    staged,
    target_of,
    values,
)
from tests.probes.vendor_stage import Opener, VendorStage, opener

DAY = 86_400.0
HOUR = 3_600.0
MINUTE = 60.0


class Account(VendorStage):
    """A simulated account."""

    vendor, tested = VENDOR, PROBE


Open = Opener[Account]


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Account, network)


# What resend.com/docs/api-reference/errors lists, and what each means here.
REFUSALS = [
    (400, "invalid_idempotency_key", Reason.BAD_RESPONSE),
    (400, "validation_error", Reason.AUTH),
    (401, "validation_error", Reason.AUTH),
    (422, "validation_error", Reason.BAD_RESPONSE),
    (401, "missing_api_key", Reason.AUTH),
    (403, "invalid_api_key", Reason.AUTH),
    (403, "suspended_api_key", Reason.ACCOUNT),
    (403, "validation_error", Reason.PERMISSION),
    (405, "method_not_allowed", Reason.BAD_RESPONSE),
    (409, "invalid_idempotent_request", Reason.BAD_RESPONSE),
    (409, "concurrent_idempotent_requests", Reason.BAD_RESPONSE),
    (422, "invalid_attachment", Reason.BAD_RESPONSE),
    (422, "invalid_from_address", Reason.BAD_RESPONSE),
    (422, "invalid_access", Reason.BAD_RESPONSE),
    (422, "invalid_parameter", Reason.BAD_RESPONSE),
    (422, "invalid_region", Reason.BAD_RESPONSE),
    (422, "missing_required_field", Reason.BAD_RESPONSE),
    (429, "rate_limit_exceeded", Reason.RATE_LIMITED),
    (429, "daily_quota_exceeded", Reason.QUOTA),
    (429, "monthly_quota_exceeded", Reason.QUOTA),
    (451, "security_error", Reason.ACCOUNT),
    (500, "application_error", Reason.VENDOR_ERROR),
    (500, "internal_server_error", Reason.VENDOR_ERROR),
    # Without a name, as a proxy in between would answer.
    (401, None, Reason.AUTH),
    (403, None, Reason.PERMISSION),
    (404, None, Reason.NOT_FOUND),
    (429, None, Reason.RATE_LIMITED),
    (451, None, Reason.ACCOUNT),
    (502, None, Reason.VENDOR_ERROR),
    (503, "invalid_api_key", Reason.VENDOR_ERROR),
    (302, None, Reason.BAD_RESPONSE),
    (404, "not_found", Reason.NOT_FOUND),
]


@pytest.mark.parametrize(("status", "name", "reason"), REFUSALS)
async def test_each_documented_refusal_has_its_reason(
    opened: Open, status: int, name: str | None, reason: Reason
) -> None:
    async with opened() as account:
        body = {"statusCode": status, "name": name, "message": "m"} if name else b"<html>"
        await account.refuse(status, body)
        result = await account.probe()
        assert result.reason is reason, result.detail
        assert result.http_status == status
        assert result.samples == ()


async def test_a_key_that_may_only_send_is_a_connection_and_says_what_it_lacks(opened: Open) -> None:
    async with opened("sending_only_key") as account:
        result = await account.probe()
        assert result.ok
        found = values(result)
        missing = {name for name, value in found.items() if name.startswith("resend_permission") and value}
        assert missing == {
            f"resend_permission_missing{{{name}}}" for name in ("usage", "domains", "webhooks", "emails")
        }
        await account.clock.advance(5 * MINUTE)
        await account.probe()
        assert account.asked == ["/usage"]


async def test_a_refusal_of_an_unknown_caller_is_no_permission_that_lacks(opened: Open) -> None:
    async with opened() as account:
        await account.refuse(403, b"<html>blocked</html>", path="/usage")
        assert (await account.probe()).reason is Reason.PERMISSION


async def test_without_the_call_for_the_usage_the_domains_show_that_the_key_is_good(opened: Open) -> None:
    async with opened("no_usage_call") as account:
        found = values(await account.probe())
        assert account.asked == ["/usage", "/domains", "/domains", "/webhooks", "/emails/metrics"]
        assert found["quota_used{emails_daily}"] == 12
        assert found["quota_used{emails_monthly}"] == 340
        assert not [name for name in found if name.startswith("quota_limit")]
        await account.stage.play("sending_only_key")
        account.answers.clear()
        assert (await account.probe()).ok


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_key_that_does_not_exist_is_reported_by_the_message_where_a_call_has_parameters(
    opened: Open, status: int
) -> None:
    async with opened("no_usage_call") as account:
        refusal = {"name": "validation_error", "message": "API key is invalid"}
        await account.refuse(status, refusal, path="/domains")
        assert (await account.probe()).reason is Reason.AUTH
        await account.refuse(status, {**refusal, "message": "The limit is odd"}, path="/domains")
        assert (await account.probe()).reason is not Reason.AUTH or status == 401
        await account.refuse(status, {**refusal, "name": "application_error"}, path="/domains")
        assert (await account.probe()).reason is not Reason.AUTH or status == 401


async def test_a_deleted_key_is_a_refused_credential(opened: Open) -> None:
    async with opened() as account:
        result = await account.probe(api_key="re_deletedKey4242")
        assert result.reason is Reason.AUTH
        assert result.detail == "/usage answered HTTP 400 (validation_error)"


async def test_a_suspended_key_is_the_accounts_fault(opened: Open) -> None:
    async with opened("suspended_key") as account:
        assert (await account.probe()).reason is Reason.ACCOUNT


async def test_a_token_without_the_scopes_is_a_connection_and_says_what_it_lacks(opened: Open) -> None:
    async with opened("scoped_token") as account:
        result = await account.probe()
        assert result.ok
        found = values(result)
        assert [found[f"resend_permission_missing{{{name}}}"] for name in ("usage", "domains")] == [0, 1]
        await account.refuse(403, {"name": "invalid_permission"})
        account.answers.clear()
        assert (await account.probe()).ok, "nor is it needed for the usage"


async def test_a_domain_whose_records_are_gone_has_a_state_of_its_own(opened: Open) -> None:
    async with opened("domain_in_danger") as account:
        found = values(await account.probe())
        assert found["resend_domains{temporary_failure}"] == 1
        assert found["resend_domains{verified}"] == 2
        assert found["resend_domains{other}"] == 0


async def test_without_the_call_for_the_usage_a_wrong_key_is_still_found(opened: Open) -> None:
    async with opened() as account:
        await account.refuse(404, {"name": "not_found"}, path="/usage")
        assert (await account.probe()).ok
        result = await account.probe(api_key="re_wrong")
        assert result.reason is Reason.AUTH


async def test_quotas_come_with_their_limits_and_the_time_they_start_again(opened: Open) -> None:
    async with opened("nearly_used_up") as account:
        found = values(await account.probe())
        midnight = (account.clock.now() // DAY + 1) * DAY
        assert found["quota_used{emails_daily}"] == 96
        assert found["quota_limit{emails_daily}"] == 100
        assert found["quota_reset_timestamp_seconds{emails_daily}"] == midnight
        assert found["quota_limit{emails_monthly}"] == 3_000
        assert found["quota_reset_timestamp_seconds{emails_monthly}"] == midnight + 9 * DAY
        assert found["resend_allocation_used{domains}"] == found["resend_allocation_limit{domains}"] == 1


async def test_a_limit_of_null_is_no_limit_and_no_drift(opened: Open) -> None:
    async with opened("paid_plan") as account:
        result = await account.probe()
        found = values(result)
        assert "quota_limit{emails_daily}" not in found
        assert "resend_allocation_limit{contacts}" not in found
        assert found["quota_used{emails_daily}"] == 12
        assert found["quota_limit{emails_monthly}"] == 50_000
        assert result.drift == ()


async def test_null_fields_are_unknown_and_drift_never_zero(opened: Open) -> None:
    async with opened("null_fields") as account:
        result = await account.probe()
        assert result.ok
        found = values(result)
        for name in (
            "quota_used{emails_monthly}",
            "quota_used{ai_credits}",
            "quota_reset_timestamp_seconds{emails_daily}",
            "resend_allocation_limit{segments}",
        ):
            assert name not in found
        assert sorted(result.drift) == [
            "ai_credits",
            "emails.daily.resets_at",
            "emails.monthly.used",
            "segments.limit",
        ]


async def test_the_rate_limit_comes_from_the_headers(opened: Open) -> None:
    async with opened() as account:
        found = values(await account.probe())
        assert found["rate_limit_limit{api}"] == 5
        assert found["rate_limit_remaining{api}"] == 4
        assert found["rate_limit_reset_timestamp_seconds{api}"] == account.clock.now() + 1


async def test_a_team_of_two_calls_a_second_is_read_whole(network: Network) -> None:
    limit, window = 2, 0.1
    made: list[float] = []

    def guard(call: Call) -> Reply | None:
        now = time.monotonic()
        made[:] = [when for when in made if now - when < window]
        if len(made) >= limit:
            return Reply(429, {"name": "rate_limit_exceeded"}, {"retry-after": "1"})
        made.append(now)
        return VENDOR.guard(call)

    def hurried(handler: Handler) -> Handler:
        def answer(call: Call) -> Reply:
            reply = handler(call)
            left = {"ratelimit-remaining": str(limit - len(made)), "ratelimit-reset": str(window)}
            return replace(reply, headers={**reply.headers, **left})

        return answer

    routes = {name: hurried(handler) for name, handler in VENDOR.routes.items()}
    for scenarios in ((), ("no_usage_call",)):
        made.clear()
        async with staged(replace(VENDOR, guard=guard, routes=routes)) as stage:
            for scenario in scenarios:
                await stage.play(scenario)
            result = await probed(target_of(PROBE, stage.options), network)
            assert result.ok, result.detail
            assert not [name for name, value in values(result).items() if "reading_refused" in name and value]
            assert {call.path for call in stage.stand.calls} == {
                "/usage",
                "/domains",
                "/webhooks",
                "/emails/metrics",
            }


async def test_a_throttled_reading_leaves_the_others_what_they_were(opened: Open) -> None:
    async with opened() as account:
        await account.refuse(429, {"name": "rate_limit_exceeded"}, "/webhooks", retry_after="7")
        result = await account.probe()
        assert (result.ok, result.retry_after) == (True, 7)
        found = values(result)
        assert found["quota_used{emails_daily}"] == 12
        assert found["resend_domains{verified}"] == 2
        assert [found[f"resend_reading_refused{{{name}}}"] for name in ("domains", "webhooks", "emails")] == [
            0,
            1,
            1,
        ]
        assert account.asked == ["/usage", "/domains", "/webhooks"]


async def test_headers_that_are_missing_or_odd_give_no_sample(opened: Open) -> None:
    async with opened() as account:
        usage = {"emails": {"daily": {"used": 1, "limit": None, "resets_at": None}}}
        await account.refuse(200, usage, "/usage", **{"ratelimit-limit": "many"})
        result = await account.probe()
        assert result.ok
        assert not [name for name in values(result) if name.startswith("rate_limit")]


async def test_what_is_known_of_a_quota_outlives_a_later_failure(opened: Open) -> None:
    async with opened() as account:
        await account.refuse(451, {"name": "security_error"}, path="/domains")
        result = await account.probe()
        assert result.reason is Reason.ACCOUNT
        assert result.samples == ()
        assert "quota_reset_timestamp_seconds{emails_daily}" in values(result)


async def test_failed_domains_are_counted_unless_they_are_ignored(opened: Open) -> None:
    async with opened("failed_domain") as account:
        found = values(await account.probe())
        assert found["resend_domains{failed}"] == found["resend_domains{partially_failed}"] == 1
        assert found["resend_domains{verified}"] == 1
        account.answers.clear()
        found = values(await account.probe(ignore_domains=["mail2.customer.example"]))
        assert found["resend_domains{failed}"] == 0


async def test_domains_beyond_the_pages_read_are_reported(opened: Open) -> None:
    async with opened("many_domains") as account:
        found = values(await account.probe())
        assert found["resend_domains{verified}"] == 100
        assert found["resend_list_truncated{domains}"] == 1
        account.answers.clear()
        found = values(await account.probe(pages=2))
        assert found["resend_domains{verified}"] == 150
        assert found["resend_domains{other}"] == 1
        assert found["resend_list_truncated{domains}"] == 0


async def test_a_disabled_webhook_endpoint_is_counted_unless_it_is_ignored(opened: Open) -> None:
    async with opened("webhook_disabled") as account:
        found = values(await account.probe())
        assert found["resend_webhook_endpoints{disabled}"] == 1
        account.answers.clear()
        found = values(await account.probe(ignore_webhook_endpoints=["wh-1"]))
        assert found["resend_webhook_endpoints{disabled}"] == 0


async def test_e_mails_of_a_day_are_counted_by_outcome(opened: Open) -> None:
    async with opened("bouncing") as account:
        found = values(await account.probe())
        assert found["resend_emails_window{sent}"] == 1_000
        assert found["resend_emails_window{bounced}"] == 200
        (asked,) = (call for call in account.stage.stand.calls if call.path == "/emails/metrics")
        assert asked.one("start_date") == "2027-01-14T08:00:00Z"
        assert asked.one("end_date") == "2027-01-15T08:00:00Z"


async def test_an_account_without_delivery_metrics_is_a_connection(opened: Open) -> None:
    async with opened() as account:
        await account.refuse(404, {"name": "not_found"}, path="/emails/metrics")
        result = await account.probe()
        assert result.ok
        assert not [name for name in values(result) if name.startswith("resend_emails")]


@pytest.mark.parametrize(
    ("scenario", "reason"), [("blocked_account", Reason.ACCOUNT), ("daily_quota", Reason.QUOTA)]
)
async def test_an_account_that_may_no_more_says_why(opened: Open, scenario: str, reason: Reason) -> None:
    async with opened(scenario) as account:
        assert (await account.probe()).reason is reason


async def test_a_vendor_that_repeats_the_key_does_not_make_us_repeat_it(opened: Open) -> None:
    async with opened("chatty_errors", "sending_only_key") as account:
        target = target_of(PROBE, account.stage.options)
        assert leaks(target, await account.probe(), account.answers) == []
        wrong = "re_someOtherKey4242"
        assert wrong not in repr(await account.probe(api_key=wrong))


async def test_every_call_reads_with_the_key(opened: Open) -> None:
    async with opened() as account:
        await account.probe()
        for call in account.stage.stand.calls:
            assert call.method == "GET"
            assert call.headers["authorization"] == f"Bearer {KEY}"


async def test_the_expensive_readings_run_on_periods_of_their_own(opened: Open) -> None:
    async with opened() as account:
        total = (await account.probe()).calls
        seen: dict[str, list[float]] = {}
        for run in range(1, 25):
            await account.clock.advance(5 * MINUTE)
            total += (await account.probe()).calls
            for path in account.asked[1:]:
                seen.setdefault(path, []).append(run * 5)
        assert seen["/domains"] == [15, 30, 45, 60, 75, 90, 105, 120]
        assert seen["/webhooks"] == seen["/emails/metrics"] == [60, 120]
        assert total <= calls(ResendOptions(), 300) * 2 * HOUR / (30 * DAY) + 4


def test_the_cost_is_what_the_page_says() -> None:
    assert calls(ResendOptions(), 300) == 12_960
    assert calls(ResendOptions(pages=2), 300) == 12_960 + 2_880 + 720


async def test_the_exposition_of_an_account_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("failed_domain", "webhook_disabled", "nearly_used_up") as account:
        result = await account.probe()
        assert {metric.name for metric in PROBE.metrics} <= names(result)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target_of(PROBE, account.stage.options), without=CERTIFICATE_DATES)
        assert text == golden("resend.txt", text)
