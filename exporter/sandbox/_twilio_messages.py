"""The messages of the simulated Twilio: a list of what was sent, and sending itself.

Written from www.twilio.com/docs/messaging/api/message-resource and /docs/iam/test-credentials, whose magic
numbers are refused here, too.
"""

import hashlib
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from exporter.sandbox._twilio_answers import CUSTOMER, HOUR, NUMBER, SID, error, ok, page
from exporter.sandbox.vendor import Call, Reply

TEXT = "Your code is 4242"
LONGEST = 1600
"""Characters of a body at most (error 21617)."""

REFUSED = {
    "+15005550001": (21211, "The 'To' number is not a valid phone number."),
    "+15005550002": (21612, "Twilio cannot route to this number."),
    "+15005550003": (21408, "The account lacks the permission to send to this region."),
    "+15005550004": (21610, "The recipient has opted out."),
    "+15005550009": (21614, "The 'To' number is incapable of receiving text messages."),
}
"""Twilio's magic numbers, each with the error that it is for."""


def messages(call: Call) -> Reply:
    """Answer what was sent since a day."""
    if not call.one("DateSent>"):
        return error(call, 400, 20001, "give the first day")
    since = datetime.fromisoformat(call.one("DateSent>")).replace(tzinfo=UTC).timestamp()
    made = [_message(call, *sent) for sent in _traffic(call.scenarios)]
    fitting = [message for when, message in made if when >= since]
    return page(call, "messages", fitting)


# Age in seconds, recipient, status, error code.
SentMessage = tuple[int, str, str, Any]


def _traffic(on: frozenset[str]) -> list[SentMessage]:
    phone, chat = CUSTOMER, f"whatsapp:{CUSTOMER}"
    if "quiet_account" in on:
        return []
    if "busy_account" in on:
        return [(index, phone, "delivered", None) for index in range(2500)]
    if "unreachable_phones" in on:
        return [
            (30 * index, phone, *(("undelivered", 30003) if index % 2 else ("delivered", None)))
            for index in range(80)
        ]
    if "whatsapp_refused" in on:
        codes = {0: 63016, 1: 63051, 2: 63016}
        return [
            (60 * index, chat, *(("failed", codes[index % 4]) if index % 4 in codes else ("read", None)))
            for index in range(40)
        ]
    good: list[SentMessage] = [(60 * index, phone, "delivered", None) for index in range(50)]
    rest: list[SentMessage] = [
        (10, phone, "queued", None),
        (20, phone, "sent", None),
        (130, phone, "received", None),
        (700, phone, "undelivered", 30007),
        (800, phone, "failed", "21610"),
        (900, chat, "read", None),
        (1000, "messenger:1234", "delivered", None),
        (1100, phone, "canceled", None),
        (1200, phone, "partially_delivered", None),
        (1300, phone, "failed", None),
        (2 * HOUR, phone, "failed", 30002),
    ]
    return sorted((*good, *rest), key=lambda sent: sent[0])


def _message(call: Call, age: int, recipient: str, status: str, code: Any) -> tuple[float, dict[str, Any]]:
    when = call.now - age
    rfc = format_datetime(datetime.fromtimestamp(when, UTC))
    broken = "null_fields" in call.scenarios
    inbound = status == "received"
    return when, {
        "sid": f"SM{age:032d}",
        "account_sid": SID,
        "direction": "inbound" if inbound else "outbound-api",
        "from": CUSTOMER if inbound else NUMBER,
        "to": NUMBER if inbound else recipient,
        "body": TEXT,
        "status": None if broken else status,
        "error_code": code,
        "error_message": None,
        "date_created": None if broken and age < HOUR / 4 else rfc,
        "date_sent": None if status == "queued" or broken else rfc,
        "price": None,
        "price_unit": "USD",
        "num_segments": "1",
    }


def send(call: Call) -> Reply:
    """Take a message, or refuse it as Twilio would."""
    if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return error(call, 400, 21604, "A 'To' phone number is required.")
    form = {name: values[0] for name, values in parse_qs(call.body.decode(), keep_blank_values=True).items()}
    to, sender = form.get("To", ""), form.get("From", "")
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
        return error(call, 400, 21211, "The 'To' number is not a valid phone number.")
    if not sender and not form.get("MessagingServiceSid"):
        return error(call, 400, 21603, "A 'From' phone number is required.")
    if sender and (sender != NUMBER or "number_released" in call.scenarios):
        return error(call, 400, 21606, "The 'From' number is not a number of this account.")
    if not form.get("Body"):
        return error(call, 400, 21602, "A message body is required.")
    if len(form["Body"]) > LONGEST:
        return error(call, 400, 21617, "The message body exceeds the 1600 character limit.")
    if "trial_account" in call.scenarios and to != CUSTOMER:
        return error(call, 400, 21608, "The number is unverified: trial accounts cannot send to it.")
    if to in REFUSED:
        return error(call, 400, *REFUSED[to])
    # A call leaves nothing behind, so its own name says what it was.
    sid = f"SM{hashlib.md5(call.body, usedforsecurity=False).hexdigest()}"
    sent = {"sid": sid, "status": "queued", "to": to, "from": sender or None, "body": form["Body"]}
    taken = ok(call, {**sent, "account_sid": SID, "error_code": None, "error_message": None})
    return Reply(201, taken.body, taken.headers)


def one_message(call: Call) -> Reply:
    """Answer what became of a message; every name of the right form is one."""
    sid = call.match["message"]
    if not re.fullmatch(r"(SM|MM)[0-9a-f]{32}", sid):
        return error(call, 404, 20404, f"The requested resource {call.path} was not found")
    status, code = "delivered", None
    if "unreachable_phones" in call.scenarios:
        status, code = "undelivered", 30003
    if "slow_carrier" in call.scenarios:
        status = "sent"
    return ok(call, {"sid": sid, "account_sid": SID, "status": status, "error_code": code})
