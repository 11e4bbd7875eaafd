"""fal: Ed25519 over request id, user id, time and the body's SHA-256, by keys that fal publishes.

The headers are X-Fal-Webhook-Request-Id, -User-Id, -Timestamp (Unix seconds) and -Signature (hex); signed
are the first three and the hash of the body in hex, joined by line breaks. There is no secret: every
customer of fal gets webhooks that these keys sign. So set `user_id`, else whoever is one can send to you. It
is what X-Fal-Webhook-User-Id of a genuine webhook says. Source: docs.fal.ai/model-endpoints/webhooks,
"Webhook verification" (keys: a JWKS, kept for 24 hours at most; a webhook may be 300 s old). The address of
the keys was rest.alpha.fal.ai before; that both serve the same keys is not verified.
"""

import base64
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from exporter.core.options import Options
from exporter.core.signature import (
    IncomingRequest,
    Refusal,
    Scheme,
    SignatureError,
    Trust,
    VerifiedWebhook,
)
from exporter.signatures._proof import check_fresh, digest, from_hex, header_bytes, text_at, usable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PREFIX = "X-Fal-Webhook-"
MOST_KEYS = 32


class FalOptions(Options, frozen=True, kw_only=True):
    """Whose webhooks they are, and where the keys are."""

    user_id: Annotated[
        str, msgspec.Meta(description="Your user id at fal; without it those of any customer are taken.")
    ] = ""
    jwks_url: Annotated[
        str, msgspec.Meta(pattern=r"^https?://[^\s#]+$", description="Where fal publishes its keys.")
    ] = "https://rest.fal.ai/.well-known/jwks.json"


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return the id of the request, and the status that its body says."""
    options: FalOptions = trust.options
    request_id, user_id, timestamp, text = (
        request.proof(f"{PREFIX}{name}") for name in ("Request-Id", "User-Id", "Timestamp", "Signature")
    )
    message = header_bytes("\n".join((request_id, user_id, timestamp, digest(request.body))))
    signature = from_hex(text)
    if not await _is_signed(message, signature, options.jwks_url, trust):
        raise SignatureError(Refusal.MISMATCH, "no key that fal publishes makes this signature")
    check_fresh(timestamp, request.received, trust.tolerance)
    if options.user_id and user_id != options.user_id:
        raise SignatureError(Refusal.MISMATCH, "the webhook is that of another customer of fal")
    return VerifiedWebhook(usable(request_id), text_at(request.body, "status"))


async def _is_signed(message: bytes, signature: bytes, url: str, trust: Trust) -> bool:
    first = await trust.fetch(url)
    if _fits(message, signature, first):
        return True
    # Keys rotate: one that is new signs before the old document is a day old.
    later = await trust.fetch(url, again=True)
    return later != first and _fits(message, signature, later)


def _fits(message: bytes, signature: bytes, document: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    keys = _keys(document)
    if not keys:
        raise SignatureError(Refusal.KEY_UNAVAILABLE, "fal publishes no Ed25519 key where jwks_url says")
    for key in keys:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return True
    return False


@lru_cache(maxsize=8)  # to make a key costs more than to verify with it
def _keys(document: bytes) -> tuple["Ed25519PublicKey", ...]:
    """Return the Ed25519 keys of a JWKS (RFC 8037); others are passed over."""
    return tuple(_read(document))


def _read(document: bytes) -> Iterator["Ed25519PublicKey"]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        known: Any = msgspec.json.decode(document, type=dict[str, Any]).get("keys")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        known = None
    for one in known[:MOST_KEYS] if isinstance(known, list) else ():
        if isinstance(one, dict) and (one.get("kty"), one.get("crv")) == ("OKP", "Ed25519"):
            try:
                text = str(one.get("x", ""))
                yield Ed25519PublicKey.from_public_bytes(
                    base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
                )
            except ValueError:
                continue


def _advice(options: FalOptions) -> str:
    return "" if options.user_id else "takes webhooks of every customer of fal: set options.user_id to yours"


SCHEME = Scheme("fal", "fal", verify, options=FalOptions, needs_secret=False, signs_time=True, advice=_advice)
