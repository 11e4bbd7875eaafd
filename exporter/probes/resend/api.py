"""One call of Resend's API: what is sent, and what a refusal means.

Sources: resend.com/docs/api-reference (introduction, errors, rate-limit, usage), resend/resend-openapi.
"""

import re
from typing import Annotated

from msgspec import Meta

from exporter.core.network import Answer
from exporter.core.options import PER_TENANT, Options, TlsOptions
from exporter.core.probe import Kit, ProbeError
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.reasons import reason_of_status
from exporter.probes._vendor_api import (
    BaseTls,
    BaseUrl,
    PagedList,
    PagesOf100,
    VendorApi,
    bearer,
    refusal_of,
)

USAGE = "/usage"


class ResendOptions(Options, frozen=True):
    """The options of a Resend integration."""

    api_key: Annotated[
        Secret | None,
        PER_TENANT,
        Meta(description="API key, re_...; with full access the domains and webhooks are looked at too."),
    ] = None
    ignore_domains: Annotated[
        tuple[str, ...], PER_TENANT, Meta(description="Names of domains that may fail, such as unused ones.")
    ] = ()
    ignore_webhook_endpoints: Annotated[
        tuple[str, ...],
        PER_TENANT,
        Meta(description="Ids of webhook endpoints that are disabled on purpose."),
    ] = ()
    pages: PagesOf100 = 1
    base_url: BaseUrl = "https://api.resend.com"
    tls: BaseTls = TlsOptions()


class RestrictedError(ProbeError):
    """The key is a good one that may not do this: it may only send, or does not have the scope."""


class Api(VendorApi):
    """The calls of one run."""

    def __init__(self, options: ResendOptions, kit: Kit) -> None:
        """Prepare to call with the key of `options`."""
        super().__init__(kit, options.base_url, options.tls, bearer(options.api_key), refusal)
        self.options = options

    async def list(self, path: str) -> PagedList:
        """Return the list at `path`, page by page within the budget of `pages`."""
        return await self.list_by_id(path, "after", self.options.pages)


RESTRICTED = frozenset({"restricted_api_key", "invalid_permission"})
_INVALID = "validation_error"
_WRONG_KEY = re.compile(r"\s*API key is invalid", re.IGNORECASE)
_BY_NAME = {
    "missing_api_key": Reason.AUTH,
    "invalid_api_key": Reason.AUTH,
    "suspended_api_key": Reason.ACCOUNT,
    **dict.fromkeys(RESTRICTED, Reason.PERMISSION),
    "not_found": Reason.NOT_FOUND,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
    "daily_quota_exceeded": Reason.QUOTA,
    "monthly_quota_exceeded": Reason.QUOTA,
    "security_error": Reason.ACCOUNT,
}


def refusal(path: str, answer: Answer) -> ProbeError:
    """Return the error that an answer other than 200 means, a RestrictedError where the key is good."""
    name = _name_of(answer)
    suffix = f" ({name})" if name else ""
    # Resend's own message is left out: it may repeat addresses and domains.
    kind = RestrictedError if name in RESTRICTED else ProbeError
    reason = _of_key(path, answer, name) or reason_of(answer.status, name)
    return kind(reason, f"{path} answered HTTP {answer.status}{suffix}")


def reason_of(status: int, name: str) -> Reason:
    """Return why a call was refused; `name` is that of the error's body, "" where there is none."""
    if status >= 500:
        return Reason.VENDOR_ERROR
    # Resend's status for an account that is blocked for security reasons, whatever the name.
    if status == 451:
        return Reason.ACCOUNT
    return _BY_NAME.get(name) or reason_of_status(status) or Reason.BAD_RESPONSE


def _of_key(path: str, answer: Answer, name: str) -> Reason | None:
    """Return `auth` for a key that does not exist, which has the name of a wrong parameter.

    The call for the usage has no parameter that could be wrong; elsewhere the message decides.
    """
    if answer.status not in (400, 401, 403) or name != _INVALID:
        return None
    message = refusal_of(answer).get("message")
    wrong_key = isinstance(message, str) and _WRONG_KEY.match(message)
    return Reason.AUTH if wrong_key or (path == USAGE and answer.status != 403) else None


def _name_of(answer: Answer) -> str:
    name = refusal_of(answer).get("name")
    return name if isinstance(name, str) and re.fullmatch(r"[a-z_]{1,64}", name) else ""
