"""What schemes have in common: comparison, freshness, and what a body says of itself."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence

import msgspec

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
    """Return the bytes that `text` says; b"" where it is no hex of one case: that equals no signature."""
    try:
        return bytes.fromhex(text) if text.isalnum() and text in (text.lower(), text.upper()) else b""
    except ValueError:
        return b""


def from_base64(text: str) -> bytes:
    """Return the bytes that `text` says; b"" where it is no base64: that equals no signature."""
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:  # what binascii raises is one, too
        return b""
    # The last letter has bits that decoding drops: two texts would be one signature.
    return value if base64.b64encode(value).decode() == text else b""


def behind(prefix: str, text: str) -> str:
    """Return what follows `prefix` in `text`; SignatureError where it does not begin so."""
    if not text.startswith(prefix):
        raise SignatureError(Refusal.MALFORMED, f"the signature does not begin with {prefix}")
    return text.removeprefix(prefix)


def header_bytes(text: str) -> bytes:
    """Return the bytes of a header that was read as latin-1 text."""
    return text.encode("latin-1", "replace")


def text_at(body: bytes, *keys: str) -> str:
    """Return the text or whole number below `keys` of the JSON in `body`.

    "" where there is none of a usable length: a genuine body may be anything. Nothing else is decoded.
    """
    raw: bytes | msgspec.Raw = body
    try:
        for key in keys:
            raw = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[key]
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        return ""
    return str(value) if type(value) is int else usable(value)


def usable(value: object) -> str:
    """Return `value` where it may be an id or a type, else ""."""
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable() else ""


def digest(content: bytes) -> str:
    """Return the SHA-256 of `content` in hex."""
    return hashlib.sha256(content).hexdigest()
