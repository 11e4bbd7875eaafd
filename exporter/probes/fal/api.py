"""One call of fal's platform API: what is sent, and what a refusal means.

Sources: fal.ai/docs/platform-apis (authentication, models/usage, models/pricing, models/analytics,
account/billing); fal.ai/docs on errors of runners.
"""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from exporter.core.network import Answer
from exporter.core.options import PER_TENANT, Options, TlsOptions
from exporter.core.probe import Kit, ProbeError
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.reasons import reason_of_status
from exporter.probes._vendor_api import WEB_ADDRESS, BaseTls, VendorApi, bearer, refusal_of

MAX_BODY = 4 << 20
"""Bytes of one page of usage: a line for each model, day and unit."""


class FalOptions(Options, frozen=True):
    """The options of a fal integration."""

    key: Annotated[
        Secret | None,
        PER_TENANT,
        Meta(description="Key, id:secret; one of the scope ADMIN reads costs and money too."),
    ] = None
    model: Annotated[
        str,
        PER_TENANT,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*(/[A-Za-z0-9_.\-]+)+$",
            description="Model whose price is asked for, to see that the key is good, and whose requests are"
            " counted with those of the models used; nothing is run.",
        ),
    ] = "fal-ai/flux/dev"
    pages: Annotated[
        int, Meta(ge=1, le=20, description="Most pages that are read of the usage; each page is a call.")
    ] = 5
    base_url: Annotated[str, Meta(pattern=WEB_ADDRESS, description="Where the platform API is.")] = (
        "https://api.fal.ai/v1"
    )
    tls: BaseTls = TlsOptions()


class Api(VendorApi):
    """The calls of one run."""

    def __init__(self, options: FalOptions, kit: Kit) -> None:
        """Prepare to call with the key of `options`."""
        auth = bearer(options.key, scheme="Key")
        super().__init__(kit, options.base_url, options.tls, auth, refusal, max_body=MAX_BODY)
        self.options = options


class Error(msgspec.Struct, frozen=True):
    """What the body of a refusal says: its kind, such as `authorization_error`, and its words."""

    kind: str = ""
    text: str = ""


_BY_KIND = {
    "not_found": Reason.NOT_FOUND,
    "rate_limited": Reason.RATE_LIMITED,
    "server_error": Reason.VENDOR_ERROR,
    "not_implemented": Reason.VENDOR_ERROR,
    "request_timeout": Reason.VENDOR_ERROR,
    "startup_timeout": Reason.VENDOR_ERROR,
    "validation_error": Reason.BAD_RESPONSE,
}
# Searched before `_LOCKED`: an account without money is called locked, too, with the cause behind it.
_EMPTY = re.compile(r"exhausted balance|top up your balance|insufficient (balance|credits|funds)", re.I)
_LOCKED = re.compile(r"\b(locked|suspended|disabled|blocked)\b", re.I)


def refusal(path: str, answer: Answer) -> ProbeError:
    """Return the error that an answer other than 200 means."""
    error = _error_of(answer)
    kind = _plain(error.kind)
    return ProbeError(
        reason_of(answer.status, error.kind, error.text),
        f"{path} answered HTTP {answer.status}{f' ({kind})' if kind else ''}",
    )


def reason_of(status: int, kind: str, text: str) -> Reason:
    """Return why a call was refused.

    The kind `authorization_error` means a refused key (401) and a missing scope (403) alike, so
    the status decides. An account without money is locked by 403, whose exact words are not documented.
    """
    # `runner_...` is about the machine that runs a model, whatever status it comes with.
    if status >= 500 or kind.startswith("runner_"):
        return Reason.VENDOR_ERROR
    if status in (401, 402, 403):
        if status == 402 or _EMPTY.search(text):
            return Reason.QUOTA
        if _LOCKED.search(text):
            return Reason.ACCOUNT
    return _BY_KIND.get(kind) or reason_of_status(status) or Reason.BAD_RESPONSE


def _error_of(answer: Answer) -> Error:
    """Return what a refusal says: {"error": {"type", "message"}}, or {"detail", "error_type"} of a runner."""
    body = refusal_of(answer)
    inner = body.get("error")
    if isinstance(inner, dict):
        return Error(str(inner.get("type") or ""), str(inner.get("message") or ""))
    kind = body.get("error_type") or answer.headers.get("x-fal-error-type", "")
    return Error(str(kind), str(body.get("detail") or ""))


def _plain(word: str) -> str:
    # The word is shown in messages; whatever else a server writes there stays out of them.
    return word if re.fullmatch(r"[a-z_]{1,64}", word) else ""
