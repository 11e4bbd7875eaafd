"""Stripe: HMAC-SHA256 of time and body, in hex, in the header Stripe-Signature.

The header is `t=<Unix seconds>,v1=<hex>[,v1=<hex>]`, with a `v1` for each secret while one is rolled; other
schemes such as `v0` are ignored. The key is the whole endpoint secret, `whsec_` included. Each retry has a
new time. Source: docs.stripe.com/webhooks, and stripe-python's _webhook.py.
"""

from exporter.core.signature import (
    IncomingRequest,
    Refusal,
    Scheme,
    SignatureError,
    Trust,
    VerifiedWebhook,
)
from exporter.signatures._proof import check_any, check_fresh, from_hex, header_bytes, mac, text_at

HEADER = "Stripe-Signature"


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return the event's id and type."""
    timestamp, signatures = _parts(request.proof(HEADER))
    check_any(
        (mac(secret, header_bytes(f"{timestamp}.") + request.body) for secret in trust.secrets), signatures
    )
    # Behind the comparison: whether a time is too old is nobody's business who cannot sign.
    check_fresh(timestamp, request.received, trust.tolerance)
    return VerifiedWebhook(text_at(request.body, "id"), text_at(request.body, "type"))


def _parts(header: str) -> tuple[str, list[bytes]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for key, _, value in pairs if key == "t"]
    signatures = [from_hex(value) for key, _, value in pairs if key == "v1"]
    if len(times) != 1 or not signatures:
        raise SignatureError(Refusal.MALFORMED, f"{HEADER} is not t=...,v1=...")
    return times[0], signatures


SCHEME = Scheme("stripe", "Stripe", verify, signs_time=True)
