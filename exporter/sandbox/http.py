"""Simulates a service of our own with a health page: what the provider `http` is most often pointed at.

GET /health      200 {"status": "ok", "queue": {"name": "mail", "length": 3}} for a bearer token
POST /token      a token for ten minutes by OAuth 2.0 client credentials (RFC 6749, section 4.4), for the
                 client `sandbox` by HTTP Basic
"""

import base64
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

TOKEN = "sandbox-planted-token-4242"  # noqa: S105 - made up, and accepted by the sandbox only
CLIENT_SECRET = "sandbox-planted-client-secret-4242"  # noqa: S105 - the same
LIFETIME = 600

SCENARIOS = {
    "degraded": "The service answers 200 but says that it is degraded.",
    "long_queue": "The queue grows to 250 jobs.",
}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": f"{endpoint.tls_url}/health",
        "tls": {"ca_file": endpoint.ca_file},
        "auth": {"bearer": {"token": TOKEN}},
        "expect": {"status": [200], "body": ["status == 'ok'"]},
        "extract": [
            {
                "metric": "queue_length",
                "path": "queue.length",
                "help": "Jobs waiting.",
                "labels": {"queue": "queue.name"},
            }
        ],
    }


def _guard(call: Call) -> Reply | None:
    if call.path == "/token" or _bearer(call):
        return None
    return Reply(401, {"error": "unauthorized"}, {"WWW-Authenticate": "Bearer"})


def _bearer(call: Call) -> bool:
    """Return whether the call has the fixed token, or an issued one: that with its expiry behind."""
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    fixed, _, end = token.partition("~")
    alive = not end or (end.isdecimal() and call.now < int(end))
    return (kind, fixed) == ("Bearer", call.credentials["token"]) and alive


def _token(call: Call) -> Reply:
    form = parse_qs(call.body.decode("utf-8", "replace"))
    if _client(call) != ("sandbox", call.credentials["client_secret"]):
        return Reply(401, {"error": "invalid_client"}, {"WWW-Authenticate": "Basic"})
    if call.headers.get("content-type") != "application/x-www-form-urlencoded" or "grant_type" not in form:
        return Reply(400, {"error": "invalid_request"})
    if form["grant_type"] != ["client_credentials"]:
        return Reply(400, {"error": "unsupported_grant_type"})
    token = f"{call.credentials['token']}~{int(call.now) + LIFETIME}"
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME}
    return Reply(200, answer, {"Cache-Control": "no-store"})


def _client(call: Call) -> tuple[str, str]:
    kind, _, pair = call.headers.get("authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    # RFC 6749, section 2.3.1: both are form-encoded before they go into HTTP Basic.
    return (unquote_plus(name), unquote_plus(secret)) if kind == "Basic" else ("", "")


def _health(call: Call) -> Reply:
    return Reply(
        body={
            "status": "degraded" if "degraded" in call.scenarios else "ok",
            "queue": {"name": "mail", "length": 250 if "long_queue" in call.scenarios else 3},
        }
    )


VENDOR = Vendor(
    name="http",
    title="A service with a health page",
    options=_options,
    credentials={"token": TOKEN, "client_secret": CLIENT_SECRET},
    guard=_guard,
    routes={"GET /health": _health, "POST /token": _token},
    scenarios=SCENARIOS,
    # The answer is well-formed; it only does not say what the configuration expects.
    reasons={"missing_field": "assertion"},
)
