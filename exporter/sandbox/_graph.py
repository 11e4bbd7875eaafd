"""What Meta's simulated APIs share: who may call, how errors look, usage headers, debug_token.

Written from developers.facebook.com/docs/graph-api (error handling, rate limiting, securing requests,
reference/debug_token, versioning). Nothing is taken from the probes that it answers.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exporter.sandbox.vendor import Call, Reply

APP_ID = "250000000000042"
APP_SECRET = "sandbox-app-secret-planted-4242"  # noqa: S105 - made up, for the sandbox alone
DAY = 86_400
VERSIONS = ("v23.0", "v24.0", "v25.0", "v26.0")

SCENARIOS = {
    "expired_token": "The token has expired.",
    "revoked_token": "The user changed the password, so that the token is void.",
    "expiring_token": "The token expires in two days.",
    "eternal_token": "The token never expires.",
    "odd_expiry": "The token's expiry is in milliseconds.",
    "missing_scope": "The token lacks scopes.",
    "unknown_scopes": "The token's scopes are not given.",
    "no_inspection": "The token may not be inspected.",
    "busy_app": "The app has used 93 % of its calls of the hour.",
    "bad_usage_header": "The usage headers are no JSON.",
    "regaining": "The account's calls are used up; access returns in 19 minutes.",
    "old_version": "The version that is asked for is no longer served; a newer one answers.",
    "unknown_field": "The version does not know the more special fields.",
    "require_proof": "The app requires an app secret proof with each call.",
    "transient": "An error that nobody has listed, marked as transient.",
    "chatty_errors": "Errors repeat the whole token they were sent.",
}


def error(status: int, code: int, message: str, subcode: int | None = None, **more: Any) -> Reply:
    """Answer the way every error of the Graph API looks."""
    kind = (
        "OAuthException" if code in (10, 101, 102, 104, 190) or 200 <= code < 300 else "GraphMethodException"
    )
    found: dict[str, Any] = {"message": message, "type": kind, "code": code, "fbtrace_id": "AbCdEfSandbox1"}
    if subcode is not None:
        found["error_subcode"] = subcode
    return Reply(status, {"error": {**found, **more}})


def _bearer(call: Call) -> str:
    return call.headers.get("authorization", "").removeprefix("Bearer ").strip() or call.one("access_token")


def _app_token(call: Call) -> str:
    return f"{APP_ID}|{call.credentials['app_secret']}"


def guard(call: Call) -> Reply | None:
    """Refuse a call without a good token, with a wrong proof, or for a version that never was."""
    token = _bearer(call)
    if not token:
        return error(401, 104, "An access token is required to request this resource.")
    # Only a user's token can expire or be revoked here; that of the app stays good.
    dead = _dead(call) if token == call.credentials["access_token"] else None
    # The token of an app is "id|secret": a wrong id is reported as such, a wrong secret as a wrong token.
    if "|" in token and not token.startswith(f"{APP_ID}|"):
        return error(400, 101, "Error validating application. Cannot get application info.")
    if token not in (call.credentials["access_token"], _app_token(call)):
        shown = token if "chatty_errors" in call.scenarios else "it"
        return error(401, 190, f"Invalid OAuth access token: {shown} cannot be parsed.")
    if call.path.split("/")[1] not in VERSIONS:
        return not_found(call)
    return dead or _proof(call, token) or _trouble(call)


def _dead(call: Call) -> Reply | None:
    if "expired_token" in call.scenarios:
        return error(401, 190, "Error validating access token: Session has expired.", 463)
    if "revoked_token" in call.scenarios:
        return error(401, 190, "The session was invalidated: the password was changed.", 460)
    return None


def _proof(call: Call, token: str) -> Reply | None:
    given = call.one("appsecret_proof")
    if not given and "require_proof" in call.scenarios:
        return error(400, 100, "API calls from the server require an appsecret_proof argument")
    key = call.credentials["app_secret"].encode()
    wanted = hmac.new(key, token.encode(), hashlib.sha256).hexdigest()
    # A proof is checked even where none is required.
    if given and given != wanted:
        return error(400, 100, "Invalid appsecret_proof provided in the API argument")
    return None


def _trouble(call: Call) -> Reply | None:
    if "transient" in call.scenarios:
        return error(400, 999_999, "Please retry your request later.", is_transient=True)
    return None


def rate_limited(header: Mapping[str, str]) -> Callable[[Call], Reply]:
    """Return a handler that throttles; `header` are the vendor's own headers with the wait."""

    def answer(_call: Call) -> Reply:
        # 400, not 429: that is how Meta has been seen to throttle.
        reply = error(400, 4, "(#4) Application request limit reached", is_transient=True)
        return Reply(reply.status, reply.body, header)

    return answer


def server_error(_call: Call) -> Reply:
    """Answer that the service is away for a while."""
    return error(503, 2, "Service temporarily unavailable", is_transient=True)


def not_found(_call: Call) -> Reply:
    """Answer a path that does not exist."""
    return error(400, 2500, "Unknown path components")


def no_object(call: Call) -> Reply:
    """Answer for an id that does not exist, or that the token may not see."""
    return error(400, 100, f"Unsupported get request. Object with ID '{call.path}' does not exist", 33)


def select_fields(call: Call, known: Sequence[str], special: Sequence[str]) -> list[str] | Reply:
    """Return the fields of the object that are wanted, or the refusal of one that is unknown.

    `special` are those that the scenario `unknown_field` takes away.
    """
    wanted = [name for name in call.one("fields").split(",") if name]
    lost = special if "unknown_field" in call.scenarios else ()
    for name in wanted:
        if name not in known or name in lost:
            return error(400, 100, f"(#100) Tried accessing nonexisting field ({name})")
    return wanted or ["id"]


def page(call: Call, items: Sequence[Mapping[str, Any]]) -> Reply:
    """Answer one page of a list, by cursors."""
    limit = int(call.one("limit", "25")) if call.one("limit", "25").isdigit() else 25
    after = call.one("after")
    start = int(after) if after.isdigit() else 0
    shown = list(items[start : start + limit])
    # The last page has cursors, too: only `next` is missing there.
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(start + len(shown))}}
    if start + len(shown) < len(items):
        paging["next"] = f"https://graph.facebook.com{call.path}?after={start + len(shown)}"
    return Reply(body={"data": shown, "paging": paging})


def with_usage(reply: Reply, call: Call, account: str, kind: str, more: Mapping[str, str]) -> Reply:
    """Return `reply` with the usage headers of an answer for `account`; `more` are the vendor's own."""
    if "bad_usage_header" in call.scenarios:
        spoiled = {"X-App-Usage": "{", "X-Business-Use-Case-Usage": "[1]"}
        return Reply(reply.status, reply.body, {**reply.headers, **spoiled})
    count = 93 if "busy_app" in call.scenarios else 28
    shut = "regaining" in call.scenarios
    entry = {
        "type": kind,
        "call_count": 100 if shut else 12,
        "total_cputime": 7,
        "total_time": 9,
        "estimated_time_to_regain_access": 19 if shut else 0,
    }
    # Another business of the app, nearer to its limit: a client must read its own entry.
    another = {**entry, "call_count": 99}
    headers = {
        "X-App-Usage": json.dumps({"call_count": count, "total_time": 25, "total_cputime": 21}),
        "X-Business-Use-Case-Usage": json.dumps({"777": [another], account: [entry]}),
        "Facebook-Api-Version": version_of(call),
        **more,
    }
    if shut:
        # 80008 is the throttle of WhatsApp's business management, 80004 that of ads management.
        reply = error(400, 80_008 if kind.startswith("whatsapp") else 80_004, "Too many calls", 2446079)
    return Reply(reply.status, reply.body, {**reply.headers, **headers})


def version_of(call: Call) -> str:
    """Return the version that answers."""
    return VERSIONS[-1] if "old_version" in call.scenarios else call.path.split("/")[1]


def debug_token(scopes: Sequence[str], reduced: Sequence[str]) -> Callable[[Call], Reply]:
    """Return the handler of GET /debug_token; `reduced` are the scopes of a token that lacks some."""

    def answer(call: Call) -> Reply:
        if "no_inspection" in call.scenarios:
            return error(
                400, 100, "(#100) You must provide an app access token, or an owner's or developer's"
            )
        token = call.one("input_token")
        if token == _app_token(call):
            return Reply(
                body={"data": {**_facts(call, scopes), "type": "APP", "expires_at": 0, "scopes": []}}
            )
        # 200 even for a token that is not known: the body says that it is not valid.
        if token != call.credentials["access_token"]:
            error_of = {"code": 190, "message": "Invalid OAuth access token."}
            return Reply(body={"data": {"is_valid": False, "error": error_of, "scopes": []}})
        return Reply(body={"data": _facts(call, reduced if "missing_scope" in call.scenarios else scopes)})

    return answer


def _facts(call: Call, scopes: Sequence[str]) -> dict[str, Any]:
    now = int(call.now)
    ends = now + (2 * DAY if "expiring_token" in call.scenarios else 50 * DAY)
    if "odd_expiry" in call.scenarios:
        # Milliseconds: a time in the far future that a client must not export.
        ends *= 1000
    found: dict[str, Any] = {
        "app_id": APP_ID,
        "type": "USER",
        "application": "Sandbox App",
        "expires_at": 0 if "eternal_token" in call.scenarios else ends,
        "data_access_expires_at": 0 if "eternal_token" in call.scenarios else now + 80 * DAY,
        "is_valid": True,
        "issued_at": now - 10 * DAY,
        "scopes": None if "unknown_scopes" in call.scenarios else list(scopes),
        "user_id": "42",
    }
    return found
