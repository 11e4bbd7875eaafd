"""Twilio: HMAC of the whole URL and the fields of the form, in base64, in the header X-Twilio-Signature.

Signed is the URL as Twilio calls it (so `public_url` has to be what Twilio knows), followed by name and
value of each field of a form, sorted, each pair once. A body that is no form is signed by its SHA-256 in the
parameter `bodySHA256` of the URL. With HMAC-SHA1 the key is the auth token of the account; a request with
the header X-Twilio-Webhooks-Signature-Settings names its algorithm and is signed with a shared key, which is
one more of the secrets. Twilio signs some URLs with the default port and some without: both are accepted.

There is no time in it. The id of a webhook is the hash of what is signed, because nothing else in a repeated
request is sure to be the same: neither I-Twilio-Idempotency-Token nor where a field's name ends is signed.

A message or a call that comes in is answered by an empty TwiML document at once, which does nothing: what the
app answers later reaches nobody. So let Twilio call the app itself where it has to say what happens next.

Source: twilio.com/docs/usage/webhooks/webhooks-security and .../webhook-shared-keys, and the request
validator of twilio-python.
"""

import hmac
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit

from exporter.core.signature import (
    IncomingRequest,
    Refusal,
    Scheme,
    SignatureError,
    Trust,
    VerifiedWebhook,
)
from exporter.signatures._proof import check_any, digest, from_base64, mac, text_at, usable

HEADER = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
BODY_HASH = "bodySHA256"
FORM = "application/x-www-form-urlencoded"
ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
STATUS_FIELDS = ("MessageStatus", "SmsStatus", "CallStatus", "EventType")
"""Fields that say what happened, the first one there counts (twilio.com/docs, status callbacks)."""
MOST_FIELDS = 1_000
_PORTS = {"http": 80, "https": 443}

Fields = list[tuple[str, str]]


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return the hash of what is signed, and the status that a callback reports."""
    signature = from_base64(request.proof(HEADER))
    algorithm = _algorithm(request.header(SETTINGS))
    parts = _split(request.url)
    fields = _fields(request)
    _check_body(request, parts, fields)
    # Either way each pair is there once: that is how Twilio joins repeated fields.
    tail = "".join(name + value for name, value in sorted(set(fields or ())))
    ending = tail.encode("utf-8", "surrogateescape")
    urls = (*_with_and_without_port(parts), request.url)
    messages = [url.encode("utf-8", "replace") + ending for url in urls]
    check_any((mac(key, message, algorithm) for key in trust.secrets for message in messages), [signature])
    return VerifiedWebhook(digest(messages[0]), _type(request, fields))


def _algorithm(settings: str) -> str:
    words = dict(part.strip().partition("=")[::2] for part in settings.split(","))
    name = words.get("algorithm", "").strip().upper() or "HMAC_SHA1"
    if name not in ALGORITHMS:
        raise SignatureError(Refusal.UNKNOWN_KEY, f"{SETTINGS} names an algorithm that is not known")
    return ALGORITHMS[name]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SignatureError(Refusal.MALFORMED, "the URL cannot be read") from None
    return parts


def _fields(request: IncomingRequest) -> Fields | None:
    """Return the fields of a form, None where the body is none."""
    if request.header("Content-Type").partition(";")[0].strip().lower() != FORM:
        return None
    try:
        # Bytes that are no UTF-8 stay what they are.
        text = request.body.decode("ascii", "surrogateescape")
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise SignatureError(Refusal.MALFORMED, "the form has too many fields") from None


def _check_body(request: IncomingRequest, parts: SplitResult, fields: Fields | None) -> None:
    """Check the hash of the body in the URL wherever there is one: the type of content is not signed."""
    hashes = parse_qs(parts.query, keep_blank_values=True).get(BODY_HASH, [])
    if hashes:
        if not hmac.compare_digest(digest(request.body).encode(), hashes[0].encode("utf-8", "replace")):
            raise SignatureError(Refusal.MISMATCH, f"the body is not that of {BODY_HASH}")
    elif request.body and not fields:
        raise SignatureError(Refusal.MISSING, f"the body is no form, and the URL has no {BODY_HASH}")


def _with_and_without_port(parts: SplitResult) -> Iterator[str]:
    """Yield the URL without a port and with one: that of the scheme where it names none."""
    host = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc.rstrip(":")
    port = parts.port or _PORTS.get(parts.scheme, 443)
    yield parts._replace(netloc=host).geturl()
    yield parts._replace(netloc=f"{host}:{port}").geturl()


def _type(request: IncomingRequest, fields: Fields | None) -> str:
    known = dict(fields or ())
    found = (usable(known.get(name)) or text_at(request.body, name) for name in STATUS_FIELDS)
    return next(filter(None, found), "")


SCHEME = Scheme(
    "twilio", "Twilio", verify, signs_url=True, answer=b"<Response></Response>", answer_type="text/xml"
)
