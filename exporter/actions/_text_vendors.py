"""What takes a text message: accounts of Twilio, and Amazon SNS, each with its own words for a refusal.

Twilio: www.twilio.com/docs/messaging/api/message-resource and /docs/api/errors. SNS: Publish of
docs.aws.amazon.com/sns/latest/api.
"""

import asyncio
import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from exporter.actions._sigv4 import sign
from exporter.core.body import json_of, text_of
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Header, Network, Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.sms import Sms, Sns, TwilioAccount
from exporter.core.text_message import AMAZON, FIRST, SECOND
from exporter.net import url as urls
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status

TIMEOUT = 8.0
"""Seconds for one request: a message has to try three accounts while somebody waits for it."""

MOST_ANSWER = 64 << 10

# 21610: the recipient has answered STOP. The others are no number, or one that gets no text message.
_BAD_NUMBER = frozenset({21211, 21217, 21401, 21610, 21614})
# Of a message that was taken: blocked, unknown, a landline, opted out.
_UNREACHABLE = frozenset({30004, 30005, 30006, 21610})
_REASONS = {
    **dict.fromkeys((20003, 20104), Reason.AUTH),
    **dict.fromkeys((20005, 10001, 20403, 30002), Reason.ACCOUNT),
    **dict.fromkeys((20008, 21212, 21606, 21603), Reason.NOT_CONFIGURED),
    **dict.fromkeys((70051, 21408, 21608), Reason.PERMISSION),
    **dict.fromkeys((20429, 21611, 30001, 63017, 63018), Reason.RATE_LIMITED),
    30010: Reason.QUOTA,
    63038: Reason.QUOTA,
    **dict.fromkeys(_BAD_NUMBER | _UNREACHABLE, Reason.NOT_FOUND),
}
_SNS_CODE = re.compile(r"<Code>([A-Za-z]{1,64})</Code>|\"code\"\s*:\s*\"([A-Za-z]{1,64})\"", re.IGNORECASE)
_SNS_BAD_NUMBER = frozenset({"invalidparameter", "invalidparametervalue", "optedout"})
_SNS_THROTTLED = frozenset({"throttling", "throttled", "throttledexception", "throttlingexception"})
_MESSAGE_ID = re.compile(r"<MessageId>([0-9A-Za-z-]{1,64})</MessageId>")
_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")


class TextRefusal(Exception):
    """A vendor did not take a message.

    `final`: no account can, since the number itself is at fault. `passing`: the same account may take it in
    a moment. `uncertain`: it may have taken it. `after` are seconds that it asked to wait.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        status: int | None = None,
        *,
        final: bool = False,
        passing: bool = False,
        uncertain: bool = False,
        after: float | None = None,
    ) -> None:
        """Say why, without number, text and credential."""
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.status, self.after = reason, detail, status, after
        self.final, self.passing, self.uncertain = final, passing, uncertain


@dataclass(frozen=True)
class AcceptedText:
    """What a vendor said when it took a message: its own name for it, and the HTTP status."""

    sid: str
    status: int


@dataclass(frozen=True)
class TextFate:
    """How a message that was taken does: `delivered` None while it is under way, or where nobody will say."""

    delivered: bool | None
    word: str
    reason: str = ""
    detail: str = ""
    final: bool = False


@dataclass(frozen=True)
class TwilioVendor:
    """One account of Twilio."""

    name: str
    account: TwilioAccount
    network: Network
    tls: TlsOptions

    @property
    def place(self) -> str:
        """Where it is asked, for people."""
        return _origin(self.account.base_url)

    async def send(self, to: str, text: str, now: float) -> AcceptedText:
        """Send one message; TextRefusal where it is not taken."""
        service = self.account.messaging_service_sid
        sender = ("MessagingServiceSid", service) if service else ("From", self.account.sender)
        form: tuple[Header, ...] = (("To", to), sender, ("Body", text))
        answer = await _call(self.network, self._request("Messages.json", "POST", form))
        if not 200 <= answer.status < 300:
            raise _twilio_refusal(answer, now)
        return AcceptedText(_sid(answer), answer.status)

    async def ask(self, sid: str, now: float) -> TextFate:
        """Return how a message does that this account took; TextRefusal where that cannot be known now."""
        if not _SID.fullmatch(sid):
            return TextFate(None, "sent")
        answer = await _call(self.network, self._request(f"Messages/{sid}.json", "GET"))
        if answer.status != 200:
            raise _twilio_refusal(answer, now)
        return _fate(_object(answer))

    def _request(self, path: str, method: str, form: tuple[Header, ...] = ()) -> Request:
        account = self.account
        token = account.auth_token.reveal() if account.auth_token else ""
        pair = base64.b64encode(f"{account.account_sid}:{token}".encode()).decode()
        return Request(
            f"{account.base_url.rstrip('/')}/2010-04-01/Accounts/{account.account_sid}/{path}",
            method,
            auth=(("Authorization", Secret(f"Basic {pair}")),),
            form=form,
            tls=self.tls,
            # A connection for each: whether a request went out on it is then certain.
            reuse=False,
            max_body=MOST_ANSWER,
        )


@dataclass(frozen=True)
class SnsVendor:
    """Amazon SNS, which says of no message what became of it."""

    account: Sns
    network: Network
    tls: TlsOptions
    name: str = AMAZON

    @property
    def place(self) -> str:
        """Where it is asked, for people."""
        return _origin(self.account.url)

    async def send(self, to: str, text: str, now: float) -> AcceptedText:
        """Publish one message; TextRefusal where it is not taken."""
        kind = "MessageAttributes.entry.1"
        fields = {
            **{"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": to, "Message": text},
            # Without it SNS takes the cheapest way, not the one that arrives.
            **{f"{kind}.Name": "AWS.SNS.SMS.SMSType", f"{kind}.Value.DataType": "String"},
            f"{kind}.Value.StringValue": "Transactional",
        }
        body, url = urlencode(fields).encode(), urls.parse(self.account.url)
        keys = (self.account.access_key, self.account.secret_key or Secret(""))
        headers = sign(body, (url.authority, url.target), now, self.account.region, "sns", keys)
        request = Request(
            str(url), "POST", headers=headers, body=body, tls=self.tls, reuse=False, max_body=MOST_ANSWER
        )
        answer = await _call(self.network, request)
        if not 200 <= answer.status < 300:
            raise _sns_refusal(answer, now)
        found = _MESSAGE_ID.search(text_of(answer, MOST_ANSWER))
        return AcceptedText(found[1] if found else "", answer.status)

    async def ask(self, sid: str, now: float) -> TextFate:
        """Return that it was sent: SNS writes receipts into logs of its own alone."""
        del sid, now
        return TextFate(None, "sent")


TextVendor = TwilioVendor | SnsVendor


def vendors(settings: Sms, network: Network, about: str = "") -> list[TextVendor]:
    """Return what is configured in the order in which it is tried.

    What alerts say of Twilio itself goes by SNS, or else by the second account first.
    """
    found: list[TextVendor] = list(_configured(settings, network))
    return found[::-1] if about == "twilio" else found


def _configured(settings: Sms, network: Network) -> Iterator[TextVendor]:
    twilio, sns = settings.twilio, settings.sns
    if twilio is not None:
        yield TwilioVendor(FIRST, twilio, network, settings.tls)
        if twilio.fallback is not None:
            yield TwilioVendor(SECOND, twilio.fallback, network, settings.tls)
    if sns is not None and sns.access_key and sns.secret_key:
        yield SnsVendor(sns, network, settings.tls)


async def _call(network: Network, request: Request) -> Answer:
    trace = Trace()
    try:
        async with asyncio.timeout(TIMEOUT):
            return await network.call(request, trace)
    except TimeoutError:
        raise _unanswered(
            Reason.TIMEOUT, f"no complete answer within {TIMEOUT:g} s", request, trace
        ) from None
    except ProbeError as error:
        raise _unanswered(error.reason, error.detail, request, trace) from None


def _unanswered(reason: Reason, detail: str, request: Request, trace: Trace) -> TextRefusal:
    # What went out may have been taken; before the connection stood, nothing did.
    last = "tls" if request.url.startswith("https:") else "connect"
    sent = last in trace.phases
    return TextRefusal(reason, detail, trace.http_status, uncertain=sent, passing=not sent)


def _twilio_refusal(answer: Answer, now: float) -> TextRefusal:
    code = _code(_object(answer).get("code"))
    # Its own message is left out: it repeats numbers and SIDs.
    detail = f"Twilio answered HTTP {answer.status}" + (f" (code {code})" if code else "")
    reason = reason_of_status(answer.status) or Reason.BAD_RESPONSE
    if answer.status < 500:
        reason = _REASONS.get(code, reason)
    return TextRefusal(
        reason,
        detail,
        answer.status,
        final=answer.status < 500 and code in _BAD_NUMBER,
        passing=answer.status >= 500 or reason is Reason.RATE_LIMITED,
        after=pause_of(answer.headers, now),
    )


def _sns_refusal(answer: Answer, now: float) -> TextRefusal:
    found = _SNS_CODE.search(text_of(answer, MOST_ANSWER))
    code = (found[1] or found[2]) if found else ""
    throttled = code.lower() in _SNS_THROTTLED
    reason = reason_of_status(answer.status) or Reason.BAD_RESPONSE
    bad_number = answer.status < 500 and code.lower() in _SNS_BAD_NUMBER
    if bad_number:
        reason = Reason.NOT_FOUND
    return TextRefusal(
        Reason.RATE_LIMITED if throttled else reason,
        f"SNS answered HTTP {answer.status}" + (f" ({code})" if code else ""),
        answer.status,
        final=bad_number,
        passing=throttled or answer.status >= 500 or answer.status == 429,
        after=pause_of(answer.headers, now),
    )


_UNDER_WAY = frozenset({"queued", "accepted", "scheduled", "sending", "sent"})


def _fate(message: dict[str, Any]) -> TextFate:
    word = message.get("status")
    if word in ("delivered", "read"):
        return TextFate(True, "delivered")
    if word in ("undelivered", "failed", "canceled"):
        code = _code(message.get("error_code"))
        detail = f"Twilio says {word}" + (f" (code {code})" if code else "")
        return TextFate(
            False, str(word), str(_REASONS.get(code, Reason.VENDOR_ERROR)), detail, code in _UNREACHABLE
        )
    return TextFate(None, str(word) if word in _UNDER_WAY else "unknown")


def _sid(answer: Answer) -> str:
    sid = _object(answer).get("sid")
    return sid if isinstance(sid, str) and _SID.fullmatch(sid) else ""


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = json_of(answer)
    except ProbeError:
        return {}
    return found if isinstance(found, dict) else {}


def _code(value: object) -> int:
    """Return Twilio's number of an error, 0 where there is none; some answers have it as a text."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _origin(url: str) -> str:
    try:
        parsed = urls.parse(url)
    except ValueError:
        return ""
    return f"{parsed.scheme}://{parsed.authority}"
