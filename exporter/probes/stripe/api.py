"""One call of Stripe's API: what is sent, and what a refusal means.

Sources: docs.stripe.com/api (authentication, versioning, errors, pagination), docs.stripe.com/error-codes,
docs.stripe.com/rate-limits.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from exporter.core.network import Answer, Header
from exporter.core.options import PER_TENANT, Options, TlsOptions
from exporter.core.probe import Kit, ProbeError
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.probes._vendor_api import (
    BaseTls,
    BaseUrl,
    PagedList,
    PagesOf100,
    Parameters,
    VendorApi,
    bearer,
    refusal_of,
)

VERSION = "2026-10-28.endive"
"""The API version that this code reads; without the header the account's own would decide."""

MAX_BODY = 8 << 20
"""Bytes of one page: an event holds its whole charge, with up to 50 fields of metadata."""


class StripeOptions(Options, frozen=True):
    """The options of a Stripe integration."""

    secret_key: Annotated[
        Secret | None, PER_TENANT, Meta(description="Secret (sk_) or, better, restricted (rk_) key.")
    ] = None
    account: Annotated[
        str,
        PER_TENANT,
        Meta(
            pattern=r"^(acct_[A-Za-z0-9]+)?$",
            description="Connected account to read, acct_...; needs a platform's key.",
        ),
    ] = ""
    customer_id: Annotated[
        str,
        PER_TENANT,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{0,255}$",
            description="Customer that must exist, cus_...; missing or deleted is an error.",
        ),
    ] = ""
    ignore_webhook_endpoints: Annotated[
        tuple[str, ...],
        PER_TENANT,
        Meta(description="Ids of webhook endpoints (we_...) that are disabled on purpose."),
    ] = ()
    payments_minutes: Annotated[
        int,
        Meta(
            ge=5, le=1440, description="Minutes between readings of payments, and the length of their window."
        ),
    ] = 90
    pages: PagesOf100 = 1
    base_url: BaseUrl = "https://api.stripe.com"
    tls: BaseTls = TlsOptions()


class MissingError(ProbeError):
    """Stripe says that the object does not exist: `resource_missing`."""


class DeclinedError(Exception):
    """Stripe reports a declined payment: the integration works, but there is nothing to read."""


class Api(VendorApi):
    """The calls of one run; a refusal is a ProbeError, or DeclinedError, which is not a failure."""

    def __init__(self, options: StripeOptions, kit: Kit) -> None:
        """Prepare to call with the key of `options`."""
        self.options = options
        extra: tuple[Header, ...] = (("Stripe-Version", VERSION),)
        if options.account:
            extra = (*extra, ("Stripe-Account", options.account))
        auth = bearer(options.secret_key)
        super().__init__(
            kit, options.base_url, options.tls, auth, self._refusal, extra=extra, max_body=MAX_BODY
        )

    async def list(self, path: str, parameters: Parameters = ()) -> PagedList:
        """Return the list at `path`, newest first, page by page within the budget of `pages`."""
        return await self.list_by_id(path, "starting_after", self.options.pages, parameters)

    def _refusal(self, path: str, answer: Answer) -> Exception:
        error = _error_of(answer)
        self.kit.log(f"GET {path}: HTTP {answer.status}, request {_plain(answer.headers.get('request-id'))}")
        reason = reason_of(answer.status, answer.headers, error, connected=bool(self.options.account))
        sentence = _sentence(path, answer.status, error)
        if reason is None:
            return DeclinedError(sentence)
        kind = MissingError if error.get("code") == MISSING else ProbeError
        return kind(reason, sentence)


MISSING = "resource_missing"
_BY_CODE = {
    "api_key_expired": Reason.AUTH,
    "platform_api_key_expired": Reason.AUTH,
    "secret_key_required": Reason.NOT_CONFIGURED,
    "livemode_mismatch": Reason.NOT_CONFIGURED,
    "testmode_charges_only": Reason.NOT_CONFIGURED,
    "tls_version_unsupported": Reason.NOT_CONFIGURED,
    "more_permissions_required_for_application": Reason.PERMISSION,
    "oauth_not_supported": Reason.PERMISSION,
    MISSING: Reason.NOT_FOUND,
    "rate_limit": Reason.RATE_LIMITED,
    # Another call holds the object; no limit was reached.
    "lock_timeout": Reason.VENDOR_ERROR,
}
_BY_STATUS = {
    401: Reason.AUTH,
    403: Reason.PERMISSION,
    404: Reason.NOT_FOUND,
    409: Reason.VENDOR_ERROR,
    424: Reason.VENDOR_ERROR,
    429: Reason.RATE_LIMITED,
}
_NO_KEY = "You did not provide an API key"


def reason_of(
    status: int, headers: Mapping[str, str], error: Mapping[str, Any], *, connected: bool
) -> Reason | None:
    """Return why a call was refused; None for a declined payment, which says that all is well.

    `error` is the object under "error" of the body, {} where there is none. `connected` says that we
    spoke for a connected account, whose owner may have revoked our access.
    """
    if status >= 500:
        return Reason.VENDOR_ERROR
    if status == 402:
        return None
    # Before the code: 429 comes with `lock_timeout`, too; this header comes with limits alone.
    if status == 429 and "stripe-rate-limited-reason" in headers:
        return Reason.RATE_LIMITED
    code = str(error.get("code") or "")
    if code == "account_invalid":
        return Reason.AUTH if connected else Reason.NOT_CONFIGURED
    if status == 401 and not code and str(error.get("message") or "").startswith(_NO_KEY):
        return Reason.NOT_CONFIGURED
    return _BY_CODE.get(code) or _BY_STATUS.get(status, Reason.BAD_RESPONSE)


def _error_of(answer: Answer) -> Mapping[str, Any]:
    error = refusal_of(answer).get("error")
    return error if isinstance(error, dict) else {}


def _sentence(path: str, status: int, error: Mapping[str, Any]) -> str:
    # Stripe's own message is left out: it repeats parts of the key, and ids of customers.
    code = _plain(error.get("code"))
    # The name of a permission is the only part of the message that is shown.
    wanted = re.search(r"\brak_[a-z_]{1,60}\b", str(error.get("message") or ""))
    needs = f"; the key needs the permission {wanted[0]}" if wanted else ""
    # The last part of the path may be an id.
    place = "/v1/customers" if path.startswith("/v1/customers/") else path
    return f"{place} answered HTTP {status}{f' ({code})' if code else ''}{needs}"


def _plain(word: object) -> str:
    return word if isinstance(word, str) and re.fullmatch(r"[A-Za-z0-9_]{1,64}", word) else ""
