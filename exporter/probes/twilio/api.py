"""One call of Twilio's APIs: what is sent, and what a refusal means.

Sources: www.twilio.com/docs/usage/requests-to-twilio, /docs/api/errors, and github.com/twilio/twilio-oai.
"""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from msgspec import Meta

from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Header
from exporter.core.options import PER_TENANT, Options, TlsOptions, steers
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.probes._vendor_api import (
    WEB_ADDRESS,
    Page,
    PagedList,
    Parameters,
    VendorApi,
    read_pages,
    refusal_of,
)

PAGE = 1000
"""Elements of a page: the most that the APIs give."""
MAX_BODY = 8 << 20
"""Bytes of one page: a message holds its text and a dozen addresses."""

_ORIGIN = Meta(pattern=WEB_ADDRESS, description="Where this API is.")


class TwilioOptions(Options, frozen=True):
    """The options of a Twilio integration."""

    account_sid: Annotated[
        str, PER_TENANT, Meta(pattern=r"^(AC[0-9a-fA-F]{32})?$", description="Account or sub-account, AC...")
    ] = ""
    auth_token: Annotated[
        Secret | None,
        PER_TENANT,
        Meta(description="Auth Token of the account or, with `api_key_sid`, the secret of that key."),
    ] = None
    api_key_sid: Annotated[
        str,
        steers("auth_token"),
        Meta(pattern=r"^(SK[0-9a-fA-F]{32})?$", description="API key to use in place of the Auth Token."),
    ] = ""
    auth_sid: Annotated[
        str,
        steers("auth_token"),
        Meta(
            pattern=r"^(AC[0-9a-fA-F]{32})?$",
            description="Account that `auth_token` belongs to, where that is the parent of `account_sid`;"
            " WhatsApp senders are then not read, since they would be the parent's.",
        ),
    ] = ""
    phone_number: Annotated[
        str,
        PER_TENANT,
        Meta(
            pattern=r"^((whatsapp:)?\+?[0-9]{3,15})?$",
            description="Number that must belong to the account, +15551234567; other kinds of sender are"
            " not looked up.",
        ),
    ] = ""
    include_subaccounts: Annotated[
        bool, PER_TENANT, Meta(description="Count the cost of sub-accounts with that of the account.")
    ] = False
    messages_minutes: Annotated[
        int, Meta(ge=5, le=1440, description="Minutes between readings of the messages.")
    ] = 15
    window_minutes: Annotated[
        int, Meta(ge=15, le=1440, description="Length of the window over which messages are counted.")
    ] = 60
    pages: Annotated[
        int, Meta(ge=1, le=20, description="Most pages of 1000 that are read of any list; each is a call.")
    ] = 1
    base_url: Annotated[str, _ORIGIN] = "https://api.twilio.com"
    monitor_url: Annotated[str, _ORIGIN] = "https://monitor.twilio.com"
    messaging_url: Annotated[str, _ORIGIN] = "https://messaging.twilio.com"
    tls: Annotated[TlsOptions, Meta(description="How the servers' certificates are judged.")] = TlsOptions()

    @property
    def signs_in_elsewhere(self) -> bool:
        """Whether the credential is known to be another account's than the one that is read."""
        return bool(self.auth_sid) and self.auth_sid.lower() != self.account_sid.lower()


def mistakes(options: TwilioOptions) -> list[str]:
    """Return what is wrong with options that each have the right type."""
    if options.auth_sid and options.api_key_sid:
        return ["auth_sid and api_key_sid are two user names; give one of them"]
    return []


@dataclass(frozen=True)
class Resource:
    """Something to read: `host` is the option that says where, `list` the field that holds the elements.

    `{account}` in `path` is replaced by the account's SID. `name` is its name in messages.
    """

    name: str
    host: str
    path: str
    list: str = ""


_CORE = "/2010-04-01/Accounts/{account}"
ACCOUNT = Resource("the account", "base_url", f"{_CORE}.json")
BALANCE = Resource("the balance", "base_url", f"{_CORE}/Balance.json")
USAGE_TODAY = Resource("today's usage", "base_url", f"{_CORE}/Usage/Records/Today.json", "usage_records")
USAGE_MONTH = Resource(
    "the month's usage", "base_url", f"{_CORE}/Usage/Records/ThisMonth.json", "usage_records"
)
MESSAGES = Resource("the messages", "base_url", f"{_CORE}/Messages.json", "messages")
NUMBERS = Resource(
    "the phone numbers", "base_url", f"{_CORE}/IncomingPhoneNumbers.json", "incoming_phone_numbers"
)
MONITOR = Resource("the Monitor alerts", "monitor_url", "/v1/Alerts", "alerts")
SENDERS = Resource("the WhatsApp senders", "messaging_url", "/v2/Channels/Senders", "senders")


class RefusedError(ProbeError):
    """Twilio refused a call; `code` is its own number for it, None where it gave none."""

    def __init__(self, reason: Reason, detail: str, code: int | None) -> None:
        """Keep reason, sentence and code."""
        super().__init__(reason, detail)
        self.code = code


class Api(VendorApi):
    """The calls of one run; every status but 200 is a RefusedError.

    `concurrent` is the largest number of concurrent requests that Twilio saw for the account, `duration` the
    seconds that the first call took on its side; None while no answer said so.
    """

    def __init__(self, options: TwilioOptions, kit: Kit) -> None:
        """Prepare to call with the credential of `options`."""
        super().__init__(kit, options.base_url, options.tls, _auth(options), refusal, max_body=MAX_BODY)
        self.options = options
        self.concurrent: float | None = None
        self.duration: float | None = None

    async def get_resource(self, resource: Resource, parameters: Parameters = ()) -> Document:
        """Return what `resource` answers."""
        origin: str = getattr(self.options, resource.host)
        path = resource.path.format(account=self.options.account_sid)
        return await self.read(origin, path, parameters, name=resource.name)

    async def list(self, resource: Resource, parameters: Parameters = (), size: int = PAGE) -> PagedList:
        """Return the elements of `resource`, newest first, page by page within the budget of `pages`."""

        async def read(after: Parameters) -> Page:
            # The address of a further page repeats the parameters of the first one.
            page = await self.get_resource(resource, after or (*parameters, ("PageSize", str(size))))
            page.must(resource.list)
            return tuple(page.items(resource.list)), _next(page)

        return await read_pages(read, self.options.pages)

    def observe(self, answer: Answer) -> None:
        """Note the largest number of concurrent requests, and how long the first call took."""
        super().observe(answer)
        concurrent = _number(answer.headers, "twilio-concurrent-requests")
        if concurrent is not None:
            self.concurrent = max(concurrent, self.concurrent or 0.0)
        if self.duration is None:
            self.duration = _number(answer.headers, "twilio-request-duration")


def refusal(name: str, answer: Answer) -> RefusedError:
    """Return the error that an answer other than 200 means."""
    code = _code_of(answer)
    suffix = f" (code {code})" if code is not None else ""
    # Twilio's own message is left out: it may repeat SIDs and numbers.
    return RefusedError(reason_of(answer.status, code), f"{name} answered HTTP {answer.status}{suffix}", code)


def _auth(options: TwilioOptions) -> tuple[Header, ...]:
    secret = options.auth_token.reveal() if options.auth_token else ""
    pair = f"{options.api_key_sid or options.auth_sid or options.account_sid}:{secret}".encode()
    return (("Authorization", Secret(f"Basic {base64.b64encode(pair).decode()}")),)


def _next(page: Document) -> Parameters:
    """Return the parameters of the next page, () if this is the last one.

    Only the query of its address is used: the credential goes nowhere but to the configured origin.
    """
    following = page.at("next_page_uri").value or page.at("meta", "next_page_url").value
    if not isinstance(following, str):
        return ()
    try:
        return tuple(parse_qsl(urlsplit(following).query, keep_blank_values=True))
    except ValueError:
        return ()


_BY_CODE = {
    20003: Reason.AUTH,
    20104: Reason.AUTH,
    70051: Reason.PERMISSION,
    20005: Reason.ACCOUNT,
    10001: Reason.ACCOUNT,
    20403: Reason.ACCOUNT,
    # Test credentials work for a few POST resources only.
    20008: Reason.NOT_CONFIGURED,
    20404: Reason.NOT_FOUND,
    20429: Reason.RATE_LIMITED,
}
_BY_STATUS = {
    401: Reason.AUTH,
    403: Reason.PERMISSION,
    404: Reason.NOT_FOUND,
    429: Reason.RATE_LIMITED,
}


def reason_of(status: int, code: int | None) -> Reason:
    """Return why a call was refused; `code` is Twilio's own number, None where there is none."""
    if status >= 500:
        return Reason.VENDOR_ERROR
    return _BY_CODE.get(code or 0) or _BY_STATUS.get(status, Reason.BAD_RESPONSE)


def _code_of(answer: Answer) -> int | None:
    # Both shapes of error, the older one and RFC 9457's, have the code at the top.
    code = refusal_of(answer).get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit():
        # Codes have five digits; more are cut before int() reads them.
        code = int(code[:6])
    return code if isinstance(code, int) and not isinstance(code, bool) and 0 < code < 1_000_000 else None


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(headers.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
