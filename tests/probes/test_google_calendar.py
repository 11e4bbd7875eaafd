import asyncio
import base64
import json
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from exporter.core.network import Network
from exporter.core.probe import MONTH
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import JwtBearer, RefreshToken
from exporter.net.tokens import Tokens
from exporter.probes.google_calendar import PROBE, calls
from exporter.probes.google_calendar.api import KEY
from exporter.probes.google_calendar.options import GoogleCalendarOptions, grant_of, mistakes
from exporter.probes.google_calendar.scopes import CALLS, choose, covers
from exporter.sandbox.google_calendar import OWNER, REFRESH, SHARED, TOKEN, VENDOR, service_account
from exporter.sandbox.harness import Answer, Reply
from tests.clock import HandClock
from tests.probes.day import CERTIFICATE_DATES, SandboxStage, exposed, golden, target_of, values
from tests.probes.vendor_stage import Opener, VendorStage, opener

HOUR = 3600.0
API = "/calendar/v3"
WITHOUT: dict[str, Any] = {"refresh_token": None, "token": None, "service_account": None}
STANDING: dict[str, Any] = {**WITHOUT, "token": TOKEN}
EXPIRY, REFRESHABLE = "token_expiry_timestamp_seconds{access}", "token_refreshable{access}"


class Calendar(VendorStage):
    """A simulated calendar, whose tokens all runs share; refusals stand below `error`."""

    vendor, tested = VENDOR, PROBE
    base = API

    def __init__(self, stage: SandboxStage, network: Network, clock: HandClock) -> None:
        super().__init__(stage, network, clock)
        self.tokens = Tokens(network, clock)

    async def refuse(self, status: int, body: object, path: str = API, **headers: str) -> None:
        await super().refuse(status, {"error": body}, path, **headers)

    async def play(self, scenario: str, on: bool = True) -> None:
        await self.stage.stand.set_scenario(scenario, on)


Open = Opener[Calendar]


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Calendar, network)


# What the guide to errors, the list of error reasons and the sessions of the API name: status, where the
# name stands, the name.
REFUSALS: list[tuple[int, str, str, Reason]] = [
    (401, "errors", "authError", Reason.AUTH),
    (401, "details", "ACCESS_TOKEN_EXPIRED", Reason.AUTH),
    (401, "details", "ACCESS_TOKEN_TYPE_UNSUPPORTED", Reason.AUTH),
    (403, "errors", "insufficientPermissions", Reason.PERMISSION),
    (403, "details", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", Reason.PERMISSION),
    (403, "errors", "accessNotConfigured", Reason.PERMISSION),
    (403, "details", "SERVICE_DISABLED", Reason.PERMISSION),
    (403, "errors", "userRateLimitExceeded", Reason.RATE_LIMITED),
    (403, "errors", "rateLimitExceeded", Reason.RATE_LIMITED),
    (429, "errors", "rateLimitExceeded", Reason.RATE_LIMITED),
    (429, "details", "RATE_LIMIT_EXCEEDED", Reason.RATE_LIMITED),
    (403, "details", "RATE_LIMIT_EXCEEDED", Reason.RATE_LIMITED),
    (403, "errors", "quotaExceeded", Reason.QUOTA),
    (403, "errors", "dailyLimitExceeded", Reason.QUOTA),
    (403, "errors", "forbiddenForNonOrganizer", Reason.PERMISSION),
    (403, "errors", "forbidden", Reason.PERMISSION),
    (404, "errors", "notFound", Reason.NOT_FOUND),
    (409, "errors", "duplicate", Reason.BAD_RESPONSE),
    (410, "errors", "fullSyncRequired", Reason.BAD_RESPONSE),
    (410, "errors", "updatedMinTooLongAgo", Reason.BAD_RESPONSE),
    (412, "errors", "conditionNotMet", Reason.BAD_RESPONSE),
    (400, "errors", "timeRangeEmpty", Reason.BAD_RESPONSE),
    (400, "errors", "badRequest", Reason.BAD_RESPONSE),
    (500, "errors", "backendError", Reason.VENDOR_ERROR),
    (503, "errors", "backendError", Reason.VENDOR_ERROR),
    # Nothing that anybody has listed: the status alone has to do.
    (401, "errors", "", Reason.AUTH),
    (403, "errors", "brandNew", Reason.PERMISSION),
    (429, "errors", "", Reason.RATE_LIMITED),
    (502, "errors", "<b>", Reason.VENDOR_ERROR),
]


async def test_each_documented_refusal_of_the_calendar_has_its_reason(opened: Open) -> None:
    async with opened() as calendar:
        for status, place, name, reason in REFUSALS:
            await calendar.refuse(status, {"code": status, "message": OWNER, place: [{"reason": name}]})
            result = await calendar.probe(**STANDING)
            assert result.reason is reason, (status, place, name, result.detail)
            assert result.samples == ()
            assert OWNER not in result.detail
            assert result.http_status == status


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("defaultPerDayPerProject", Reason.QUOTA),
        ("CalendarReadsPerDayPerProject", Reason.QUOTA),
        ("queries_per_day", Reason.QUOTA),
        ("defaultPerMinutePerProject", Reason.RATE_LIMITED),
        ("defaultPerMinutePerUser", Reason.RATE_LIMITED),
        (7, Reason.RATE_LIMITED),
    ],
)
@pytest.mark.parametrize("status", [403, 429])
async def test_the_calls_of_a_day_are_a_quota_and_those_of_a_minute_a_throttle(
    opened: Open, status: int, limit: object, reason: Reason
) -> None:
    async with opened() as calendar:
        info = {"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit": limit, "service": "c"}}
        await calendar.refuse(status, {"code": status, "details": [{"metadata": None}, 7, info]})
        result = await calendar.probe(**STANDING)
        assert result.reason is reason
        assert ("of a day" in result.detail) is (reason is Reason.QUOTA)


async def test_a_limit_of_a_day_beside_another_refusal_decides_nothing(opened: Open) -> None:
    async with opened() as calendar:
        info = {"reason": "SERVICE_DISABLED", "metadata": {"quota_limit": "defaultPerDayPerProject"}}
        await calendar.refuse(403, {"details": [info]})
        assert (await calendar.probe(**STANDING)).reason is Reason.PERMISSION


async def test_the_more_special_reason_of_two_decides_and_both_are_shown(opened: Open) -> None:
    async with opened() as calendar:
        both = {"errors": [{"reason": "forbidden"}], "details": [{}, {"reason": "RATE_LIMIT_EXCEEDED"}, 7]}
        await calendar.refuse(403, both)
        result = await calendar.probe(**STANDING)
        assert result.reason is Reason.RATE_LIMITED
        assert "RATE_LIMIT_EXCEEDED, forbidden: too many calls for this project" in result.detail


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": "invalid_grant"}, Reason.AUTH),
        (400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}, Reason.AUTH),
        (401, {"error": "invalid_client"}, Reason.AUTH),
        (401, {"error": "unauthorized_client"}, Reason.PERMISSION),
        (400, {"error": "invalid_scope"}, Reason.PERMISSION),
        (403, {"error": "access_denied"}, Reason.PERMISSION),
        (500, {"error": "internal_failure"}, Reason.VENDOR_ERROR),
        (503, {"error": "temporarily_unavailable"}, Reason.VENDOR_ERROR),
        (400, {"error": "server_error"}, Reason.VENDOR_ERROR),
        (429, {}, Reason.RATE_LIMITED),
    ],
)
async def test_each_documented_refusal_of_a_refresh_has_its_reason(
    opened: Open, status: int, body: dict[str, str], reason: Reason
) -> None:
    async with opened() as calendar:
        await calendar.stage.stand.set_fault(None, answer=Answer(Reply(status, body), "/token"))
        result = await calendar.probe()
        assert result.reason is reason, result.detail
        assert calendar.asked == ["/token"]


@pytest.mark.parametrize(
    ("scenario", "call", "path"),
    [
        ("read_only_scope", "events", "/calendars/primary/events"),
        ("freebusy_scope", "free_busy", "/freeBusy"),
        ("calendars_scope", "calendar", "/calendars/primary"),
        ("list_scope", "calendar_list", "/users/me/calendarList"),
        ("settings_scope", "settings", "/users/me/settings"),
        ("app_created_scope", "colors", "/colors"),
    ],
)
async def test_the_call_is_one_that_the_granted_scopes_allow(
    opened: Open, scenario: str, call: str, path: str
) -> None:
    async with opened(scenario) as calendar:
        result = await calendar.probe()
        assert result.ok, result.detail
        assert values(result)[f"google_calendar_call_info{{{call}}}"] == 1
        assert calendar.asked == ["/token", "/tokeninfo", path]
        sent = calendar.stage.stand.calls[-1]
        assert sent.method == "POST" or "kind" in sent.one("fields")


async def test_a_token_for_some_calendars_reaches_the_one_that_is_named(opened: Open) -> None:
    async with opened("app_created_scope") as calendar:
        result = await calendar.probe(calendar_id=SHARED)
        assert values(result)["google_calendar_call_info{events}"] == 1
        assert (await calendar.probe(calendar_id="gone@group.calendar.google.com")).reason is Reason.NOT_FOUND


async def test_a_token_without_any_scope_of_the_calendar_calls_nothing_and_says_what_is_missing(
    opened: Open,
) -> None:
    async with opened("no_calendar_scope") as calendar:
        result = await calendar.probe()
        assert result.reason is Reason.PERMISSION
        assert calendar.asked == ["/token", "/tokeninfo"]
        assert values(result)["google_calendar_scope_missing{calendar.events}"] == 1


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_scope_of_a_call_alone_is_enough_for_some_call(call: Any) -> None:
    for scope in call.scopes | call.named:
        assert choose({scope}, named=True)
        assert choose({scope, "openid"}, named=False)


def test_scopes_that_stand_for_others_cover_them() -> None:
    assert covers({"calendar"}, "calendar.events")
    assert covers({"calendar.events"}, "calendar.events.readonly")
    assert covers({"calendar.events"}, "calendar.events.owned")
    assert covers({"calendar.readonly"}, "calendar.freebusy")
    assert covers({"calendar.readonly"}, "calendar.events.readonly")
    assert covers({"calendar.events.readonly"}, "calendar.events.freebusy")
    assert not covers({"calendar.readonly"}, "calendar.events")
    assert not covers({"calendar.events.readonly"}, "calendar.events.owned")
    assert not covers({"calendar.events"}, "calendar.settings.readonly")
    assert not covers(set(), "calendar.events.readonly")


async def test_each_scope_that_the_platform_needs_is_reported_by_its_short_name(opened: Open) -> None:
    async with opened("read_only_scope") as calendar:
        wanted = ["calendar.events", "https://www.googleapis.com/auth/calendar.events.readonly"]
        found = values(await calendar.probe(scopes=wanted))
        assert found["google_calendar_scope_missing{calendar.events}"] == 1
        assert found["google_calendar_scope_missing{calendar.events.readonly}"] == 0


@pytest.mark.parametrize(
    ("scenario", "role", "too_low"),
    [(None, "owner", 0.0), ("reader_role", "reader", 1.0), ("unlisted_role", "other", None)],
)
async def test_the_role_on_the_calendar_is_compared_with_the_one_needed(
    opened: Open, scenario: str | None, role: str, too_low: float | None
) -> None:
    async with opened(*filter(None, [scenario])) as calendar:
        found = values(await calendar.probe())
        assert found[f"google_calendar_access_info{{{role}}}"] == 1
        assert found.get("google_calendar_access_too_low") == too_low
        assert "google_calendar_access_too_low" not in values(await calendar.probe(access_role=""))


async def test_a_role_that_is_not_reported_is_unknown_and_drift(opened: Open) -> None:
    async with opened("unknown_role") as calendar:
        result = await calendar.probe()
        assert (result.ok, result.drift) == (True, ("accessRole",))
        assert not [name for name in values(result) if "access_" in name and "token" not in name]


async def test_the_token_is_fetched_once_and_inspected_once_an_hour(opened: Open) -> None:
    async with opened() as calendar:
        found = values(await calendar.probe())
        assert calendar.asked == ["/token", "/tokeninfo", "/calendars/primary/events"]
        assert found[EXPIRY] == pytest.approx(calendar.clock.now() + 3599)
        assert found[REFRESHABLE] == 1
        await calendar.clock.advance(300)
        await calendar.probe()
        assert calendar.asked == ["/calendars/primary/events"]
        await calendar.clock.advance(HOUR)
        await calendar.probe()
        assert calendar.asked == ["/token", "/tokeninfo", "/calendars/primary/events"]


async def test_a_token_from_memory_that_is_refused_is_replaced_once(opened: Open) -> None:
    async with opened() as calendar:
        await calendar.probe()
        await calendar.clock.advance(300)
        await calendar.play("expired_token")
        assert (await calendar.probe()).ok
        assert calendar.asked == ["/calendars/primary/events", "/token", "/calendars/primary/events"]
        # One that was just fetched and is refused would be so again.
        await calendar.refuse(401, {"errors": [{"reason": "authError"}]})
        await calendar.clock.advance(HOUR)
        assert (await calendar.probe()).reason is Reason.AUTH
        assert calendar.asked == ["/token", "/tokeninfo", "/calendars/primary/events"]


async def test_a_token_that_the_inspection_refuses_is_replaced_too(opened: Open) -> None:
    async with opened() as calendar:
        await calendar.probe()
        await calendar.clock.advance(300)
        await calendar.play("expired_token")
        del calendar.answers[KEY]
        assert (await calendar.probe()).ok
        assert calendar.asked == ["/tokeninfo", "/token", "/tokeninfo", "/calendars/primary/events"]


async def test_a_token_that_stands_is_never_refreshed_and_its_nearing_end_alarms_nobody(opened: Open) -> None:
    async with opened() as calendar:
        found = values(await calendar.probe(**STANDING))
        assert calendar.asked == ["/tokeninfo", "/calendars/primary/events"]
        assert found[EXPIRY] == pytest.approx(calendar.clock.now() + 3599, abs=1)
        assert REFRESHABLE not in found
        await calendar.play("expired_token")
        await calendar.clock.advance(2 * HOUR)
        result = await calendar.probe(**STANDING)
        assert result.reason is Reason.AUTH
        assert calendar.asked == ["/tokeninfo"]
        assert values(result)[REFRESHABLE] == 0, "its end is past: now a person has to help"
        assert values(result)[EXPIRY] < calendar.clock.now()


async def test_a_calendar_is_connected_while_nobody_can_tell_what_its_token_is(opened: Open) -> None:
    async with opened("no_token_info") as calendar:
        result = await calendar.probe()
        assert result.ok
        assert values(result)["google_calendar_call_info{events}"] == 1
        assert not [name for name in values(result) if "scope_missing" in name]
        await calendar.play("no_token_info", on=False)
        assert "google_calendar_scope_missing{calendar.events}" in values(await calendar.probe())
        await calendar.play("no_token_info")
        await calendar.clock.advance(2 * HOUR)
        # What was learnt before still holds.
        assert "google_calendar_scope_missing{calendar.events}" in values(await calendar.probe())


async def test_an_inspection_that_never_answers_leaves_the_calendar_its_time(opened: Open) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, opened() as calendar:
        result = await calendar.probe(timeout=4.8, tokeninfo_url=f"http://127.0.0.1:{port}/tokeninfo")
        assert result.ok, result.detail
        assert values(result)["google_calendar_call_info{events}"] == 1


async def test_odd_fields_of_the_inspection_are_unknown_and_drift(opened: Open) -> None:
    async with opened("odd_token_info") as calendar:
        result = await calendar.probe(**STANDING)
        assert result.ok
        assert sorted(result.drift) == ["exp", "scope"]
        assert EXPIRY not in values(result)


@pytest.mark.parametrize("scenario", ["free_busy_error", "freebusy_scope"])
async def test_an_error_within_an_answer_of_200_is_one(opened: Open, scenario: str) -> None:
    async with opened("freebusy_scope", scenario) as calendar:
        result = await calendar.probe()
        assert result.reason is (Reason.NOT_FOUND if scenario == "free_busy_error" else None)


@pytest.mark.parametrize("path", ["/calendars", "/freeBusy"])
async def test_an_answer_without_its_fields_is_none(opened: Open, path: str) -> None:
    async with opened(*(["freebusy_scope"] if path == "/freeBusy" else [])) as calendar:
        bodies: tuple[Any, ...] = ({}, [], {"kind": "calendar#freeBusy"})
        for body in bodies:
            await calendar.stage.stand.set_fault(None, answer=Answer(Reply(body=body), f"{API}{path}"))
            result = await calendar.probe(**STANDING)
            whole = path == "/calendars" and "kind" in body
            assert result.reason is (None if whole else Reason.BAD_RESPONSE)


@pytest.mark.parametrize(
    ("scenario", "reason", "word"),
    [
        ("dead_refresh_token", Reason.AUTH, "invalid_grant"),
        ("session_policy", Reason.AUTH, "invalid_grant"),
        ("user_rate_limit", Reason.RATE_LIMITED, "userRateLimitExceeded"),
        ("project_rate_limit", Reason.RATE_LIMITED, "RATE_LIMIT_EXCEEDED"),
        ("usage_limit", Reason.QUOTA, "quota"),
        ("daily_limit", Reason.QUOTA, "quota"),
        ("api_disabled", Reason.PERMISSION, "not enabled"),
        ("lost_calendar", Reason.NOT_FOUND, "no such calendar"),
        ("forbidden_calendar", Reason.PERMISSION, "may not"),
        ("backend_error", Reason.VENDOR_ERROR, "backendError"),
    ],
)
async def test_a_trouble_of_the_connection_has_its_reason(
    opened: Open, scenario: str, reason: Reason, word: str
) -> None:
    async with opened(scenario, "chatty_errors") as calendar:
        result = await calendar.probe()
        assert result.reason is reason
        assert word in result.detail


async def test_a_service_account_signs_in_by_an_assertion_for_its_subject(opened: Open) -> None:
    async with opened() as calendar:
        options = {**WITHOUT, "service_account": service_account(), "subject": OWNER, "calendar_id": SHARED}
        result = await calendar.probe(**options)
        assert result.ok, result.detail
        assert calendar.asked == ["/token", "/tokeninfo", f"/calendars/{SHARED}/events"]
        form = parse_qs(calendar.stage.stand.calls[0].body.decode())
        claims = jwt.decode(form["assertion"][0], options={"verify_signature": False})
        assert claims["sub"] == OWNER
        assert claims["scope"] == "https://www.googleapis.com/auth/calendar.events"
        # The key names another endpoint, which nobody is to choose but the operator.
        assert claims["aud"] == calendar.stage.options["token_url"]


async def test_a_service_account_without_delegation_lacks_a_permission(opened: Open) -> None:
    async with opened("refused_delegation") as calendar:
        result = await calendar.probe(**{**WITHOUT, "service_account": service_account()})
        assert result.reason is Reason.PERMISSION
        key = json.loads(service_account())["private_key"]
        assert key[60:90] not in repr((result, calendar.answers))


async def test_the_client_alone_is_tried_where_there_is_neither_token_nor_tenant(opened: Open) -> None:
    async with opened() as calendar:
        result = await calendar.probe("", **WITHOUT)
        assert (result.ok, result.samples, result.http_status) == (True, (), None)
        assert calendar.asked == ["/token"]
        assert REFRESH not in calendar.stage.stand.calls[0].body.decode()
        wrong = await calendar.probe("", **WITHOUT, client_secret="another")
        assert wrong.reason is Reason.AUTH
        assert "client_secret" in wrong.detail
        await calendar.play("restricted_app")
        assert (await calendar.probe("", **WITHOUT)).reason is Reason.PERMISSION


@pytest.mark.parametrize(
    ("tenant", "options", "absent"),
    [
        ("acme", WITHOUT, "refresh_token"),
        ("acme", {"client_id": ""}, "client_id"),
        ("acme", {"client_secret": None}, "client_secret"),
        ("", {**WITHOUT, "client_id": "", "client_secret": None}, "client_id and no client_secret"),
        ("", {**WITHOUT, "client_secret": None}, "client_secret"),
        ("acme", {**WITHOUT, "service_account": "planted-4242"}, "service_account"),
    ],
)
async def test_half_a_credential_is_not_configured_and_calls_nobody(
    opened: Open, tenant: str, options: dict[str, Any], absent: str
) -> None:
    async with opened() as calendar:
        result = await calendar.probe(tenant, **options)
        assert result.reason is Reason.NOT_CONFIGURED
        assert absent in result.detail
        assert result.calls == 0
        assert result.samples == result.facts == ()


def _options(**given: Any) -> GoogleCalendarOptions:
    secret = {"client_secret", "token", "refresh_token", "service_account"}
    typed: dict[str, Any] = {
        name: Secret(value) if name in secret else value for name, value in given.items()
    }
    return GoogleCalendarOptions(**typed)


def test_the_grant_is_that_of_the_credential() -> None:
    client = {"client_id": "c", "client_secret": "s"}
    refresh = grant_of(_options(**client, refresh_token="r", token="t"))
    assert isinstance(refresh, RefreshToken)
    assert (refresh.client_id, refresh.refresh_token, refresh.access_token) == ("c", Secret("r"), Secret("t"))
    bearer = grant_of(_options(service_account=service_account(), subject=OWNER))
    assert isinstance(bearer, JwtBearer)
    assert bearer.scopes == ("https://www.googleapis.com/auth/calendar.readonly",)
    assert grant_of(_options(token="t", **client)) is None
    assert grant_of(_options(refresh_token="r", client_id="c")) is None
    assert grant_of(_options(service_account="[]")) is None
    assert PROBE.grant is grant_of


def test_options_that_contradict_one_another_are_mistakes() -> None:
    assert mistakes(_options(refresh_token="r", client_id="c", client_secret="s")) == []
    assert mistakes(_options(service_account=service_account(), subject=OWNER)) == []
    for odd, begins in (
        (_options(service_account="planted-4242"), "service_account is no"),
        (_options(service_account=service_account(), token="t"), "service_account and a token"),
        (_options(subject=OWNER), "subject"),
        (_options(scopes=("calendar.events", "drive")), "scopes"),
    ):
        (found,) = mistakes(odd)
        assert found.startswith(begins)
        assert "; " in found
        assert "planted" not in found


def test_the_environment_of_earlier_systems_names_the_client() -> None:
    assert PROBE.environment == {
        "client_id": ("GOOGLE_CLIENT_ID",),
        "client_secret": ("GOOGLE_CLIENT_SECRET",),
    }


def test_the_cost_is_what_the_docstring_says_and_below_what_google_allows() -> None:
    refreshed = _options(refresh_token="r", client_id="c", client_secret="s")
    assert round(calls(refreshed, 300)) == 10_170
    assert calls(_options(token="t"), 300) == 9_360
    assert calls(_options(client_id="c", client_secret="s"), 300) == 8_640
    assert calls(refreshed, MONTH) == 3
    assert PROBE.allowance is not None
    assert PROBE.allowance.calls == 10_000 * 60 * 24 * 30
    assert 10_000 * calls(refreshed, 300) < PROBE.allowance.calls


async def test_no_secret_shows_in_any_dress_however_chatty_google_is(opened: Open) -> None:
    async with opened("chatty_errors", "dead_refresh_token", "expired_token") as calendar:
        results = [await calendar.probe(), await calendar.probe(**STANDING)]
        text = repr((results, calendar.answers))
        assert TOKEN not in text
        assert base64.b64encode(REFRESH.encode()).decode().rstrip("=") not in text
        assert [result.reason for result in results] == [Reason.AUTH, Reason.AUTH]


async def test_the_exposition_of_a_connection_in_trouble_is_the_golden_one(opened: Open) -> None:
    async with opened("read_only_scope", "reader_role") as calendar:
        result = await calendar.probe()
        target = target_of(PROBE, calendar.stage.options)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target, without=CERTIFICATE_DATES)
        assert text == golden("google_calendar.txt", text)
