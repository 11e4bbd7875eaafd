"""What certificates say of themselves, whether or not they are to be trusted."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.net.shortages import shortage_of

if TYPE_CHECKING:
    from cryptography import x509

_KEPT = 4096
_LONGEST_PATH = 10


@dataclass(frozen=True)
class Certificate:
    """`expiry` (notAfter) and `since` (notBefore) in Unix seconds, None if unreadable; a line for the log.

    `subject` and `issuer` are the names in DER: a chain hangs together by them.
    """

    expiry: float | None
    summary: str
    since: float | None = None
    subject: bytes = b""
    issuer: bytes = b""


_UNREADABLE = Certificate(None, "a certificate that cannot be read")
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


def first_expiry(chain: Sequence[Certificate]) -> float | None:
    """Return when the first certificate of `chain` expires, None if that is unknown."""
    return min((one.expiry for one in chain if one.expiry is not None), default=None)


def path(sent: Sequence[Certificate]) -> list[Certificate]:
    """Return the way from the first of `sent`, the server's own certificate, up through issuers in `sent`.

    For chains that were not verified. Of issuers with one name the one that lasts longest is taken, as
    cross-signed authorities are sent beside each other; what belongs to no step is left out.
    """
    way = list(sent[:1])
    while way and len(way) < _LONGEST_PATH and way[-1].issuer != way[-1].subject:
        issuers = [one for one in sent[1:] if one.subject == way[-1].issuer and one not in way]
        if not issuers:
            break
        way.append(max(issuers, key=lambda one: one.expiry or 0.0))
    return way


def expiry_of_file(file: str) -> float | None:
    """Return when the first certificate of a PEM file expires, None where that cannot be read.

    Raise Shortage where no descriptor is left to read it by.
    """
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(Path(file).read_bytes())
        return min(one.not_valid_after_utc for one in found).timestamp()
    except (OSError, ValueError, TypeError, OverflowError) as error:
        if (shortage := shortage_of(error)) is not None:
            raise shortage from None
        return None


def _read(der: bytes) -> Certificate:
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(der)
        since, until = found.not_valid_before_utc, found.not_valid_after_utc
        subject, issuer = _name(found.subject), _name(found.issuer)
        names = found.subject.public_bytes(), found.issuer.public_bytes()
    except (ValueError, TypeError, OverflowError):  # odd encodings that OpenSSL lets through
        return _UNREADABLE
    summary = f"certificate {subject}, issued by {issuer}, expires {until:%F %TZ}"
    return Certificate(until.timestamp(), summary, since.timestamp(), *names)


def _name(name: "x509.Name") -> str:
    return name.rfc4514_string()[:200] or "(no name)"
