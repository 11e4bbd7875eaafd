"""The chain of the audit: what the hash of an entry covers, and how what is personal is sealed in it."""

import hashlib
import json
import os
from collections.abc import Mapping
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from exporter.core.audit import AuditEntry

if TYPE_CHECKING:
    # It takes 8 MB: a process that has nothing in its audit must not load it.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIRST = bytes(32)
"""What stands in the place of a hash before the first entry."""

FORM = 1
"""Number of the form below. A later form gets another number: entries that are there keep their hash."""

COVERED = (
    *("id", "at", "person", "integration", "tenant", "action", "action_class", "outcome", "count"),
    *("risk", "flag", "once", "replica", "address_mark", "resource_mark"),
)
"""Columns that the hash covers beside the seal, in their order."""

SEALED = ("actor", "resource", "address", "country", "user_agent")
"""Texts of an entry that are sealed, with its details."""

KEY_BYTES = 16
_NONCE_BYTES = 12


_covered = itemgetter(*COVERED)
_personal = attrgetter(*SEALED)

# As json.dumps writes it; that makes an encoder of its own for each call with separators.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def hash_of(before: bytes, row: Mapping[str, Any]) -> bytes:
    """Return the hash of an entry: SHA-256 over that of the one before, its columns as JSON, its seal."""
    text = _encode([FORM, *_covered(row)])
    return hashlib.sha256(before + text.encode() + row["sealed"]).digest()


def new_key() -> bytes:
    """Return a key for a person."""
    return os.urandom(KEY_BYTES)


def cipher(key: bytes) -> "AESGCM":
    """Return what seals and opens by `key`: AES-128 in GCM (NIST SP 800-38D)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def seal(by: "AESGCM", entry: AuditEntry, nonce: bytes = b"") -> bytes:
    """Return what is personal in `entry`, sealed; each time it looks different.

    `nonce` is one of `new_nonces`, which no other seal had; without one it makes its own.
    """
    nonce = nonce or os.urandom(_NONCE_BYTES)
    return nonce + by.encrypt(nonce, _json([*_personal(entry), dict(entry.details)]), None)


def new_nonces(number: int) -> list[bytes]:
    """Return as many nonces: a question to the system for each would let other threads in each time."""
    random = os.urandom(_NONCE_BYTES * number)
    return [random[place : place + _NONCE_BYTES] for place in range(0, len(random), _NONCE_BYTES)]


def _json(values: list[Any]) -> bytes:
    try:
        return msgspec.json.encode(values)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        # Half a character, or a number that no other JSON has: slower, but it takes anything.
        return json.dumps(values).encode()


def unseal(by: "AESGCM", sealed: bytes) -> dict[str, Any]:
    """Return the fields that were sealed; ValueError where `by` has another key, or a byte is another."""
    from cryptography.exceptions import InvalidTag

    try:
        values = json.loads(by.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None))
    except InvalidTag:
        raise ValueError("the seal does not open") from None
    return dict(zip((*SEALED, "details"), values, strict=True))


def mark(secret: bytes, kind: str, text: str) -> int:
    """Return 16 bits by which rows with a text are found, which 65,536 other texts share: it names none."""
    if not text:
        return -1
    found = hashlib.blake2b(f"{kind}\0{text}".encode(), digest_size=2, key=secret).digest()
    return int.from_bytes(found, "big")


def place_hash(secret: bytes, *texts: str) -> bytes:
    """Return the keyed hash of an actor, or of a place where one was seen."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16, key=secret).digest()
