"""What a token endpoint answered: a token and its lifetime, or the reason why there is none."""

import re
from typing import Any

import msgspec

from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Trace
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import Granted, GrantRefusedError
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status

LONGEST_LIFE = 10 * 365 * 86_400.0
"""Seconds; who says that a token lives longer did not mean seconds."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}\Z")

FINAL = frozenset({"invalid_grant"})
"""Codes after which only a person can help: another credential has to come (RFC 6749, section 5.2)."""

META_DEAD = 190
"""Code of Meta's error for a token that is dead (docs/graph-api/guides/error-handling)."""

# RFC 6749, sections 5.2 and 4.1.2.1; RFC 8707, section 2
_ERRORS = {
    "invalid_client": (Reason.AUTH, "it does not accept the client id or secret"),
    "invalid_grant": (Reason.AUTH, "it does not accept the credential"),
    "unauthorized_client": (
        Reason.PERMISSION,
        "the client may not use this grant or client credentials",
    ),
    # developers.google.com/identity/protocols/oauth2/web-server#authorization-errors
    "admin_policy_enforced": (Reason.PERMISSION, "an administrator restricts what the client may have"),
    "access_denied": (Reason.PERMISSION, "it denies the client a token"),
    "invalid_scope": (Reason.PERMISSION, "the client may not have these scopes, or there are none such"),
    "invalid_target": (Reason.PERMISSION, "the client may not have a token for this audience"),
    "invalid_request": (
        Reason.BAD_RESPONSE,
        "it finds the request wrong; perhaps it wants another auth_style, scopes or an audience",
    ),
    "unsupported_grant_type": (Reason.BAD_RESPONSE, "it does not offer this grant"),
    "server_error": (Reason.VENDOR_ERROR, "it has an error of its own"),
    "temporarily_unavailable": (Reason.VENDOR_ERROR, "it is unavailable for the time being"),
}


def read(answer: Answer, now: float, trace: Trace) -> Granted:
    """Return what was granted; raise ProbeError, a GrantRefusedError where asking again cannot help.

    `now` is Unix seconds. Of an error only the code is told, not what the endpoint says of it: that may
    repeat the secret. An odd lifetime is implausible and counts as drift.
    """
    document = _object(answer.body)
    error = document.get("error") if document else None
    if not 200 <= answer.status < 300 or error:
        raise _refusal(answer, error, now)
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
    told = document.get("expires_in")
    life = _lifetime(told, "expires_in", trace)
    return Granted(
        access=Secret(token),
        life=life,
        refresh=_renewed(document.get("refresh_token"), trace),
        refresh_life=_lifetime(document.get("refresh_token_expires_in"), "refresh_token_expires_in", trace),
        scopes=_scopes(document.get("scope"), trace),
        implausible=told is not None and life is None,
    )


def _renewed(value: Any, trace: Trace) -> Secret | None:
    """Return the new refresh token; one that cannot be sent is as good as none, and drift."""
    if value is None:
        return None
    if isinstance(value, str) and _TOKEN.match(value):
        return Secret(value)
    trace.drift.append("refresh_token")
    return None


def _scopes(value: Any, trace: Trace) -> frozenset[str] | None:
    """Return the scopes granted, which RFC 6749 writes with spaces (section 3.3)."""
    if value is None:
        return None
    if isinstance(value, str):
        return frozenset(value.split())
    trace.drift.append("scope")
    return None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _lifetime(value: Any, name: str, trace: Trace) -> float | None:
    """Return the seconds of a life, which RFC 6749 only recommends; some write it as text."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = float(value[:20])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_LIFE:
        return float(value)
    trace.drift.append(name)
    return None


def _refusal(answer: Answer, error: Any, now: float) -> ProbeError:
    pause = pause_of(answer.headers, now)
    place = f"the token endpoint answered HTTP {answer.status}"
    if 300 <= answer.status < 400:
        words = f"{place}, a redirect, which is not followed with a credential; correct token_endpoint.url"
        return ProbeError(Reason.BAD_RESPONSE, words)
    code = error if isinstance(error, str) else ""
    by_status = reason_of_status(answer.status)
    if by_status is Reason.RATE_LIMITED or answer.status >= 500:
        return ProbeError(by_status or Reason.BAD_RESPONSE, place, retry_after=pause)
    if isinstance(error, dict) and error.get("code") == META_DEAD:
        words = f"{place} with code {META_DEAD}: the token has ended or was taken back"
        return GrantRefusedError(Reason.AUTH, words, "invalid_grant")
    if code not in _ERRORS:
        return ProbeError(by_status or Reason.BAD_RESPONSE, place, retry_after=pause)
    reason, words = _ERRORS[code]
    if code in FINAL:
        return GrantRefusedError(reason, f"{place} {code}: {words}", code)
    return ProbeError(reason, f"{place} {code}: {words}", retry_after=pause)
