"""Subject alternative names: those of a client's certificate, and how the web configuration writes them.

As in the exporter toolkit (web/tls_config.go, VerifyPeerCertificate) names of the kinds DNS, e-mail, IP and
URI count, and a name is compared exactly; an address counts in the form of RFC 5952, such as 2001:db8::1.
"""

import ipaddress
import re
from typing import Any

_KINDS = ("DNS", "email", "IP Address", "URI")
# How `openssl x509 -text` marks a kind; no certificate has the mark inside the name.
_MARK = re.compile(r"(DNS|IP|IP Address|URI|email): ?")


def names(certificate: dict[str, Any]) -> frozenset[str]:
    """Return the names in `certificate`, a dict of `ssl.SSLSocket.getpeercert`."""
    found = certificate.get("subjectAltName", ())
    return frozenset(_format_name(kind, str(value)) for kind, value in found if kind in _KINDS)


def flaw(name: str) -> tuple[str, str] | None:
    """Return why no certificate can have `name`, and the remedy; None where one can.

    The name itself is not quoted: it may be a credential in the wrong place.
    """
    if _MARK.match(name):
        return "begins with the mark of its kind", "write the name alone, without DNS:, IP:, URI: or email:"
    if not name.isascii() or not name.isprintable() or " " in name:
        return "has signs that no certificate has", "write ASCII without spaces, a domain in its xn-- form"
    address = _address(name)
    if address not in (None, name):
        return "is an address in a form that is never compared", f"write {address}"
    return None


def _format_name(kind: str, value: str) -> str:
    return (_address(value.strip()) or value) if kind == "IP Address" else value


def _address(text: str) -> str | None:
    """Return an IP address as RFC 5952 writes it, None where `text` is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # ::ffff:192.0.2.1 and 192.0.2.1 are one address.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
