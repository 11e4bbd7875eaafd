"""A text message goes by the first account that takes it, and what no account can take ends at once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from exporter.actions._text_vendors import TextFate, TwilioVendor, vendors
from exporter.actions.sms import ACTION, SmsAction
from exporter.core.action import ActionKit
from exporter.core.delivery import Delivery, GiveUp, Receipt, RetryLater
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.sms import Sms, TwilioAccount
from exporter.core.text_message import SMS, TextBody
from exporter.net.network import LoopNetwork
from tests.servers.ports import free_port
from tests.servers.text_vendors import (
    FROM,
    SECOND_SID,
    SID,
    TOKEN,
    SentText,
    TextVendors,
    sms_settings,
    text_vendors,
)

NOW = 1_795_000_000.0
TO = "+491701234567"


@dataclass
class Notes:
    """Where the action notes what vendors say."""

    settings: Sms | None
    accepted: list[tuple[str, str, str]] = field(default_factory=list)
    failures: list[tuple[str, str, bool]] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    async def account_of(self, delivery: str) -> str:
        return self.known.get(delivery, "")

    async def note_accepted(self, delivery: str, account: str, sid: str) -> None:
        self.accepted.append((delivery, account, sid))

    def note_failure(self, account: str, reason: str, *, uncertain: bool) -> None:
        self.failures.append((account, str(reason), uncertain))


@dataclass
class Post:
    """An action, what it notes, and the vendors that it reaches."""

    action: SmsAction
    notes: Notes
    vendors: TextVendors

    async def send(self, actor: str = "", **more: Any) -> Receipt:
        body = TextBody(to=TO, text="CRITICAL payments: IntegrationDown: x", **more).encode()
        return await self.action.run(Delivery("sms/x/1/1/p", SMS, SMS, body, NOW, NOW + 60, actor=actor))


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    network = LoopNetwork()
    async with text_vendors() as made:
        notes = Notes(sms_settings(made.url))
        kit = ActionKit(network, lambda _: None, lambda _: None, lambda: NOW, texts=lambda: notes)
        yield Post(ACTION(kit), notes, made)
    await network.close()


async def test_the_first_account_takes_it(post: Post) -> None:
    receipt = await post.send()
    assert receipt == Receipt(201, "taken by twilio", post.vendors.url)
    assert post.vendors.sent == [SentText(SID, TO, "CRITICAL payments: IntegrationDown: x")]
    assert post.notes.accepted == [("sms/x/1/1/p", "twilio", f"SM{1:032x}")]
    assert post.notes.failures == [] and post.vendors.refused == []


async def test_what_an_account_is_known_to_have_goes_out_again_only_where_somebody_asks(post: Post) -> None:
    post.notes.known["sms/x/1/1/p"] = "twilio"
    assert await post.send() == Receipt(detail="taken by twilio before")
    assert post.vendors.sent == [] and post.notes.accepted == []
    assert (await post.send(actor="ada")).status == 201
    assert len(post.vendors.sent) == 1


@pytest.mark.parametrize(
    ("status", "code", "calls", "reason"),
    [
        (500, 20500, 2, "vendor_error"),
        (503, None, 2, "vendor_error"),
        (429, 20429, 2, "rate_limited"),
        (401, 20003, 1, "auth"),
        (403, 20005, 1, "account"),
        (403, 70051, 1, "permission"),
        (400, 21606, 1, "not_configured"),
        (400, 21608, 1, "permission"),
        (400, "no number", 1, "bad_response"),
    ],
)
async def test_what_is_busy_is_asked_once_more_and_then_the_second_account_takes_it(
    post: Post, status: int, code: object, calls: int, reason: str
) -> None:
    post.vendors.answers[SID] = (status, code)
    post.vendors.headers["Retry-After"] = "0"
    assert (await post.send()).detail == "taken by fallback"
    assert post.vendors.calls == {SID: calls, SECOND_SID: 1}
    assert post.notes.failures == [("twilio", reason, False)]


async def test_who_asks_for_a_long_wait_is_passed_over(post: Post) -> None:
    post.vendors.answers[SID] = (429, 20429)
    post.vendors.headers["Retry-After"] = "60"
    assert (await post.send()).detail == "taken by fallback"
    assert post.vendors.calls[SID] == 1


async def test_both_accounts_down_leave_it_to_amazon(post: Post) -> None:
    post.vendors.answers |= {SID: (500, 20500), SECOND_SID: (401, 20003)}
    post.vendors.headers["Retry-After"] = "0"
    assert (await post.send()).detail == "taken by sns"
    assert post.vendors.sent == [SentText("sns", TO, "CRITICAL payments: IntegrationDown: x")]
    assert post.notes.accepted == [("sms/x/1/1/p", "sns", "567910cd-659e-55d4-8ccb-5aaf14679dc0")]
    assert post.vendors.refused == []


async def test_an_account_that_cannot_be_reached_is_no_reason_to_wait(post: Post) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    away = sms_settings(nobody)
    there = sms_settings(post.vendors.url)
    post.notes.settings = sms_settings(nobody, {"twilio": away.twilio, "sns": there.sns})
    assert (await post.send()).detail == "taken by sns"
    # Nothing went out, so nothing can have been taken.
    assert post.notes.failures == [("twilio", "connect", False), ("fallback", "connect", False)]


async def test_where_no_answer_came_the_next_account_sends_it_and_the_doubt_is_counted(post: Post) -> None:
    post.vendors.silent.add(SID)
    assert (await post.send()).detail == "taken by fallback"
    assert [one.account for one in post.vendors.sent] == [SID, SECOND_SID]
    assert post.notes.failures == [("twilio", "connect", True)]


@pytest.mark.parametrize("code", [21211, 21614, 21610])
async def test_a_number_that_can_get_none_ends_it_at_once(post: Post, code: int) -> None:
    post.vendors.answers[SID] = (400, code)
    with pytest.raises(GiveUp) as found:
        await post.send()
    assert (found.value.reason, found.value.status) == (Reason.NOT_FOUND, 400)
    assert post.vendors.calls == {SID: 1}
    assert TO not in str(found.value)


async def test_amazon_says_so_in_its_own_words(post: Post) -> None:
    post.vendors.answers["sns"] = (400, "InvalidParameter")
    with pytest.raises(GiveUp) as found:
        await post.send(tried=("twilio", "fallback"))
    assert found.value.reason == Reason.NOT_FOUND
    post.vendors.answers["sns"] = (403, "AuthorizationError")
    with pytest.raises(RetryLater) as later:
        await post.send(tried=("twilio", "fallback"))
    assert (later.value.reason, later.value.detail) == (
        Reason.PERMISSION,
        "SNS answered HTTP 403 (AuthorizationError)",
    )


async def test_what_no_account_takes_is_tried_again_later(post: Post) -> None:
    post.vendors.answers |= {SID: (500, 1), SECOND_SID: (500, 1), "sns": (500, "InternalError")}
    post.vendors.headers["Retry-After"] = "0"
    with pytest.raises(RetryLater) as found:
        await post.send()
    assert found.value.reason == Reason.VENDOR_ERROR
    assert [account for account, *_ in post.notes.failures] == ["twilio", "fallback", "sns"]


async def test_what_is_about_twilio_goes_the_other_way_round(post: Post) -> None:
    assert (await post.send(about="twilio")).detail == "taken by sns"
    post.notes.settings = sms_settings(post.vendors.url, sns=False)
    assert (await post.send(about="twilio")).detail == "taken by fallback"
    assert (await post.send(about="stripe")).detail == "taken by twilio"


async def test_accounts_that_did_not_bring_it_to_the_phone_are_left_out(post: Post) -> None:
    assert (await post.send(tried=("twilio",))).detail == "taken by fallback"
    with pytest.raises(GiveUp):
        await post.send(tried=("twilio", "fallback", "sns"))


def test_without_an_account_messages_wait(post: Post) -> None:
    assert post.action.limits(SMS) is not None and post.action.limits("other") is None
    post.notes.settings = sms_settings(post.vendors.url, {"twilio": None})
    assert post.action.limits(SMS) is None
    post.notes.settings = None
    assert post.action.limits(SMS) is None


def test_amazon_without_keys_of_ours_is_no_way_of_ours() -> None:
    settings = sms_settings("http://127.0.0.1:1")
    role = sms_settings("http://127.0.0.1:1", sns=False)
    network = LoopNetwork()
    assert [one.name for one in vendors(settings, network)] == ["twilio", "fallback", "sns"]
    assert [one.name for one in vendors(role, network)] == ["twilio", "fallback"]


@pytest.mark.parametrize(
    ("fate", "found"),
    [
        (("delivered", None), (True, "", False)),
        (("read", None), (True, "", False)),
        (("queued", None), (None, "", False)),
        (("sent", None), (None, "", False)),
        (("undelivered", 30003), (False, "vendor_error", False)),
        (("undelivered", 30005), (False, "not_found", True)),
        (("failed", "30007"), (False, "vendor_error", False)),
        (("failed", 63038), (False, "quota", False)),
        (("failed", None), (False, "vendor_error", False)),
        (("of another version", None), (None, "", False)),
    ],
)
async def test_what_became_of_it_is_read_from_the_message(
    post: Post, fate: tuple[str, int | None], found: tuple[bool | None, str, bool]
) -> None:
    post.vendors.fates[SID] = fate
    settings = post.notes.settings
    assert settings is not None
    first = vendors(settings, post.action.kit.network)[0]
    assert isinstance(first, TwilioVendor)
    fated: TextFate = await first.ask(f"SM{1:032x}", NOW)
    assert (fated.delivered, fated.reason, fated.final) == found


class _Recorder(HttpClient):  # type: ignore[misc]  # the library has no types
    """Keeps what Twilio's own library would have sent."""

    def __init__(self) -> None:
        self.seen: tuple[Any, ...] = ()

    def request(
        self, method: str, url: str, params: Any = None, data: Any = None, *rest: Any, **more: Any
    ) -> Any:
        self.seen = method, url, data, more.get("auth") or rest[1]
        return Response(400, '{"code": 21211, "message": "planted", "status": 400}')


async def test_it_asks_as_the_library_of_twilio_does(post: Post) -> None:
    recorder = _Recorder()
    client = Client(SID, TOKEN, http_client=recorder)
    with pytest.raises(TwilioRestException):
        client.messages.create(to=TO, from_=FROM, body="text")
    method, url, data, auth = recorder.seen
    vendor = TwilioVendor(
        "twilio",
        TwilioAccount(account_sid=SID, auth_token=Secret(TOKEN), sender=FROM),
        post.action.kit.network,
        TlsOptions(),
    )
    form = (("To", TO), ("From", FROM), ("Body", "text"))
    ours = vendor._request("Messages.json", "POST", form)
    assert (ours.method, ours.url) == (method.upper(), url)
    assert dict(form) == {name: value for name, value in data.items() if value is not None}
    assert auth == (SID, TOKEN)
