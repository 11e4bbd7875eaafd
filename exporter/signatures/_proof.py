"""What schemes have in common: comparison, freshness, and what a body says of itself."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Any

from exporter.core.signature import Refusal, SignatureError

LONGEST_TEXT = 256
"""Characters of the longest id or type that is taken from a body; a longer one counts as none."""
MOST_SIGNATURES = 16
"""Signatures of one request that are compared: senders give one for each secret that rotates."""


def mac(key: bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    """Return the HMAC (RFC 2104) of `message`."""
    return hmac.digest(key, message, algorithm)


def check_any(expected: Iterable[bytes], given: Sequence[bytes]) -> None:
    """Raise SignatureError unless one of `expected` is one of `given`; in constant time for each pair."""
    # All pairs are compared, so that the time says nothing of which one fits.
    offered = given[:MOST_SIGNATURES]
    matches = [hmac.compare_digest(one, other) for one in expected for other in offered]
    if not any(matches):
        raise SignatureError(Refusal.MISMATCH, "no secret of the source makes this signature")


def check_fresh(timestamp: str, received: float, tolerance: float) -> None:
    """Raise SignatureError unless `timestamp` (Unix seconds) is at most `tolerance` seconds from now."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureError(Refusal.MALFORMED, "the time of the signature is no number of seconds")
    age = received - int(timestamp)
    if abs(age) > tolerance:
        when = "ago" if age > 0 else "ahead"
        raise SignatureError(Refusal.STALE, f"the signature was made {abs(age):.0f} s {when}")


def from_hex(text: str) -> bytes:
    """Return the bytes that `text` says; b"" where it is no hex: that equals no signature."""
    try:
        return bytes.fromhex(text) if text.isascii() and text.isalnum() else b""
    except ValueError:
        return b""


def header_bytes(text: str) -> bytes:
    """Return the bytes of a header that was read as latin-1 text."""
    return text.encode("latin-1", "replace")


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`, {} where it holds none: a genuine body may be anything."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_in(value: Any, *keys: str) -> str:
    """Return the text below `keys`, "" where there is none of a usable length."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable() else ""


def digest(body: bytes) -> str:
    """Return the SHA-256 of `body` in hex."""
    return hashlib.sha256(body).hexdigest()
