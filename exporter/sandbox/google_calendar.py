"""Simulates Google's token endpoint, tokeninfo, and the read side of the Calendar API.

Written from developers.google.com/identity/protocols/oauth2, developers.google.com/workspace/calendar/api (v3
reference, guides/errors) and google-auth. An access token holds when it was issued, as nothing is kept here.
"""

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from exporter.sandbox.vendor import Call, Endpoint, Handler, Reply, Vendor

CLIENT_ID = "4242-sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-sandboxPlanted4242"  # noqa: S105 - made up, for the sandbox alone
REFRESH = "1//sandboxRefreshPlanted4242"
TOKEN = "ya29.sandboxAccessPlanted4242"  # noqa: S105 - made up, for the sandbox alone
ACCOUNT = "robot@sandbox.iam.gserviceaccount.com"
OWNER = "owner@studio.example"
SHARED = "team@group.calendar.google.com"
LIFE = 3599
PREFIX = "https://www.googleapis.com/auth/"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

# Scopes that a scenario leaves of those granted on a good day.
_GRANTED = {
    "freebusy_scope": ("calendar.freebusy",),
    "calendars_scope": ("calendar.calendars.readonly",),
    "list_scope": ("calendar.calendarlist.readonly",),
    "settings_scope": ("calendar.settings.readonly",),
    "app_created_scope": ("calendar.app.created",),
    "read_only_scope": ("calendar.events.readonly",),
    "no_calendar_scope": ("userinfo.email",),
}
_GOOD = ("calendar.events", "userinfo.email")

# What the API refuses with: status, reason in errors[], reason in details[] (guides/errors).
_REFUSALS = {
    "user_rate_limit": (403, "userRateLimitExceeded", ""),
    "project_rate_limit": (429, "rateLimitExceeded", "RATE_LIMIT_EXCEEDED"),
    "usage_limit": (403, "quotaExceeded", ""),
    "daily_limit": (403, "dailyLimitExceeded", ""),
    "api_disabled": (403, "accessNotConfigured", "SERVICE_DISABLED"),
    "lost_calendar": (404, "notFound", ""),
    "forbidden_calendar": (403, "forbidden", ""),
    "backend_error": (503, "backendError", ""),
}

SCENARIOS = {
    **{name: f"The token has only {', '.join(scopes)}." for name, scopes in _GRANTED.items()},
    **{name: f"Each call is refused with {why[1]}." for name, why in _REFUSALS.items()},
    "expired_token": "Access tokens that are older than a minute, and the lasting one, are taken no more.",
    "dead_refresh_token": "The refresh token was revoked by its user.",
    "session_policy": "The administrator wants the user to sign in again.",
    "restricted_app": "An administrator restricts the app.",
    "refused_delegation": "The service account is not authorised to act for users.",
    "no_token_info": "Nobody can tell what a token is.",
    "odd_token_info": "The inspection of a token has fields of other types.",
    "reader_role": "The calendar is shared with the role reader.",
    "unlisted_role": "The role on the calendar is one that nobody has listed.",
    "unknown_role": "The role on the calendar is not given.",
    "free_busy_error": "Asked for free and busy times, the calendar has an error of its own.",
    "chatty_errors": "Errors repeat the whole token they were sent.",
}


@cache
def _key() -> rsa.RSAPrivateKey:
    # Made once for a process: it takes long, and the key file and the token endpoint need the same one.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account() -> str:
    """Return the JSON key of the sandbox's service account, as Google's console gives it out."""
    pem = _key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "sandbox",
            "private_key_id": "sandbox-key-1",
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            # A client that took its token endpoint from here would fail: the file may be a tenant's.
            "token_uri": "https://elsewhere.invalid/token",
        }
    )


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH,
        "scopes": ["calendar.events"],
        "access_role": "writer",
        "base_url": f"{endpoint.tls_url}/calendar/v3",
        "token_url": f"{endpoint.tls_url}/token",
        "tokeninfo_url": f"{endpoint.tls_url}/tokeninfo",
        "tls": {"ca_file": endpoint.ca_file},
    }


def _token(call: Call) -> Reply:
    form = {name: found[0] for name, found in parse_qs(call.body.decode("utf-8", "replace")).items()}
    if call.headers.get("content-type") != "application/x-www-form-urlencoded":
        return _refuse("invalid_request", call, form)
    if form.get("grant_type") == JWT_BEARER:
        return _assertion(call, form)
    if form.get("grant_type") != "refresh_token":
        return _refuse("unsupported_grant_type", call, form)
    if "restricted_app" in call.scenarios:
        return _refuse("admin_policy_enforced", call, form)
    secret = call.credentials["client_secret"]
    if form.get("client_id") != CLIENT_ID or form.get("client_secret") != secret:
        return _refuse("invalid_client", call, form, 401)
    if "session_policy" in call.scenarios:
        return _refuse("invalid_grant", call, form, error_subtype="invalid_rapt")
    dead = "dead_refresh_token" in call.scenarios
    if dead or form.get("refresh_token") != call.credentials["refresh_token"]:
        return _refuse("invalid_grant", call, form)
    return _issued(call)


def _assertion(call: Call, form: dict[str, str]) -> Reply:
    if "refused_delegation" in call.scenarios:
        return _refuse("unauthorized_client", call, form, 401)
    try:
        claims = jwt.decode(
            form.get("assertion", ""),
            _key().public_key(),
            algorithms=["RS256"],
            # The sandbox has a clock of its own, and is found at another address than Google.
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
        )
    except jwt.PyJWTError:
        return _refuse("invalid_grant", call, form)
    # Google takes an assertion for an hour at most; a minute is left for clocks that differ.
    timely = claims["iat"] - 60 <= call.now < claims["exp"] <= claims["iat"] + 3600
    good = claims["iss"] == ACCOUNT and str(claims["aud"]).endswith("/token") and timely
    if not good or not str(claims.get("scope", "")).startswith(PREFIX):
        return _refuse("invalid_grant", call, form)
    return _issued(call)


def _issued(call: Call) -> Reply:
    return Reply(
        body={
            # The token holds its time of issue, so that the vendor stays a pure function without memory.
            "access_token": f"{call.credentials['access_token']}.{int(call.now)}",
            "expires_in": LIFE,
            "scope": _scope_text(call),
            "token_type": "Bearer",
        }
    )


def _refuse(code: str, call: Call, form: dict[str, str], status: int = 400, **more: str) -> Reply:
    said = f"No: {form}" if "chatty_errors" in call.scenarios else "Token has been expired or revoked."
    return Reply(status, {"error": code, "error_description": said, **more})


def _scopes(call: Call) -> tuple[str, ...]:
    return next((scopes for name, scopes in _GRANTED.items() if name in call.scenarios), _GOOD)


def _scope_text(call: Call) -> str:
    return " ".join(PREFIX + scope for scope in _scopes(call))


def _issue_time(call: Call, token: str) -> int | None:
    """Return when a good token was issued, None for one that is not good; the lasting one is always new."""
    base = call.credentials["access_token"]
    if token == base:
        return None if "expired_token" in call.scenarios else int(call.now)
    issued = token.removeprefix(f"{base}.")
    age = call.now - int(issued) if token != issued and issued.isdigit() else -1
    longest = 60 if "expired_token" in call.scenarios else LIFE
    return int(issued) if 0 <= age < longest else None


def _token_info(call: Call) -> Reply:
    if "no_token_info" in call.scenarios:
        return Reply(503, b"<html>unavailable</html>", {"Content-Type": "text/html"})
    token = call.one("access_token")
    issued = _issue_time(call, token)
    if issued is None:
        said = f"Invalid Value {token}" if "chatty_errors" in call.scenarios else "Invalid Value"
        return Reply(400, {"error": "invalid_token", "error_description": said})
    odd = "odd_token_info" in call.scenarios
    return Reply(
        body={
            "azp": CLIENT_ID,
            "aud": CLIENT_ID,
            "sub": "104242",
            "scope": ["calendar"] if odd else _scope_text(call),
            # Google writes the numbers of tokeninfo as texts.
            "exp": "tomorrow" if odd else str(issued + LIFE),
            "expires_in": str(issued + LIFE - int(call.now)),
            "access_type": "offline",
        }
    )


def _error(status: int, reason: str, detail: str = "", message: str = "refused") -> Reply:
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "errors": [{"domain": "calendar", "reason": reason, "message": message}],
    }
    if detail:
        # The more exact reason is in an ErrorInfo, which need not be the first detail.
        error["details"] = [
            {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail},
        ]
    return Reply(status, {"error": error})


def _calendar_api(accepted: tuple[str, ...], handler: Handler) -> Handler:
    """Return `handler` behind Google's door, which looks at the token and at its scopes."""

    def answer(call: Call) -> Reply:
        token = call.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not token or _issue_time(call, token) is None:
            said = (
                f"Invalid Credentials {token}" if "chatty_errors" in call.scenarios else "Invalid Credentials"
            )
            return _error(401, "authError", message=said)
        if not {"calendar", "calendar.readonly", *accepted} & set(_scopes(call)):
            return _error(403, "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        for name, (status, reason, detail) in _REFUSALS.items():
            if name in call.scenarios:
                return _error(status, reason, detail)
        return handler(call)

    return answer


def _missing(call: Call) -> Reply | None:
    """Return the refusal of a calendar that does not exist, or that the scopes do not reach."""
    name = unquote(call.match["calendar"])
    if name not in ("primary", OWNER, SHARED):
        return _error(404, "notFound")
    # That scope reaches only calendars that the app has made.
    if name != SHARED and _scopes(call) == ("calendar.app.created",):
        return _error(404, "notFound")
    return None


def _events(call: Call) -> Reply:
    if refusal := _missing(call):
        return refusal
    role: Any = "reader" if "reader_role" in call.scenarios else "owner"
    role = "director" if "unlisted_role" in call.scenarios else role
    body = {
        "kind": "calendar#events",
        "summary": OWNER,
        "updated": "2026-11-01T10:00:00.000Z",
        "timeZone": "Europe/Berlin",
        "accessRole": None if "unknown_role" in call.scenarios else role,
        # Personal data, which a probe must not ask for: `fields` leaves it out.
        "items": [{"summary": "Dentist"}],
    }
    return _only(call, body)


def _calendar(call: Call) -> Reply:
    return _missing(call) or _only(
        call, {"kind": "calendar#calendar", "id": OWNER, "timeZone": "Europe/Berlin"}
    )


def _list(kind: str) -> Handler:
    return lambda call: _only(call, {"kind": kind, "items": [{"id": OWNER}]})


def _free_busy(call: Call) -> Reply:
    try:
        asked = json.loads(call.body)
        wanted = [item["id"] for item in asked["items"]]
        sound = asked["timeMin"] < asked["timeMax"]
    except (ValueError, KeyError, TypeError):
        return _error(400, "badRequest")
    if not sound:
        return _error(400, "timeRangeEmpty")
    # freeBusy answers 200 even then: each calendar has errors of its own.
    lost = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    broken = "free_busy_error" in call.scenarios
    calendars: dict[str, Any] = {
        name: {"busy": []} if name in ("primary", OWNER, SHARED) and not broken else lost for name in wanted
    }
    return Reply(body={"kind": "calendar#freeBusy", "calendars": calendars})


def _only(call: Call, body: dict[str, Any]) -> Reply:
    """Answer with the fields that were asked for."""
    names = [name for name in call.one("fields").split(",") if name]
    return Reply(body={name: body[name] for name in names if name in body} if names else body)


_EVENT_SCOPES = (
    "calendar.events",
    "calendar.events.readonly",
    "calendar.events.owned",
    "calendar.events.owned.readonly",
    "calendar.events.freebusy",
    "calendar.events.public.readonly",
    "calendar.app.created",
)
_COLOR_SCOPES = (
    "calendar.calendarlist",
    "calendar.calendarlist.readonly",
    *(scope for scope in _EVENT_SCOPES if scope not in ("calendar.events", "calendar.events.readonly")),
)


def _rate_limited(_call: Call) -> Reply:
    reply = _error(429, "rateLimitExceeded", "RATE_LIMIT_EXCEEDED")
    # Google documents no such header; a client that gets it nevertheless should obey.
    return Reply(reply.status, reply.body, {"Retry-After": "7"})


VENDOR = Vendor(
    name="google_calendar",
    title="Google Calendar",
    options=_options,
    credentials={"client_secret": CLIENT_SECRET, "refresh_token": REFRESH, "access_token": TOKEN},
    rate_limited=_rate_limited,
    server_error=lambda _call: _error(500, "backendError"),
    not_found=lambda _call: Reply(404, b"<html>Not Found</html>", {"Content-Type": "text/html"}),
    scenarios=SCENARIOS,
    routes={
        "POST /token": _token,
        "GET /tokeninfo": _token_info,
        "GET /calendar/v3/calendars/{calendar}/events": _calendar_api(_EVENT_SCOPES, _events),
        "GET /calendar/v3/calendars/{calendar}": _calendar_api(
            ("calendar.calendars", "calendar.calendars.readonly", "calendar.app.created"), _calendar
        ),
        "GET /calendar/v3/users/me/calendarList": _calendar_api(
            ("calendar.calendarlist", "calendar.calendarlist.readonly"), _list("calendar#calendarList")
        ),
        "GET /calendar/v3/users/me/settings": _calendar_api(
            ("calendar.settings", "calendar.settings.readonly"), _list("calendar#settings")
        ),
        "POST /calendar/v3/freeBusy": _calendar_api(
            ("calendar.freebusy", "calendar.events.freebusy"), _free_busy
        ),
        "GET /calendar/v3/colors": _calendar_api(_COLOR_SCOPES, _list("calendar#colors")),
    },
)
