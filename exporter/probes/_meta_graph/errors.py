"""What an error of the Graph API means.

Sources: developers.facebook.com/docs/graph-api/guides/error-handling, /docs/graph-api/overview/rate-limiting,
the error codes of the Marketing API and of WhatsApp's Cloud API. HTTP statuses are less stable than codes: a
throttle comes as 400, 403 or 429, so the code decides wherever there is one.
"""

from collections.abc import Mapping
from typing import Any

from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.reason import Reason
from exporter.net.reasons import reason_of_status
from exporter.probes._vendor_api import refusal_of

VERSION_GONE = 2635
"""Code of a call for a version of the Marketing API that is no longer served."""
INVALID_PARAMETER = 100
"""Code of an invalid parameter or an unknown field, unless a subcode says otherwise."""

# Read before the code alone: 190 also covers a user without a role, 100 an object that does not exist.
_BY_SUBCODE = {
    (190, 492): Reason.PERMISSION,
    (100, 33): Reason.NOT_FOUND,
    (100, 1504018): Reason.TIMEOUT,
    (2, 1504038): Reason.TIMEOUT,
}
_NOT_GRANTED = frozenset({1349174, 1349175, 1349176})
"""Subcodes of WhatsApp: no permission, the app is not linked to the account, no whatsapp_business_* scope."""

_BY_CODE = {
    1: Reason.VENDOR_ERROR,
    2: Reason.VENDOR_ERROR,
    3: Reason.PERMISSION,
    4: Reason.RATE_LIMITED,
    10: Reason.PERMISSION,
    17: Reason.RATE_LIMITED,
    32: Reason.RATE_LIMITED,
    33: Reason.NOT_CONFIGURED,
    100: Reason.BAD_RESPONSE,
    101: Reason.AUTH,
    102: Reason.AUTH,
    # No token at all; where the text speaks of a proof, `reason_of` has returned `auth` before.
    104: Reason.NOT_CONFIGURED,
    190: Reason.AUTH,
    341: Reason.RATE_LIMITED,
    368: Reason.ACCOUNT,
    613: Reason.RATE_LIMITED,
    803: Reason.NOT_FOUND,
    VERSION_GONE: Reason.BAD_RESPONSE,
    130429: Reason.RATE_LIMITED,
    131000: Reason.VENDOR_ERROR,
    131005: Reason.PERMISSION,
    131016: Reason.VENDOR_ERROR,
    131031: Reason.ACCOUNT,
    131042: Reason.QUOTA,
    131045: Reason.NOT_CONFIGURED,
    131048: Reason.RATE_LIMITED,
    131056: Reason.RATE_LIMITED,
    131064: Reason.QUOTA,
    133010: Reason.NOT_CONFIGURED,
    141006: Reason.QUOTA,
}

_WORDS = {
    (101, None): "app_id is wrong",
    (190, 458): "the user has removed the app",
    (190, 459): "the user must sign in on the vendor's site first",
    (190, 460): "the user's password was changed",
    (190, 463): "the token has expired",
    (190, 464): "the user is not confirmed",
    (190, 467): "the token is no longer valid",
    (190, 492): "the user has no suitable role",
    (VERSION_GONE, None): "the version is no longer served: raise api_version",
}


class GraphError(ProbeError):
    """A refusal by the Graph API; `code` is None where the body held no error of Meta's."""

    def __init__(self, reason: Reason, detail: str, code: int | None, retry_after: float | None) -> None:
        """Keep the code beside the reason."""
        super().__init__(reason, detail, retry_after=retry_after)
        self.code = code


def error_of(answer: Answer) -> Mapping[str, Any]:
    """Return the object under "error" of the body, {} where there is none."""
    error = refusal_of(answer).get("error")
    return error if isinstance(error, dict) else {}


def codes_of(error: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return code and subcode of an error, None for each that it has not."""
    return _integer(error.get("code")), _integer(error.get("error_subcode", error.get("subcode")))


def reason_of(status: int, error: Mapping[str, Any]) -> Reason:
    """Return why a call with this HTTP status and error object was refused."""
    code, subcode = codes_of(error)
    if code in (104, INVALID_PARAMETER) and _speaks_of_proof(error):
        return Reason.AUTH
    # 0 is not in Meta's list: only the type says that the token is meant.
    if code == 0 and "Auth" in str(error.get("type")):
        return Reason.AUTH
    if subcode in _NOT_GRANTED:
        return Reason.PERMISSION
    # A listed code is more exact than Meta's flag for errors that pass by themselves.
    found = _by_codes(code, subcode)
    if found is None and error.get("is_transient") is True:
        return Reason.VENDOR_ERROR
    return found or reason_of_status(status) or Reason.BAD_RESPONSE


def _by_codes(code: int | None, subcode: int | None) -> Reason | None:
    if code is None:
        return None
    if code < 0:
        return Reason.VENDOR_ERROR
    # Meta's table has one line for all of these: "API Permission, multiple values depending on permission".
    if 200 <= code <= 299:
        return Reason.PERMISSION
    # Throttles of business use cases, one code for each product; Meta adds more.
    if 80_000 <= code <= 80_099:
        return Reason.RATE_LIMITED
    return _BY_SUBCODE.get((code, subcode or 0)) or _BY_CODE.get(code)


def _speaks_of_proof(error: Mapping[str, Any]) -> bool:
    # Two codes mean several things; only the text says which one.
    message = str(error.get("message")).lower()
    return "appsecret_proof" in message or "incorrect signature" in message


def sentence(place: str, status: int, error: Mapping[str, Any]) -> str:
    """Return what happened, for people; Meta's own message is left out: it may repeat tokens and ids."""
    code, subcode = codes_of(error)
    if code is None:
        return f"{place} answered HTTP {status}"
    numbers = f"code {code}" if subcode is None else f"code {code}, subcode {subcode}"
    words = _WORDS.get((code, subcode)) or _WORDS.get((code, None))
    if words is None and code in (104, INVALID_PARAMETER) and _speaks_of_proof(error):
        words = "app_secret does not belong to the token's app"
    return f"{place} answered HTTP {status} ({numbers}{f': {words}' if words else ''})"


def _integer(value: object) -> int | None:
    # A bool is an int in Python, but `true` is not a code.
    return value if isinstance(value, int) and not isinstance(value, bool) else None
