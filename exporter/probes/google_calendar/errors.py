"""What a refusal by Google means.

Sources: developers.google.com/workspace/calendar/api/guides/errors, google/api/error_reason.proto, RFC 6749
section 5.2.
"""

import re
from collections.abc import Iterator
from typing import Any

from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.reason import Reason
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status
from exporter.probes._vendor_api import refusal_of

_PER_DAY = re.compile(r"per_?-?day", re.IGNORECASE)
_NOT_ENABLED = "the Calendar API is not enabled in the client's project"
_SCOPES = "the token lacks a scope for this call"
_USER_QUOTA = "the user's or project's quota of Google Calendar is used up"

_BY_NAME: dict[str, tuple[Reason, str]] = {
    "authError": (Reason.AUTH, "the access token is wrong, expired or revoked"),
    "ACCESS_TOKEN_EXPIRED": (Reason.AUTH, "the access token has expired"),
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": (Reason.AUTH, "the access token is of a kind that is not taken"),
    "invalid_token": (Reason.AUTH, "the access token is wrong, expired or revoked"),
    "insufficientPermissions": (Reason.PERMISSION, _SCOPES),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (Reason.PERMISSION, _SCOPES),
    # Not `not_configured`: that raises no alert, although the API was switched off under a live platform.
    "accessNotConfigured": (Reason.PERMISSION, _NOT_ENABLED),
    "SERVICE_DISABLED": (Reason.PERMISSION, _NOT_ENABLED),
    "forbidden": (Reason.PERMISSION, "the user may not do this with the calendar"),
    "forbiddenForNonOrganizer": (Reason.PERMISSION, "the user may not do this with the calendar"),
    "userRateLimitExceeded": (Reason.RATE_LIMITED, "too many calls for this user"),
    "rateLimitExceeded": (Reason.RATE_LIMITED, "too many calls for this calendar or user"),
    "RATE_LIMIT_EXCEEDED": (Reason.RATE_LIMITED, "too many calls for this project"),
    "quotaExceeded": (Reason.QUOTA, _USER_QUOTA),
    "dailyLimitExceeded": (Reason.QUOTA, _USER_QUOTA),
    "notFound": (Reason.NOT_FOUND, "there is no such calendar, or this user may not see it"),
    "duplicate": (Reason.BAD_RESPONSE, ""),
    "conditionNotMet": (Reason.BAD_RESPONSE, ""),
    "fullSyncRequired": (Reason.BAD_RESPONSE, ""),
    "updatedMinTooLongAgo": (Reason.BAD_RESPONSE, ""),
    "timeRangeEmpty": (Reason.BAD_RESPONSE, ""),
    "badRequest": (Reason.BAD_RESPONSE, ""),
    "backendError": (Reason.VENDOR_ERROR, ""),
    "internalError": (Reason.VENDOR_ERROR, ""),
    "groupTooBig": (Reason.BAD_RESPONSE, ""),
    "tooManyCalendarsRequested": (Reason.BAD_RESPONSE, ""),
    # Of the token endpoint.
    "invalid_client": (Reason.AUTH, "client_id or client_secret is wrong, or the client was deleted"),
    "unauthorized_client": (Reason.PERMISSION, "the client may not refresh tokens"),
    "admin_policy_enforced": (Reason.PERMISSION, "an administrator restricts the app"),
    "access_denied": (Reason.PERMISSION, "an administrator restricts the app"),
    "invalid_scope": (Reason.PERMISSION, "the scopes were not granted"),
    "internal_failure": (Reason.VENDOR_ERROR, ""),
    "server_error": (Reason.VENDOR_ERROR, ""),
    "temporarily_unavailable": (Reason.VENDOR_ERROR, ""),
}


def refusal(place: str, answer: Answer, now: float) -> ProbeError:
    """Return the error that `answer` means; `now` is Unix seconds.

    `place` names the call without any id. Google's own message is left out: it may repeat a calendar's id,
    which is a person's address.
    """
    names = tuple(names_of(answer))
    reason, words = _meaning_of(answer.status, names)
    # One reason covers limits of a minute and of a day: only the limit's name says that waiting is no help.
    if reason is Reason.RATE_LIMITED and any(map(_PER_DAY.search, _limits_of(answer))):
        reason, words = Reason.QUOTA, "the project's calls of a day are used up"
    shown = f" ({', '.join(names)}{f': {words}' if words else ''})" if names else ""
    pause = pause_of(answer.headers, now)
    return ProbeError(reason, f"{place} answered HTTP {answer.status}{shown}", retry_after=pause)


def _limits_of(answer: Answer) -> Iterator[str]:
    """Yield the names of the limits that were reached: `quota_limit` of google/rpc/error_details.proto."""
    error = refusal_of(answer).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    for item in details if isinstance(details, list) else ():
        metadata = item.get("metadata") if isinstance(item, dict) else None
        limit = metadata.get("quota_limit") if isinstance(metadata, dict) else None
        if isinstance(limit, str):
            yield limit


def of_calendar(names: tuple[str, ...]) -> ProbeError:
    """Return what the errors of one calendar within an answer of 200 mean (freeBusy)."""
    reason, words = _meaning_of(400, names)
    shown = f"{', '.join(names) or 'no reason'}{f': {words}' if words else ''}"
    return ProbeError(reason, f"free_busy reports an error of the calendar ({shown})")


def names_of(answer: Answer) -> Iterator[str]:
    """Yield the reasons that the body names, the more special ones of `details` first, each once."""
    error = refusal_of(answer).get("error")
    if not isinstance(error, dict):
        # The token endpoint answers {"error": "invalid_grant"}: a text (RFC 6749, section 5.2).
        yield from filter(_is_name, (error,))
        return
    listed = (*reasons_in(error.get("details")), *reasons_in(error.get("errors")))
    yield from dict.fromkeys(listed)


def reasons_in(items: Any) -> Iterator[str]:
    """Yield the field `reason` of each of `items` that has a plausible one."""
    for item in items if isinstance(items, list) else ():
        name = item.get("reason") if isinstance(item, dict) else None
        if _is_name(name):
            yield str(name)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{1,64}", value) is not None


def _meaning_of(status: int, names: tuple[str, ...]) -> tuple[Reason, str]:
    for name in names:
        if name in _BY_NAME:
            return _BY_NAME[name]
    return reason_of_status(status) or Reason.BAD_RESPONSE, ""
