"""What the answers of the simulated Twilio have in common: errors, pages, and whose account it is."""

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from exporter.sandbox.vendor import Call, Reply

SID = "AC5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
TOKEN = "sandboxPlantedAuthToken4242424242"  # noqa: S105 - made up, and accepted by the sandbox only
KEY_SID = "SK7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b"
KEY_SECRET = "sandboxPlantedKeySecret4242424242"  # noqa: S105 - made up, and accepted by the sandbox only
PARENT_SID = "AC9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d9d"
PARENT_TOKEN = "sandboxPlantedParentToken42424242"  # noqa: S105 - made up, and accepted by the sandbox only
NUMBER = "+15550001111"
CUSTOMER = "+15550002222"
MINUTE, HOUR, DAY = 60, 3600, 86_400
CORE = f"/2010-04-01/Accounts/{SID}"


def error(call: Call, status: int, code: int, message: str) -> Reply:
    """Return a refusal with Twilio's code, in the shape of the scenario."""
    if "chatty_errors" in call.scenarios:
        message = f"{message} You sent {call.headers.get('authorization', '')} {sent_credential(call)}"
    if "new_errors" in call.scenarios:
        body = {"type": "about:blank", "title": message, "status": status, "code": code, "detail": message}
        return Reply(status, body, {"Content-Type": "application/problem+json"})
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": message, "more_info": more, "status": status})


def sent_credential(call: Call) -> tuple[str, str]:
    """Return user and password of the call, empty where it has none."""
    kind, _, pair = call.headers.get("authorization", "").partition(" ")
    try:
        text = base64.b64decode(pair, validate=True).decode() if kind == "Basic" else ""
    except ValueError:
        return "", ""
    user, _, password = text.partition(":")
    return user, password


def ok(call: Call, body: Any) -> Reply:
    """Return an answer with the headers of all good ones."""
    if "no_numbers_of_load" in call.scenarios:
        return Reply(body=body)
    headers = {
        "Twilio-Concurrent-Requests": "3",
        "Twilio-Request-Duration": "0.080",
        "Twilio-Request-Id": "RQ00000000000000000000000000000000",
    }
    return Reply(body=body, headers=headers)


def page_of(call: Call, things: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Return one page of `things`, and the query of the next page."""
    size, page = min(int(call.one("PageSize", "50")), 1000), int(call.one("Page", "0"))
    rest = things[page * size :]
    kept = {name: call.one(name) for name in call.query if name not in ("Page", "PageToken")}
    following = urlencode({**kept, "Page": page + 1, "PageToken": f"PA{page}"})
    return rest[:size], following if len(rest) > size else ""


def page(call: Call, name: str, things: list[dict[str, Any]]) -> Reply:
    """Answer one page as the API of 2010 does."""
    found, following = page_of(call, things)
    uri = f"{call.path}?{following}" if following else None
    return ok(call, {"page": 0, "next_page_uri": uri, "previous_page_uri": None, name: found})


def new_page(call: Call, name: str, things: list[dict[str, Any]]) -> Reply:
    """Answer one page as the newer APIs do."""
    found, following = page_of(call, things)
    url = f"https://elsewhere.example{call.path}?{following}" if following else None
    return ok(call, {name: found, "meta": {"page": 0, "next_page_url": url, "key": name}})


def iso(when: float) -> str:
    """Return a time (Unix seconds) as Twilio's newer APIs write it."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
