"""What a token endpoint's refusal means: RFC 6749 knows nine codes, vendors have many more."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.reason import Reason
from exporter.core.token import GrantRefusedError
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status

FINAL = "invalid_grant"
"""The code by which every final refusal is known, whatever its vendor calls it."""

META_DEAD = 190
"""Code of Meta's error for a token that is dead (docs/graph-api/guides/error-handling)."""

META_BUSY = {1: Reason.VENDOR_ERROR, 2: Reason.VENDOR_ERROR, 4: Reason.RATE_LIMITED, 17: Reason.RATE_LIMITED}
"""Codes of Meta's errors that say nothing of the credential (the same page)."""

SKEWED = 60.0
"""Seconds between the endpoint's clock and ours from which on a refused credential may be due to that."""

_WORD = re.compile(r"([A-Za-z_-]{1,64})(?:[:.]|\Z)")
_EMPTY = frozenset({"error", "fail", "failed", "failure"})  # what `status` says where there is no code

_GONE = "it does not accept the credential, which has expired, was used before or was taken back"
_PERSON = "the vendor wants the user to sign in or to consent once more"
_CLIENT = "it does not accept the client id or secret"
_NOT_ALLOWED = "the client may not use this grant or client credentials"

# The first ones: RFC 6749, sections 5.2 and 4.1.2.1; RFC 8707, section 2.
_MEANING: Mapping[str, tuple[Reason, str]] = {
    "invalid_client": (Reason.AUTH, _CLIENT),
    "unauthorized_client": (Reason.PERMISSION, _NOT_ALLOWED),
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
    # GitHub: docs.github.com, troubleshooting OAuth app access token request errors
    "incorrect_client_credentials": (Reason.AUTH, _CLIENT),
    # Slack: docs.slack.dev/reference/methods/oauth.v2.access
    "invalid_client_id": (Reason.AUTH, _CLIENT),
    "bad_client_id": (Reason.AUTH, _CLIENT),
    "bad_client_secret": (Reason.AUTH, _CLIENT),
    "invalid_client_secret": (Reason.AUTH, _CLIENT),
    "account_inactive": (Reason.ACCOUNT, "the account or workspace was closed"),
    "ratelimited": (Reason.RATE_LIMITED, "too many calls"),
    "internal_error": (Reason.VENDOR_ERROR, "it has an error of its own"),
    "fatal_error": (Reason.VENDOR_ERROR, "it has an error of its own"),
    "service_unavailable": (Reason.VENDOR_ERROR, "it is unavailable for the time being"),
    # Salesforce: help.salesforce.com, OAuth 2.0 authorization errors
    "inactive_user": (Reason.ACCOUNT, "the user is inactive"),
    "inactive_org": (Reason.ACCOUNT, "the organization is inactive or locked"),
    "invalid_app_access": (Reason.PERMISSION, "an administrator has not approved the user for the app"),
    "rate_limit_exceeded": (Reason.RATE_LIMITED, "too many calls"),
    # developers.google.com/identity/protocols/oauth2/web-server#authorization-errors
    "deleted_client": (Reason.AUTH, "the client was deleted"),
    "disabled_client": (Reason.ACCOUNT, "the vendor disabled the client"),
    "admin_policy_enforced": (Reason.PERMISSION, "an administrator restricts what the client may have"),
    "org_internal": (Reason.PERMISSION, "the client is for users of its own organization"),
    "internal_failure": (Reason.VENDOR_ERROR, "it has an error of its own"),
    # learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
    "invalid_resource": (Reason.PERMISSION, "there is no such resource, or the client may not have it"),
    # RFC 8628, section 3.5
    "slow_down": (Reason.RATE_LIMITED, "too many calls"),
}

# After these asking again cannot help: a person has to bring another credential.
_FINAL: Mapping[str, str] = {
    "invalid_grant": "it does not accept the credential",
    # GitHub; HubSpot has it in capitals
    "bad_refresh_token": _GONE,
    # Slack, and others
    "invalid_refresh_token": _GONE,
    "expired_refresh_token": _GONE,
    "token_revoked": _GONE,
    "token_expired": _GONE,
    # OpenID Connect Core, section 3.1.2.6; Entra ID answers them where a policy wants a second factor
    "interaction_required": _PERSON,
    "login_required": _PERSON,
    "consent_required": _PERSON,
    "account_selection_required": _PERSON,
    # Auth0: auth0.com/docs, multi-factor authentication with the token endpoint
    "mfa_required": _PERSON,
}


def refusal(answer: Answer, document: Mapping[str, Any] | None, now: float) -> ProbeError:
    """Return the error that `answer` with the JSON object `document` means; `now` is Unix seconds.

    Only a code that is a plain word is shown: the endpoint's own sentences may repeat the secret. A 400 or
    401 with an unknown code is the credential's or the client's fault, not the protocol's. It is a
    GrantRefusedError where asking again cannot help.
    """
    place = f"the token endpoint answered HTTP {answer.status}"
    by_status = reason_of_status(answer.status)
    pause = pause_of(answer.headers, now)
    if 300 <= answer.status < 400:
        words = f"{place}, a redirect, which is not followed with a credential; correct token_endpoint.url"
        return ProbeError(Reason.BAD_RESPONSE, words)
    if by_status is Reason.RATE_LIMITED or answer.status >= 500:
        return ProbeError(by_status or Reason.BAD_RESPONSE, place, retry_after=pause)
    if (found := _meta(document or {}, place, pause)) is not None:
        return found
    code = next(_codes(document or {}), "")
    name = code.lower().replace("-", "_")
    if name in _FINAL:
        words = f"{place} {code}: {_FINAL[name]}{_skew(answer.headers, now)}"
        return GrantRefusedError(Reason.AUTH, words, FINAL)
    if name in _MEANING:
        reason, meaning = _MEANING[name]
        return ProbeError(reason, f"{place} {code}: {meaning}", retry_after=pause)
    reason, meaning = _by_status(answer.status, document, code)
    return ProbeError(reason, f"{place}{f' {code}' if code else ''}{meaning}", retry_after=pause)


def is_refusal(document: Mapping[str, Any]) -> bool:
    """Return whether an answer without `error` refuses: some vendors put a known code in another place."""
    names = {code.lower().replace("-", "_") for code in _codes(document)}
    return not names.isdisjoint({*_FINAL, *_MEANING})


def _by_status(status: int, document: Mapping[str, Any] | None, code: str) -> tuple[Reason, str]:
    by_status = reason_of_status(status) or Reason.BAD_RESPONSE
    says_error = bool(code) or isinstance((document or {}).get("error"), str)
    if says_error and (status < 300 or status in (400, 401)):
        return (
            Reason.AUTH,
            "" if not code else ": it refuses the credential or the client",
        )
    if by_status is Reason.PERMISSION and not says_error:
        words = ", not as a token endpoint does: something in front of it refuses the exporter"
        return Reason.BAD_RESPONSE, f"{words} (a firewall, bot protection or proxy)"
    return by_status, ""


def _codes(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what may be the code: RFC 6749's `error`, or what others put in its place."""
    error, errors = document.get("error"), document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    places: list[Any] = [error]
    if isinstance(error, dict):
        places += [error.get("status"), error.get("type"), error.get("code")]
    if isinstance(first, dict):  # Fitbit's errorType, Strava's code
        places += [first.get("errorType"), first.get("code")]
    # Okta's and HubSpot's own
    places += [document.get(name) for name in ("errorCode", "error_code", "code", "status")]
    for value in places:
        found = _WORD.match(value) if isinstance(value, str) else None
        if found and found[1].lower() not in _EMPTY:
            yield found[1]


def _meta(document: Mapping[str, Any], place: str, pause: float | None) -> ProbeError | None:
    """Return what an error of Meta's Graph API means, None for the errors of others."""
    error = document.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int):
        return None
    if code == META_DEAD:
        words = f"{place} with code {META_DEAD}: the token has expired or was taken back"
        return GrantRefusedError(Reason.AUTH, words, FINAL)
    reason = META_BUSY.get(code)
    return ProbeError(reason, f"{place} with code {code}", retry_after=pause) if reason else None


def _skew(headers: Mapping[str, str], now: float) -> str:
    """Return words on this machine's clock, where it is far from the endpoint's."""
    try:
        theirs = parsedate_to_datetime(headers.get("date", "")).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return ""
    ahead = now - theirs
    if abs(ahead) < SKEWED:
        return ""
    return (
        f"; this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the endpoint's"
    )
