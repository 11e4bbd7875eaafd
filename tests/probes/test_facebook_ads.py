from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from exporter.core.network import Network
from exporter.core.probe import MONTH
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.engine.kit import CachedAnswers
from exporter.probes._meta_graph.graph import proof
from exporter.probes._meta_graph.versions import GRAPH, MARKETING, end_of, is_newer
from exporter.probes.facebook_ads import PROBE, FacebookAdsOptions, calls
from exporter.sandbox.facebook_ads import ACCOUNT, VENDOR
from exporter.sandbox.harness import Answer, Reply
from tests.clock import HandClock
from tests.probes.day import (
    CERTIFICATE_DATES,
    SandboxStage,
    exposed,
    golden,
    probed,
    staged,
    target_of,
    values,
)

HOUR = 3600.0


class Advertiser:
    """A simulated ad account, what is known of it so far, and a clock that only the test moves."""

    def __init__(self, stage: SandboxStage, network: Network, clock: HandClock) -> None:
        self.stage, self.network, self.clock = stage, network, clock
        self.answers: CachedAnswers = {}

    async def probe(self, tenant: str = "acme", **options: Any) -> Any:
        self.stage.stand.calls.clear()
        target = replace(target_of(PROBE, self.stage.options, **options), tenant=tenant)
        return await probed(target, self.network, clock=self.clock, answers=self.answers)

    async def refuse(self, status: int, error: object) -> None:
        await self.stage.stand.set_fault(None, answer=Answer(Reply(status, {"error": error})))

    @property
    def asked(self) -> list[str]:
        return [call.path.partition("/v25.0")[2] for call in self.stage.stand.calls]


Open = Callable[..., AbstractAsyncContextManager[Advertiser]]


@pytest.fixture
def opened(network: Network) -> Open:
    @asynccontextmanager
    async def open_account(*scenarios: str) -> AsyncIterator[Advertiser]:
        clock = HandClock()
        async with staged(VENDOR, clock) as stage:
            for scenario in scenarios:
                await stage.play(scenario)
            yield Advertiser(stage, network, clock)

    return open_account


# What the Marketing API's error reference, its insights page and the rate limits list: code, subcode.
REFUSALS: list[tuple[int, int | None, Reason]] = [
    (1, None, Reason.VENDOR_ERROR),
    (2, None, Reason.VENDOR_ERROR),
    (2, 1504038, Reason.TIMEOUT),
    (3, None, Reason.PERMISSION),
    (10, None, Reason.PERMISSION),
    (100, None, Reason.BAD_RESPONSE),
    (100, 33, Reason.NOT_FOUND),
    (100, 1504018, Reason.TIMEOUT),
    (100, 1487534, Reason.BAD_RESPONSE),
    (102, None, Reason.AUTH),
    *((190, subcode, Reason.AUTH) for subcode in (None, 458, 459, 460, 463, 464, 467)),
    (190, 492, Reason.PERMISSION),
    *((code, None, Reason.PERMISSION) for code in (200, 250, 294, 299)),
    (341, None, Reason.RATE_LIMITED),
    (368, None, Reason.ACCOUNT),
    (101, None, Reason.AUTH),
    (101, 1, Reason.AUTH),
    (2635, None, Reason.BAD_RESPONSE),
    (-3, None, Reason.VENDOR_ERROR),
    *((4, subcode, Reason.RATE_LIMITED) for subcode in (None, 1504022, 1504039)),
    *((17, subcode, Reason.RATE_LIMITED) for subcode in (None, 2446079, 1885172)),
    (32, None, Reason.RATE_LIMITED),
    *((613, subcode, Reason.RATE_LIMITED) for subcode in (None, 1487742, 1487632, 1996)),
    *((code, 2446079, Reason.RATE_LIMITED) for code in (80000, 80003, 80004)),
    *((code, None, Reason.RATE_LIMITED) for code in (80001, 80002, 80005, 80006, 80008, 80009, 80014, 80099)),
]


@pytest.mark.parametrize(("code", "subcode", "reason"), REFUSALS)
@pytest.mark.parametrize("status", [400, 403, 500])
async def test_each_documented_code_has_its_reason_whatever_the_status(
    opened: Open, status: int, code: int, subcode: int | None, reason: Reason
) -> None:
    async with opened() as advertiser:
        error = {"message": "...", "type": "OAuthException", "code": code}
        await advertiser.refuse(status, error if subcode is None else {**error, "error_subcode": subcode})
        result = await advertiser.probe()
        assert result.reason is reason, result.detail
        assert result.samples == ()


async def test_a_wrong_proof_speaks_of_the_app_secret(opened: Open) -> None:
    async with opened() as advertiser:
        await advertiser.refuse(400, {"code": 104, "message": "Incorrect signature"})
        result = await advertiser.probe()
        assert result.reason is Reason.AUTH
        assert "app_secret" in result.detail
        await advertiser.refuse(400, {"code": 104, "message": "An access token is required"})
        assert (await advertiser.probe()).reason is Reason.NOT_CONFIGURED


def test_the_proof_is_that_of_the_reference() -> None:
    found = proof(Secret("app-secret"), Secret("access-token")).reveal()
    assert found == "dbf9c72b4c8f56924f8e07138f6d465c69cb5c9dbca908ce1403e993e1a5f799"


@pytest.mark.parametrize(
    ("scenario", "disabled", "at_risk", "labels"),
    [
        ("near_cap", 0, 0, "active,none"),
        ("disabled_account", 1, 0, "disabled,ads_integrity_policy"),
        ("unsettled_account", 1, 0, "unsettled,risk_payment"),
        ("risk_review", 0, 1, "pending_risk_review,none"),
        ("pending_settlement", 0, 1, "pending_settlement,none"),
        ("grace_period", 0, 1, "in_grace_period,none"),
        ("pending_closure", 0, 1, "pending_closure,none"),
        ("closed_account", 1, 0, "closed,permanent_close"),
        ("unlisted_state", 0, 0, "other,other"),
    ],
)
async def test_each_status_of_an_ad_account_is_reported(
    opened: Open, scenario: str, disabled: int, at_risk: int, labels: str
) -> None:
    async with opened(scenario) as advertiser:
        result = await advertiser.probe()
        found = values(result)
        assert result.ok
        assert found["facebook_ads_account_disabled"] == disabled
        assert found["facebook_ads_account_at_risk"] == at_risk
        assert found[f"facebook_ads_account_info{{{labels}}}"] == 1


async def test_money_is_reported_in_units_of_its_currency_and_the_cap_is_a_quota(opened: Open) -> None:
    async with opened("near_cap") as advertiser:
        found = values(await advertiser.probe())
        assert found["facebook_ads_amount_spent{EUR}"] == found["quota_used{spend_cap}"] == 950.0
        assert found["facebook_ads_spend_cap{EUR}"] == found["quota_limit{spend_cap}"] == 1000.0
        assert found["facebook_ads_balance{EUR}"] == 12.5
    async with opened("yen") as advertiser:
        assert values(await advertiser.probe())["facebook_ads_amount_spent{JPY}"] == 41_234.0


async def test_an_account_without_a_cap_has_no_quota(opened: Open) -> None:
    async with opened("no_cap") as advertiser:
        result = await advertiser.probe()
        found = values(result)
        assert result.drift == ()
        assert not [name for name in found if name.startswith(("quota", "facebook_ads_spend_cap"))]
        assert found["facebook_ads_amount_spent{EUR}"] == 412.34


async def test_fields_that_are_null_are_unknown_and_drift_never_zero(opened: Open) -> None:
    async with opened("null_fields") as advertiser:
        result = await advertiser.probe()
        assert result.ok
        assert sorted(result.drift) == ["account_status", "amount_spent", "balance", "disable_reason"]
        found = values(result)
        for name in ("account_disabled", "account_at_risk", "amount_spent{EUR}", "balance{EUR}"):
            assert f"facebook_ads_{name}" not in found
        assert found["facebook_ads_account_info{unknown,unknown}"] == 1


async def test_the_three_usage_headers_are_reported_in_percent(opened: Open) -> None:
    async with opened("busy_app", "busy_account") as advertiser:
        found = values(await advertiser.probe())
        assert found["rate_limit_remaining{app}"] == 7
        assert found["rate_limit_remaining{ads_management}"] == 88
        assert found["rate_limit_remaining{ad_account}"] == 2.5
        assert found["rate_limit_reset_timestamp_seconds{ad_account}"] == advertiser.clock.now() + 100


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("expired_token", Reason.AUTH),
        ("no_ads_permission", Reason.PERMISSION),
        ("wrong_account", Reason.NOT_FOUND),
        ("regaining", Reason.RATE_LIMITED),
        ("version_refused", Reason.BAD_RESPONSE),
    ],
)
async def test_a_trouble_of_the_token_or_the_account_has_its_reason(
    opened: Open, scenario: str, reason: Reason
) -> None:
    async with opened(scenario) as advertiser:
        assert (await advertiser.probe()).reason is reason


@pytest.mark.parametrize("scenario", ["deprecated_version", "old_version", "version_refused"])
async def test_a_version_that_is_gone_is_reported_also_by_a_refusal(opened: Open, scenario: str) -> None:
    async with opened(scenario) as advertiser:
        result = await advertiser.probe()
        assert values(result)["facebook_ads_api_version_deprecated{v25.0}"] == 1
        assert result.ok or "api_version" in result.detail


async def test_a_version_whose_end_is_past_is_deprecated_whatever_the_answer_says(opened: Open) -> None:
    async with opened() as advertiser:
        found = values(await advertiser.probe(api_version="v24.0"))
        assert found["facebook_ads_api_version_deprecated{v24.0}"] == 1
        assert found["facebook_ads_api_version_end_timestamp_seconds{v24.0}"] == end_of("v24.0", MARKETING)


def test_versions_of_ads_end_no_later_than_those_of_the_graph() -> None:
    assert all(end_of(name, MARKETING) <= end_of(name, GRAPH) for name in GRAPH)  # type: ignore[operator]  # each has one
    assert end_of("v26.0", MARKETING) is None
    assert is_newer("v26.0", "v9.0")
    assert not is_newer("v25.0", "v25.0")
    assert not is_newer("", "v25.0")


@pytest.mark.parametrize(("scenario", "lacks"), [("missing_scope", 1), ("near_cap", 0)])
async def test_the_token_is_inspected_by_the_app_once_an_hour(
    opened: Open, scenario: str, lacks: int
) -> None:
    async with opened(scenario) as advertiser:
        found = values(await advertiser.probe())
        assert found["facebook_ads_scope_missing{ads_read}"] == lacks
        assert found["token_expiry_timestamp_seconds{access}"] == advertiser.clock.now() + 50 * 24 * HOUR
        assert advertiser.asked == [f"/act_{ACCOUNT}", "/debug_token"]
        assert "|" in advertiser.stage.stand.calls[-1].headers["authorization"]
        await advertiser.probe()
        assert advertiser.asked == [f"/act_{ACCOUNT}"]


async def test_the_id_may_come_with_or_without_its_prefix(opened: Open) -> None:
    async with opened() as advertiser:
        assert (await advertiser.probe(ad_account_id=ACCOUNT)).ok


@pytest.mark.parametrize("alone", [True, False])
async def test_an_app_id_that_is_wrong_is_named(opened: Open, alone: bool) -> None:
    nobody: dict[str, Any] = {"access_token": None, "ad_account_id": "", "tenant": ""} if alone else {}
    async with opened() as advertiser:
        result = await advertiser.probe(app_id="99999", **nobody)
        assert (result.reason, result.detail) == (
            Reason.AUTH,
            "debug_token answered HTTP 400 (code 101: app_id is wrong)",
        )


async def test_the_app_alone_is_checked_where_there_is_neither_token_nor_tenant(opened: Open) -> None:
    async with opened() as advertiser:
        alone = {"access_token": None, "ad_account_id": ""}
        assert (await advertiser.probe("", **alone)).ok
        assert advertiser.asked == ["/debug_token"]
        assert (await advertiser.probe("", **alone, app_secret="another")).reason is Reason.AUTH


@pytest.mark.parametrize(
    ("options", "absent"),
    [
        ({"access_token": None}, "access_token"),
        ({"ad_account_id": ""}, "ad_account_id"),
        ({"access_token": None, "ad_account_id": ""}, "access_token"),
    ],
)
async def test_a_tenant_without_token_or_account_is_not_configured(
    opened: Open, options: dict[str, Any], absent: str
) -> None:
    async with opened() as advertiser:
        result = await advertiser.probe(**options)
        assert result.reason is Reason.NOT_CONFIGURED
        assert absent in result.detail
        assert result.calls == 0


def test_the_environment_of_earlier_systems_names_the_app() -> None:
    assert PROBE.environment == {"app_id": ("FACEBOOK_APP_ID",), "app_secret": ("FACEBOOK_APP_SECRET",)}


def test_the_default_cost_is_far_below_what_meta_allows_for_an_ad_account() -> None:
    options = FacebookAdsOptions(access_token=Secret("x"))
    assert calls(options, 300) == 9_360 + 30
    assert calls(FacebookAdsOptions(), 300) == 8_640
    assert PROBE.allowance is not None
    assert PROBE.allowance.calls == 300 * 24 * 30
    assert calls(options, 10) > PROBE.allowance.calls
    assert calls(options, MONTH) == 3


async def test_the_exposition_of_an_account_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("near_cap", "grace_period", "busy_account", "missing_scope") as advertiser:
        result = await advertiser.probe()
        target = target_of(PROBE, advertiser.stage.options)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target, without=CERTIFICATE_DATES)
        assert text == golden("facebook_ads.txt", text)
