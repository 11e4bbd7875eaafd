import json
from typing import Any

import pytest

from exporter.core.network import Network
from exporter.core.probe import MONTH
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.probes._meta_graph.graph import proof
from exporter.probes.whatsapp import PROBE, WhatsappOptions, calls
from exporter.sandbox._graph import APP_SECRET
from exporter.sandbox.harness import Answer, Reply
from exporter.sandbox.whatsapp import ACCOUNT, DISPLAY, NUMBERS, TOKEN, VENDOR
from tests.probes.day import CERTIFICATE_DATES, exposed, golden, leaks, names, target_of, values
from tests.probes.vendor_stage import Opener, VendorStage, opener

MINUTE = 60.0
HOUR = 3600.0
DAY = 86_400.0
GOOD, BAD = NUMBERS


class Business(VendorStage):
    """A simulated business account; refusals stand below `error`."""

    vendor, tested = VENDOR, PROBE
    base = "/v25.0"

    async def refuse(self, status: int, body: object, path: str = "/", **headers: str) -> None:
        await super().refuse(status, {"error": body}, path, **headers)


Open = Opener[Business]


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Business, network)


def code(number: int, subcode: int | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"message": "...", "type": "OAuthException", "code": number, **more}
    return found if subcode is None else {**found, "error_subcode": subcode}


# What the Graph API's guide to error handling, WhatsApp's error codes and the rate limits list.
REFUSALS = [
    (401, code(190), Reason.AUTH),
    *((401, code(190, subcode), Reason.AUTH) for subcode in (458, 459, 460, 463, 464, 467)),
    (401, code(190, 492), Reason.PERMISSION),
    (400, code(190, 463), Reason.AUTH),
    (401, code(104), Reason.NOT_CONFIGURED),
    (401, {"type": "AuthException", "code": 0}, Reason.AUTH),
    (401, code(102), Reason.AUTH),
    (403, code(10), Reason.PERMISSION),
    (403, code(200), Reason.PERMISSION),
    (403, code(294), Reason.PERMISSION),
    (403, code(299), Reason.PERMISSION),
    *((403, code(200, subcode), Reason.PERMISSION) for subcode in (1349174, 1349175, 1349176)),
    (403, code(1, 1349176), Reason.PERMISSION),
    (500, code(3), Reason.PERMISSION),
    (403, code(131005), Reason.PERMISSION),
    (403, code(368), Reason.ACCOUNT),
    (403, code(131031), Reason.ACCOUNT),
    (404, code(803), Reason.NOT_FOUND),
    (400, code(100, 33), Reason.NOT_FOUND),
    (400, code(33), Reason.NOT_CONFIGURED),
    (400, code(133010), Reason.NOT_CONFIGURED),
    (400, code(131045), Reason.NOT_CONFIGURED),
    (400, code(100), Reason.BAD_RESPONSE),
    (400, code(2500), Reason.BAD_RESPONSE),
    *((400, code(number), Reason.RATE_LIMITED) for number in (4, 17, 32, 613, 80007, 80008, 341)),
    *((429, code(number), Reason.RATE_LIMITED) for number in (4, 80007, 130429, 131056, 131048)),
    (429, code(4, 2446079, is_transient=True), Reason.RATE_LIMITED),
    (429, {}, Reason.RATE_LIMITED),
    (400, code(131042), Reason.QUOTA),
    (400, code(131064), Reason.QUOTA),
    (400, code(141006), Reason.QUOTA),
    (503, code(2), Reason.VENDOR_ERROR),
    (400, code(1), Reason.VENDOR_ERROR),
    (500, code(131000), Reason.VENDOR_ERROR),
    (500, code(131016), Reason.VENDOR_ERROR),
    (400, code(999_999, is_transient=True), Reason.VENDOR_ERROR),
    (400, code(-1), Reason.VENDOR_ERROR),
    (502, None, Reason.VENDOR_ERROR),
    (503, "no object", Reason.VENDOR_ERROR),
    (400, {"code": "190"}, Reason.BAD_RESPONSE),
    (401, {}, Reason.AUTH),
    (302, {}, Reason.BAD_RESPONSE),
    (400, code(100, message="Invalid appsecret_proof provided in the API argument"), Reason.AUTH),
    (400, code(104, message="Incorrect signature"), Reason.AUTH),
]


@pytest.mark.parametrize(("status", "error", "reason"), REFUSALS)
async def test_each_documented_refusal_has_its_reason(
    opened: Open, status: int, error: object, reason: Reason
) -> None:
    async with opened() as business:
        await business.refuse(status, error)
        result = await business.probe()
        assert result.reason is reason, result.detail
        assert result.http_status == status
        assert result.samples == ()


@pytest.mark.parametrize(
    ("scenario", "reason", "words"),
    [
        ("expired_token", Reason.AUTH, "the token has expired"),
        ("revoked_token", Reason.AUTH, "password was changed"),
        ("no_numbers_permission", Reason.PERMISSION, "code 200"),
        ("wrong_account", Reason.NOT_FOUND, "subcode 33"),
        ("transient", Reason.VENDOR_ERROR, "code 999999"),
        ("wrong_scope", Reason.PERMISSION, "whatsapp_business_management"),
    ],
)
async def test_a_trouble_of_the_token_or_the_account_is_named(
    opened: Open, scenario: str, reason: Reason, words: str
) -> None:
    async with opened(scenario) as business:
        result = await business.probe()
        assert result.reason is reason
        assert words in result.detail


async def test_a_vendor_that_repeats_the_token_does_not_make_us_repeat_it(opened: Open) -> None:
    async with opened("chatty_errors") as business:
        wrong = "EAAGsomeOtherToken"
        result = await business.probe(access_token=wrong)
        assert result.reason is Reason.AUTH
        assert wrong not in repr(result)
        target = target_of(PROBE, business.stage.options)
        assert leaks(target, await business.probe(), business.answers) == []


async def test_every_call_carries_the_token_in_its_header_and_the_proof_of_the_app(opened: Open) -> None:
    async with opened("require_proof") as business:
        assert (await business.probe()).ok
        for call in business.stage.stand.calls:
            assert call.method == "GET"
            assert "access_token" not in call.query
            assert len(call.one("appsecret_proof")) == 64
            if not call.path.endswith("debug_token"):
                assert call.headers["authorization"] == f"Bearer {TOKEN}"


async def test_without_the_app_secret_no_proof_is_sent_and_the_token_inspects_itself(opened: Open) -> None:
    async with opened() as business:
        result = await business.probe(app_secret=None)
        assert result.ok
        assert "token_expiry_timestamp_seconds{access}" in values(result)
        assert all("appsecret_proof" not in call.query for call in business.stage.stand.calls)
        assert business.stage.stand.calls[-1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_an_app_that_requires_a_proof_refuses_calls_without_one(opened: Open) -> None:
    async with opened("require_proof") as business:
        result = await business.probe(app_secret=None)
        assert (result.reason, "app_secret" in result.detail) == (Reason.AUTH, True)


async def test_a_wrong_app_secret_is_a_refused_credential(opened: Open) -> None:
    async with opened() as business:
        assert (await business.probe(app_secret="another")).reason is Reason.AUTH


def test_the_proof_is_that_of_the_reference() -> None:
    found = proof(Secret("app_secret_123"), Secret("EAAG_token"))
    assert found.reveal() == "8c8d6311ce2b1a12c101bb36d11ab51b7624a4714aaac6be8e30fd4a507967de"


async def test_numbers_are_reported_by_id_and_never_by_what_people_dial(opened: Open) -> None:
    async with opened("red_quality", "fast_number") as business:
        result = await business.probe()
        found = values(result)
        assert found[f"whatsapp_phone_quality{{{GOOD}}}"] == 3
        assert found[f"whatsapp_phone_quality{{{BAD}}}"] == 1
        assert found[f"whatsapp_phone_throughput_messages_per_second{{{GOOD}}}"] == 80
        assert found[f"whatsapp_phone_throughput_messages_per_second{{{BAD}}}"] == 1000
        assert DISPLAY not in repr(result) + repr(business.answers)


@pytest.mark.parametrize(
    ("scenario", "restricted", "status"),
    [
        ("banned_number", 1, "banned"),
        ("restricted_number", 1, "restricted"),
        ("disconnected_number", 0, "disconnected"),
        ("yellow_quality", 0, "connected"),
    ],
)
async def test_only_a_banned_or_restricted_number_counts_as_restricted(
    opened: Open, scenario: str, restricted: int, status: str
) -> None:
    async with opened(scenario) as business:
        result = await business.probe()
        found = values(result)
        assert result.ok
        assert found[f"whatsapp_phone_restricted{{{BAD}}}"] == restricted
        assert found[f"whatsapp_phone_restricted{{{GOOD}}}"] == 0
        assert [name for name in found if name.startswith(f"whatsapp_phone_info{{{BAD},{status},")]


async def test_a_number_without_a_rating_has_no_quality(opened: Open) -> None:
    async with opened("unrated") as business:
        result = await business.probe()
        assert "integration_whatsapp_phone_quality" not in names(result)
        assert result.drift == ()


async def test_a_problem_of_payment_blocks_the_account_and_its_numbers_and_counts_once(opened: Open) -> None:
    async with opened("payment_problem") as business:
        found = values(await business.probe())
        assert found["whatsapp_account_can_send"] == found[f"whatsapp_phone_can_send{{{GOOD}}}"] == 0
        assert found["whatsapp_health_errors{payment}"] == 1
        assert found["whatsapp_health_errors{other}"] == 0


@pytest.mark.parametrize(
    ("scenario", "error", "count", "account"),
    [("unverified_business", "verification", 1, 1), ("calling_disabled", "calling", 2, 2)],
)
async def test_what_limits_sending_differs_from_what_blocks_it(
    opened: Open, scenario: str, error: str, count: int, account: int
) -> None:
    async with opened(scenario) as business:
        found = values(await business.probe())
        assert found[f"whatsapp_phone_can_send{{{GOOD}}}"] == 1
        assert found["whatsapp_account_can_send"] == account
        assert found[f"whatsapp_health_errors{{{error}}}"] == count


async def test_a_rejected_account_stays_known_when_a_later_reading_fails(opened: Open) -> None:
    async with opened("rejected_account") as business:
        await business.refuse(400, code(368), path=f"/v25.0/{ACCOUNT}/message_templates")
        result = await business.probe()
        assert result.reason is Reason.ACCOUNT
        assert result.samples == ()
        assert values(result)["whatsapp_account_restricted"] == 1


async def test_the_limit_of_people_is_a_number_and_absent_where_there_is_none(opened: Open) -> None:
    async with opened() as business:
        assert values(await business.probe())["whatsapp_messaging_limit_users"] == 2000
    async with opened("unlimited") as business:
        assert "whatsapp_messaging_limit_users" not in values(await business.probe())


async def test_templates_are_counted_by_status_and_unknown_ones_are_other(opened: Open) -> None:
    async with opened("paused_templates") as business:
        found = values(await business.probe())
        counts = {
            state: found[f"whatsapp_templates{{{state}}}"]
            for state in ("approved", "paused", "disabled", "other")
        }
        assert counts == {"approved": 3, "paused": 2, "disabled": 1, "other": 1}
        assert found["whatsapp_templates{rejected}"] == found["whatsapp_templates_truncated"] == 0


async def test_templates_beyond_the_pages_are_reported(opened: Open) -> None:
    async with opened("many_templates") as business:
        found = values(await business.probe(pages=1))
        assert (found["whatsapp_templates{approved}"], found["whatsapp_templates_truncated"]) == (100, 1)
        await business.clock.advance(HOUR)
        found = values(await business.probe(pages=2))
        assert (found["whatsapp_templates{approved}"], found["whatsapp_templates_truncated"]) == (150, 0)
        assert business.asked.count(f"/{ACCOUNT}/message_templates") == 2


async def test_the_account_is_named_to_viewers_of_the_status(opened: Open) -> None:
    async with opened() as account:
        for _ in range(2):  # fetched, then kept
            result = await account.probe()
            named = dict(result.vendor_details)
            assert named["name"] == "Sandbox Fitness"
            assert named["business_account_id"].isdecimal()
            assert "Sandbox Fitness" not in repr((result.samples, result.facts, result.log))


async def test_an_account_whose_webhooks_nobody_gets_has_no_apps(opened: Open) -> None:
    async with opened("not_subscribed") as business:
        assert values(await business.probe())["whatsapp_subscribed_apps"] == 0


async def test_fields_that_are_null_are_unknown_and_drift_never_zero(opened: Open) -> None:
    async with opened("null_fields") as business:
        result = await business.probe()
        assert result.ok
        found = values(result)
        for name in ("quality", "restricted", "throughput_messages_per_second", "can_send"):
            assert f"whatsapp_phone_{name}{{{BAD}}}" not in found
            assert f"whatsapp_phone_{name}{{{GOOD}}}" in found
        assert sorted(result.drift) == [
            "data[].health_status.can_send_message",
            "data[].quality_rating",
            "data[].status",
            "data[].throughput.level",
        ]


async def test_a_version_that_does_not_know_a_field_is_asked_for_the_basic_ones_for_a_day(
    opened: Open,
) -> None:
    async with opened("unknown_field", "banned_number") as business:
        result = await business.probe()
        assert result.ok
        assert result.drift == ()
        found = values(result)
        assert found["whatsapp_reading_refused{phone_numbers_fields}"] == 1
        assert found["whatsapp_reading_refused{account_fields}"] == 1
        assert found[f"whatsapp_phone_quality{{{GOOD}}}"] == 3
        assert found[f"whatsapp_phone_restricted{{{GOOD}}}"] == 0
        assert found[f"whatsapp_phone_restricted{{{BAD}}}"] == 1
        assert found["whatsapp_account_info{approved,verified,EUR}"] == 1
        assert f"whatsapp_phone_can_send{{{GOOD}}}" not in found
        assert "whatsapp_health_errors{payment}" not in found
        assert business.asked.count(f"/{ACCOUNT}/phone_numbers") == 2
        await business.clock.advance(HOUR)
        await business.probe()
        assert business.asked.count(f"/{ACCOUNT}/phone_numbers") == 1
        await business.stage.stand.set_scenario("unknown_field", False)
        await business.clock.advance(DAY)
        found = values(await business.probe())
        assert found["whatsapp_reading_refused{phone_numbers_fields}"] == 0
        assert found[f"whatsapp_phone_can_send{{{GOOD}}}"] == 2


@pytest.mark.parametrize(
    ("scenario", "reading", "absent"),
    [
        ("no_account_permission", "account", "whatsapp_account"),
        ("no_templates_permission", "templates", "whatsapp_templates"),
        ("no_subscribed_apps_permission", "subscribed_apps", "whatsapp_subscribed_apps"),
        ("no_inspection", "debug_token", "token_expiry"),
    ],
)
async def test_a_reading_that_is_refused_leaves_the_rest_connected(
    opened: Open, scenario: str, reading: str, absent: str
) -> None:
    async with opened(scenario) as business:
        result = await business.probe()
        assert (result.ok, result.http_status) == (True, 200)
        found = values(result)
        assert [name for name, value in found.items() if "reading_refused" in name and value] == [
            f"whatsapp_reading_refused{{{reading}}}"
        ]
        assert not [name for name in found if name.startswith(absent)]
        await business.clock.advance(5 * MINUTE)
        await business.probe()
        # A call that is not understood (400) may be understood soon; a permission does not come by asking.
        again = ["/debug_token"] if reading == "debug_token" else []
        assert business.asked == [f"/{ACCOUNT}/phone_numbers", *again]


async def test_an_app_that_does_not_exist_is_a_refused_credential(opened: Open) -> None:
    async with opened() as business:
        result = await business.probe(app_id="99999", app_secret=APP_SECRET)
        assert (result.reason, result.detail) == (
            Reason.AUTH,
            "debug_token answered HTTP 400 (code 101: app_id is wrong)",
        )


async def test_a_throttle_of_a_later_reading_is_heeded_and_no_more_is_asked(opened: Open) -> None:
    async with opened() as business:
        usage = {
            ACCOUNT: [
                {
                    "type": "whatsapp_business_management",
                    "call_count": 100,
                    "total_time": 1,
                    "total_cputime": 1,
                    "estimated_time_to_regain_access": 19,
                }
            ]
        }
        header = {"x_business_use_case_usage": json.dumps(usage)}
        await business.refuse(400, code(80_008), f"/v25.0/{ACCOUNT}/message_templates", **header)
        result = await business.probe()
        assert result.ok
        assert result.retry_after == 19 * MINUTE
        assert business.asked[-1].endswith("/message_templates")
        found = values(result)
        assert [
            found[f"whatsapp_reading_refused{{{name}}}"] for name in ("templates", "subscribed_apps")
        ] == [1, 1]
        assert found["whatsapp_reading_refused{account}"] == 0


async def test_the_token_tells_when_it_ends_and_that_nobody_renews_it(opened: Open) -> None:
    async with opened("expiring_token", "missing_scope") as business:
        result = await business.probe()
        found = values(result)
        assert result.ok
        assert found["token_expiry_timestamp_seconds{access}"] == business.clock.now() + 2 * DAY
        assert found["token_expiry_timestamp_seconds{data_access}"] == business.clock.now() + 80 * DAY
        assert found["token_refreshable{access}"] == 0
        assert found["whatsapp_scope_missing{whatsapp_business_messaging}"] == 1
        assert found["whatsapp_scope_missing{whatsapp_business_management}"] == 0


async def test_a_token_that_never_expires_has_no_series(opened: Open) -> None:
    async with opened("eternal_token") as business:
        result = await business.probe()
        assert result.ok
        assert not [name for name in values(result) if name.startswith("token_")]


async def test_an_expiry_that_cannot_be_is_unknown_and_drift(opened: Open) -> None:
    async with opened("odd_expiry") as business:
        result = await business.probe()
        assert "token_expiry_timestamp_seconds{access}" not in values(result)
        assert result.drift == ("data.expires_at",)


async def test_scopes_that_are_not_reported_are_unknown(opened: Open) -> None:
    async with opened("unknown_scopes") as business:
        result = await business.probe()
        assert result.ok
        assert not [name for name in values(result) if "scope_missing" in name]
        assert result.drift == ("data.scopes",)


async def test_a_token_that_the_inspection_calls_invalid_is_refused_and_its_end_is_kept(opened: Open) -> None:
    async with opened() as business:
        ends = business.clock.now() - HOUR
        data = {"is_valid": False, "expires_at": ends, "scopes": [], "error": {"code": 190, "subcode": 463}}
        answer = Answer(Reply(200, {"data": data}), "/v25.0/debug_token")
        await business.stage.stand.set_fault(None, answer=answer)
        result = await business.probe()
        assert result.reason is Reason.AUTH
        assert "the token has expired" in result.detail
        assert values(result)["token_expiry_timestamp_seconds{access}"] == ends


async def test_usage_is_reported_in_percent_of_each_bucket_of_the_own_account(opened: Open) -> None:
    async with opened("busy_app") as business:
        found = values(await business.probe())
        assert found["rate_limit_remaining{app}"] == 7
        assert found["rate_limit_limit{app}"] == 100
        assert found["rate_limit_remaining{whatsapp_business_management}"] == 88


async def test_usage_that_cannot_be_read_is_drift_and_no_value(opened: Open) -> None:
    async with opened("bad_usage_header") as business:
        result = await business.probe()
        assert result.ok
        assert not [name for name in values(result) if name.startswith("rate_limit")]
        assert "x-app-usage" in result.drift


async def test_a_throttled_account_is_left_alone_until_meta_lets_it_in_again(opened: Open) -> None:
    async with opened("regaining") as business:
        result = await business.probe()
        assert result.reason is Reason.RATE_LIMITED
        assert result.retry_after == 19 * MINUTE
        reset = values(result)["rate_limit_reset_timestamp_seconds{whatsapp_business_management}"]
        assert reset == business.clock.now() + 19 * MINUTE


async def test_a_version_that_is_gone_and_one_with_an_end_are_reported(opened: Open) -> None:
    async with opened() as business:
        found = values(await business.probe())
        assert found["whatsapp_api_version_deprecated{v25.0}"] == 0
        assert found["whatsapp_api_version_end_timestamp_seconds{v25.0}"] == 1_848_441_600
    async with opened("old_version") as business:
        assert values(await business.probe())["whatsapp_api_version_deprecated{v25.0}"] == 1
    async with opened() as business:
        found = values(await business.probe(api_version="v26.0"))
        assert not [name for name in found if name.startswith("whatsapp_api_version_end")]


async def test_expensive_readings_keep_their_periods(opened: Open) -> None:
    async with opened() as business:
        await business.probe()
        assert business.asked == [
            f"/{ACCOUNT}/phone_numbers",
            f"/{ACCOUNT}",
            f"/{ACCOUNT}/message_templates",
            f"/{ACCOUNT}/subscribed_apps",
            "/debug_token",
        ]
        total = len(business.asked)
        for _ in range(12):
            await business.clock.advance(5 * MINUTE)
            await business.probe()
            total += len(business.asked)
        assert total == 13 + 5 + 2 + 2 + 2


def test_the_default_cost_is_far_below_what_meta_allows_for_an_account() -> None:
    assert calls(WhatsappOptions(), 300) == 14_400 + 60
    assert PROBE.allowance is not None
    assert PROBE.allowance.calls == 200 * 24 * 30
    assert calls(WhatsappOptions(), 15) > PROBE.allowance.calls
    assert calls(WhatsappOptions(pages=20), 30 * DAY) == (1 + 1 + 22 + 2) * MONTH / (30 * DAY)


async def test_the_exposition_of_an_account_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("payment_problem", "red_quality", "paused_templates", "expiring_token") as business:
        result = await business.probe()
        target = target_of(PROBE, business.stage.options)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target, without=CERTIFICATE_DATES)
        assert text == golden("whatsapp.txt", text)
