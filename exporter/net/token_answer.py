"""What a token endpoint answered: a token and its lifetime, or the reason why there is none."""

import re
from typing import Any

import msgspec

from exporter.core.errors import ProbeError
from exporter.core.probe import Answer, Trace
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status

LONGEST_LIFE = 10 * 365 * 86_400.0
"""Seconds; who says that a token lives longer did not mean seconds."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}\Z")

# RFC 6749, sections 5.2 and 4.1.2.1; RFC 8707, section 2
_ERRORS = {
    "invalid_client": (Reason.AUTH, "it does not accept the client id or secret"),
    "invalid_grant": (Reason.AUTH, "it does not accept the credential"),
    "unauthorized_client": (Reason.PERMISSION, "the client may not use client credentials"),
    "access_denied": (Reason.PERMISSION, "it denies the client a token"),
    "invalid_scope": (Reason.PERMISSION, "the client may not have these scopes, or there are none such"),
    "invalid_target": (Reason.PERMISSION, "the client may not have a token for this audience"),
    "invalid_request": (
        Reason.BAD_RESPONSE,
        "it finds the request wrong; perhaps it wants another auth_style, scopes or an audience",
    ),
    "unsupported_grant_type": (Reason.BAD_RESPONSE, "it does not offer client credentials"),
    "server_error": (Reason.VENDOR_ERROR, "it has an error of its own"),
    "temporarily_unavailable": (Reason.VENDOR_ERROR, "it is unavailable for the time being"),
}


def read(answer: Answer, now: float, trace: Trace) -> tuple[Secret, float | None]:
    """Return the token and its lifetime in seconds, None where that is not told; raise ProbeError.

    `now` is Unix seconds. Of an error only the code is told, not what the endpoint says of it: that may
    repeat the secret. An odd lifetime is unknown and counts as drift.
    """
    document = _object(answer.body)
    error = document.get("error") if document else None
    if not 200 <= answer.status < 300 or error:
        raise _refusal(answer, error if isinstance(error, str) else "", now)
    if document is None:
        raise ProbeError(Reason.BAD_RESPONSE, "the token endpoint answered with no JSON object")
    token = document.get("access_token")
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise ProbeError(Reason.BAD_RESPONSE, "the token endpoint's answer has no usable access_token")
    kind = document.get("token_type")
    if kind is None:
        trace.drift.append("token_type")
    elif not isinstance(kind, str) or kind.lower() != "bearer":
        raise ProbeError(Reason.BAD_RESPONSE, "the token is not of the type Bearer")
    return Secret(token), _lifetime(document.get("expires_in"), trace)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _lifetime(value: Any, trace: Trace) -> float | None:
    """Return the seconds in `expires_in`, which RFC 6749 only recommends; some write it as text."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = float(value[:20])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_LIFE:
        return float(value)
    trace.drift.append("expires_in")
    return None


def _refusal(answer: Answer, code: str, now: float) -> ProbeError:
    pause = pause_of(answer.headers, now)
    place = f"the token endpoint answered HTTP {answer.status}"
    if 300 <= answer.status < 400:
        words = f"{place}, a redirect, which is not followed with a credential; correct token_endpoint.url"
        return ProbeError(Reason.BAD_RESPONSE, words)
    by_status = reason_of_status(answer.status)
    if by_status is Reason.RATE_LIMITED or answer.status >= 500 or code not in _ERRORS:
        return ProbeError(by_status or Reason.BAD_RESPONSE, place, retry_after=pause)
    reason, words = _ERRORS[code]
    return ProbeError(reason, f"{place} {code}: {words}", retry_after=pause)
