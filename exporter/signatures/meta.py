"""Meta (WhatsApp, Messenger, Instagram, ads): HMAC-SHA256 of the body, in hex, in X-Hub-Signature-256.

The key is the app secret. Meta signs the body as it sends it, in which characters above ASCII are JSON's
escapes; so the raw bytes are what counts. A webhook has no id and no time: equal bodies are one webhook.
Before the first one Meta asks by GET whether the URL is ours: `hub.mode=subscribe`, `hub.verify_token` and
`hub.challenge`, which is the answer.

Source: developers.facebook.com/docs/graph-api/webhooks/getting-started.
"""

import hmac
from urllib.parse import parse_qsl, urlsplit

from exporter.core.signature import (
    IncomingRequest,
    Refusal,
    Scheme,
    SignatureError,
    Trust,
    VerifiedWebhook,
)
from exporter.signatures._proof import behind, check_any, from_hex, mac, text_at

HEADER = "X-Hub-Signature-256"
PREFIX = "sha256="
LONGEST_CHALLENGE = 256


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return no id, because there is none, and the kind of object that the webhook is about."""
    signature = from_hex(behind(PREFIX, request.proof(HEADER)))
    check_any((mac(secret, request.body) for secret in trust.secrets), [signature])
    return VerifiedWebhook("", text_at(request.body, "object"))


def challenge(request: IncomingRequest, token: bytes) -> bytes:
    """Return `hub.challenge` as it came where `hub.verify_token` is `token`."""
    asked = _query(request.url)
    if asked.get("hub.mode") != "subscribe" or "hub.verify_token" not in asked:
        raise SignatureError(Refusal.MISSING, "the request asks for no subscription")
    if not hmac.compare_digest(asked["hub.verify_token"].encode("utf-8", "replace"), token):
        raise SignatureError(Refusal.MISMATCH, "hub.verify_token is not that of the source")
    answer = asked.get("hub.challenge", "")
    # A number in Meta's documentation; whatever is echoed may be no markup.
    if not (answer.isascii() and answer.isalnum() and len(answer) <= LONGEST_CHALLENGE):
        raise SignatureError(Refusal.MALFORMED, "hub.challenge is not letters and digits")
    return answer.encode()


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=16))
    except ValueError:
        raise SignatureError(Refusal.MALFORMED, "the query of the URL cannot be read") from None


SCHEME = Scheme("meta", "Meta", verify, challenge=challenge)
