"""Servers shaped like Twilio's messages and Amazon SNS: they refuse wrong callers, and fail on demand."""

import asyncio
import base64
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web

from exporter.core.secret import Secret
from exporter.core.sms import Sms, Sns, Twilio, TwilioAccount

SID, TOKEN = "AC" + "1" * 32, "first-token-0123456789"
SECOND_SID, SECOND_TOKEN = "AC" + "2" * 32, "second-token-0123456789"
FROM, SECOND_FROM = "+15550001111", "+15550002222"
ACCESS_KEY, SECRET_KEY, REGION = "AKIDEXAMPLE", "planted-aws-secret-key", "eu-central-1"
_PUBLISHED = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    "<MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult></PublishResponse>"
)
_SNS_ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code></Error></ErrorResponse>"


@dataclass(frozen=True)
class SentText:
    """A text that a vendor took: of which account, to whom, and what it says."""

    account: str
    to: str
    text: str


@dataclass
class TextVendors:
    """What came, oldest first; the tests turn the knobs.

    `answers` are status and code with which an account refuses ("sns" for Amazon's); `fates` what became of
    the messages of an account. `hold` are seconds before each answer. `silent` accounts take the message and
    never answer; `refused` are calls with the wrong path or credential.
    """

    sent: list[SentText] = field(default_factory=list)
    answers: dict[str, tuple[int, object]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    fates: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    hold: float = 0.0
    port: int = 0

    @property
    def url(self) -> str:
        """Where both are."""
        return f"http://127.0.0.1:{self.port}"

    def texts(self, account: str = "") -> list[str]:
        """Return what was sent, by one account or by all."""
        return [one.text for one in self.sent if account in ("", one.account)]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a message as Twilio does."""
        account = request.match_info["sid"]
        if refusal := self._judge(request, account):
            return refusal
        form = await request.post()
        self.calls[account] += 1
        if account in self.answers:
            status, code = self.answers[account]
            return web.json_response(
                {"code": code, "message": "planted"}, status=status, headers=self.headers
            )
        if not str(form.get("To", "")).startswith("+") or form.get("From") not in (FROM, SECOND_FROM):
            self.refused.append("form")
            return web.json_response({"code": 21211}, status=400)
        self.sent.append(SentText(account, str(form["To"]), str(form["Body"])))
        await asyncio.sleep(self.hold)
        if account in self.silent:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        sid = f"SM{len(self.sent):032x}"
        return web.json_response({"sid": sid, "status": "queued", "error_code": None}, status=201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answer what became of a message."""
        account = request.match_info["sid"]
        if refusal := self._judge(request, account):
            return refusal
        self.asked[account] += 1
        status, code = self.fates.get(account, ("delivered", None))
        return web.json_response({"sid": request.match_info["message"], "status": status, "error_code": code})

    async def publish(self, request: web.Request) -> web.StreamResponse:
        """Take a message as SNS does, if it is signed for us."""
        body = await request.read()
        form = await request.post()
        self.calls["sns"] += 1
        if request.headers.get("Authorization") != _signature(request, body):
            self.refused.append("sns")
            return web.Response(status=403, text=_SNS_ERROR.format("SignatureDoesNotMatch"))
        if "sns" in self.answers:
            status, code = self.answers["sns"]
            return web.Response(status=status, text=_SNS_ERROR.format(code), headers=self.headers)
        self.sent.append(SentText("sns", str(form["PhoneNumber"]), str(form["Message"])))
        return web.Response(text=_PUBLISHED, content_type="text/xml")

    def _judge(self, request: web.Request, account: str) -> web.Response | None:
        tokens = {SID: TOKEN, SECOND_SID: SECOND_TOKEN}
        pair = base64.b64encode(f"{account}:{tokens.get(account, '')}".encode()).decode()
        if request.headers.get("Authorization") == f"Basic {pair}" and account in tokens:
            return None
        self.refused.append(request.path)
        return web.json_response({"code": 20003, "message": "Authenticate", "status": 401}, status=401)


def _signature(request: web.Request, body: bytes) -> str:
    """Return the header that a call of ours must have, derived step by step as AWS's page does."""
    date = request.headers.get("X-Amz-Date", "")
    signed = "content-type;host;x-amz-date"
    lines = [f"{name}:{request.headers.get(name, '')}" for name in signed.split(";")]
    canonical = "\n".join(["POST", request.path, "", *lines, "", signed, sha256(body).hexdigest()])
    scope = f"{date[:8]}/{REGION}/sns/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{SECRET_KEY}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), sha256).digest()
    signature = hmac.new(key, text.encode(), sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={signed}, Signature={signature}"


def sms_yaml(url: str, *, fallback: bool = True, sns: bool = True, more: str = "") -> str:
    """Return the value of `notifications.sms` by which the exporter sends here."""
    account = '{{account_sid: {}, auth_token: {}, from: "{}", base_url: "{}"{}}}'
    second = account.format(SECOND_SID, SECOND_TOKEN, SECOND_FROM, url, "")
    twilio = account.format(SID, TOKEN, FROM, url, f", fallback: {second}" if fallback else "")
    amazon = (
        f'{{region: {REGION}, access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}, api_url: "{url}/sns/"}}'
    )
    return f'{{to: ["+491701234567"], twilio: {twilio}{f", sns: {amazon}" if sns else ""}{more}}}'


def sms_settings(
    url: str, changes: Mapping[str, Any] | None = None, *, fallback: bool = True, sns: bool = True
) -> Sms:
    """Return the same as the exporter reads it, with `changes`."""
    second = TwilioAccount(
        account_sid=SECOND_SID, auth_token=Secret(SECOND_TOKEN), sender=SECOND_FROM, base_url=url
    )
    first = Twilio(
        account_sid=SID,
        auth_token=Secret(TOKEN),
        sender=FROM,
        base_url=url,
        fallback=second if fallback else None,
    )
    amazon = Sns(region=REGION, access_key=ACCESS_KEY, secret_key=Secret(SECRET_KEY), api_url=f"{url}/sns/")
    given: dict[str, Any] = {"to": ("+491701234567",), "twilio": first, "sns": amazon if sns else None}
    return Sms(**(given | dict(changes or {})))


@asynccontextmanager
async def text_vendors() -> AsyncIterator[TextVendors]:
    """Serve both on one port of this machine until the block ends."""
    made = TextVendors()
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{sid}/Messages.json", made.take)
    app.router.add_get("/2010-04-01/Accounts/{sid}/Messages/{message}.json", made.show)
    app.router.add_post("/sns/", made.publish)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
