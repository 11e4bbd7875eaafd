"""What a peer's certificate says of itself, whether or not it is to be trusted."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_KEPT = 4096


@dataclass(frozen=True)
class Certificate:
    """Expiry (notAfter) in Unix seconds, None if it cannot be read, and a line for the log."""

    expiry: float | None
    shown: str


_seen: OrderedDict[bytes, Certificate] = OrderedDict()


def prepare() -> None:
    """Import what reads certificates, 9 MB and 0.1 s: off the loop, by who makes the first TLS context."""
    from cryptography import x509  # noqa: F401 - `_read` finds it there then


def read(der: bytes) -> Certificate:
    """Return the facts of a certificate in DER; the same few come again, so the last ones are kept."""
    key = hashlib.blake2b(der, digest_size=16).digest()
    found = _seen.get(key)
    if found is None:
        found = _seen[key] = _read(der)
        if len(_seen) > _KEPT:
            _seen.popitem(last=False)
    return found


def _read(der: bytes) -> Certificate:
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
        until = certificate.not_valid_after_utc
        subject, issuer = _name(certificate.subject), _name(certificate.issuer)
    except (ValueError, TypeError, OverflowError):  # odd encodings that OpenSSL lets through
        return Certificate(None, "a certificate that cannot be read")
    return Certificate(
        until.timestamp(), f"certificate {subject}, issued by {issuer}, expires {until:%F %TZ}"
    )


def _name(name: "x509.Name") -> str:
    return name.rfc4514_string()[:200] or "(no name)"
