"""What a token endpoint answered: a token and its lifetime, or the reason why there is none."""

import re
from typing import Any

from exporter.core.body import json_of
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Trace
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import FLOOR, TokenResponse
from exporter.net.token_errors import is_refusal, refusal

LONGEST_LIFE = 10 * 365 * 86_400.0
"""Seconds; who says that a token lives longer did not mean seconds."""

_BEARER = ("bearertoken", "bearer_token", "bot", "user")
"""Other names for Bearer: Apigee's BearerToken, Slack's bot and user (docs.slack.dev, oauth.v2.access)."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}\Z")


def read(answer: Answer, now: float, trace: Trace) -> TokenResponse:
    """Return what was granted; raise ProbeError, a GrantRefusedError where asking again cannot help.

    `now` is Unix seconds. Of an error only the code is reported, not what the endpoint says of it: that may
    repeat the secret. An odd lifetime is implausible and counts as drift.
    """
    document = _object(answer)
    if not 200 <= answer.status < 300 or (document and document.get("error")):
        raise refusal(answer, document, now)
    if document is None:
        raise ProbeError(Reason.BAD_RESPONSE, "the token endpoint answered with no JSON object")
    token = document.get("access_token")
    if token is None and is_refusal(document):
        raise refusal(answer, document, now)
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise ProbeError(Reason.BAD_RESPONSE, "the token endpoint's answer has no usable access_token")
    _check_type(document.get("token_type"), trace)
    expires_in = document.get("expires_in")
    life = _lifetime(expires_in, "expires_in", trace)
    return TokenResponse(
        access=Secret(token),
        life=life,
        refresh=_refresh_token(document.get("refresh_token"), trace),
        refresh_life=_lifetime(document.get("refresh_token_expires_in"), "refresh_token_expires_in", trace),
        scopes=_scopes(document.get("scope"), trace),
        implausible=expires_in is not None and (life is None or life < FLOOR),
    )


def _check_type(kind: Any, trace: Trace) -> None:
    """Refuse a token that is not sent as `Bearer` (RFC 6749, section 7.1); odd names for it are drift."""
    name = kind.strip().lower() if isinstance(kind, str) else kind
    if name in (None, "", *_BEARER):
        trace.drift.append("token_type")
    elif name != "bearer":
        raise ProbeError(Reason.BAD_RESPONSE, "the token is not of the type Bearer")


def _refresh_token(value: Any, trace: Trace) -> Secret | None:
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


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        found = json_of(answer)
    except ProbeError:
        return None
    return found if isinstance(found, dict) else None


def _lifetime(value: Any, name: str, trace: Trace) -> float | None:
    """Return the seconds of a life, which RFC 6749 only recommends; some write it as text.

    A life of 0 is none: servers mean "never" by it, or hand out a token in its last second.
    """
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = float(value[:20])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_LIFE:
        return float(value)
    trace.drift.append(name)
    return None
