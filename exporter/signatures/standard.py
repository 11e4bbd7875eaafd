"""Standard Webhooks, which Svix, Resend, Clerk and others send: HMAC-SHA256 of id, time and body, in base64.

The headers are `webhook-id`, `webhook-timestamp` (Unix seconds) and `webhook-signature`, or the same with
`svix-`. The last holds `v1,<base64>`, several separated by blanks while a secret rotates; other versions,
such as `v1a` by Ed25519, are not read. The key is what comes behind `whsec_`, decoded. An id stays the same
when a webhook is sent again. Source: github.com/standard-webhooks/standard-webhooks,
spec/standard-webhooks.md; docs.svix.com, "Verifying payloads manually"; resend.com/docs/webhooks.
"""

import base64
from collections.abc import Iterator, Sequence

from exporter.core.delivery import HeaderLines
from exporter.core.options import Options
from exporter.core.signature import (
    IncomingRequest,
    Refusal,
    Scheme,
    SignatureError,
    Trust,
    VerifiedWebhook,
)
from exporter.core.standard_secret import key_of
from exporter.signatures._proof import check_any, check_fresh, from_base64, header_bytes, mac, text_at, usable

PREFIXES = ("webhook-", "svix-")
VERSION = "v1"


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return the id of the message, and the type that its body says."""
    prefix = next((one for one in PREFIXES if request.header(f"{one}signature")), PREFIXES[0])
    message_id, timestamp = request.proof(f"{prefix}id"), request.proof(f"{prefix}timestamp")
    content = _content(message_id, timestamp, request.body)
    expected = [mac(key, content) for secret in trust.secrets if (key := _key(secret))]
    check_any(expected, _signatures(request.proof(f"{prefix}signature")))
    check_fresh(timestamp, request.received, trust.tolerance)
    return VerifiedWebhook(usable(message_id), text_at(request.body, "type"))


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> HeaderLines:
    """Return the headers that prove a webhook of ours: a signature for each of `secrets`, in their order.

    `timestamp` is that of the attempt, in Unix seconds; ValueError where a secret is none.
    """
    content = _content(message_id, str(timestamp), body)
    signatures = (base64.b64encode(mac(key_of(secret), content)).decode() for secret in secrets)
    return (
        ("webhook-id", message_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(f"{VERSION},{signature}" for signature in signatures)),
    )


def _content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return header_bytes(f"{message_id}.{timestamp}.") + body


def _signatures(header: str) -> list[bytes]:
    pairs = (part.partition(",") for part in header.split(" "))
    found = [from_base64(value) for version, _, value in pairs if version == VERSION]
    if not found:
        raise SignatureError(Refusal.MALFORMED, f"the signature is not {VERSION},<base64>")
    return found


def _key(secret: bytes) -> bytes:
    """Return the key in a secret, b"" where there is none: everybody could sign with an empty one."""
    try:
        return key_of(secret.decode("utf-8", "replace"))
    except ValueError:
        return b""


def _problems(_options: Options, secrets: Sequence[str]) -> Iterator[str]:
    for text in secrets:
        if not _key(text.encode()):
            yield "the secret is not whsec_ and base64; copy it as it was issued"


SCHEME = Scheme("standard", "Standard Webhooks", verify, signs_time=True, problems=_problems)
