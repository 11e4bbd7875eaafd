"""From a failure of the network to a Reason and a sentence: the one place that knows how.

A connection that is refused, unreachable, reset or cut is `connect`, at whatever stage it was cut, also where
a body is shorter than its announced length: the two look alike. An answer that breaks a rule or
a bound is `bad_response`. What we ourselves lack is not a Reason but a Shortage.
"""

import errno
import re
import socket
import ssl

from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Answer
from exporter.core.reason import Reason
from exporter.net.certificate import Certificate
from exporter.net.pause import pause_of
from exporter.net.shortages import MEMORY, present_shortage, shortage_of

_STATUS = {
    401: Reason.AUTH,
    402: Reason.QUOTA,
    403: Reason.PERMISSION,
    404: Reason.NOT_FOUND,
    408: Reason.VENDOR_ERROR,
    410: Reason.NOT_FOUND,
    429: Reason.RATE_LIMITED,
}

_SYSTEM = {
    errno.ECONNREFUSED: (Reason.CONNECT, "refused the connection"),
    errno.ECONNRESET: (Reason.CONNECT, "reset the connection"),
    errno.EPIPE: (Reason.CONNECT, "closed the connection"),
    errno.ECONNABORTED: (Reason.CONNECT, "cut the connection"),
    errno.EHOSTUNREACH: (Reason.CONNECT, "cannot be reached: no route to the host"),
    errno.ENETUNREACH: (Reason.CONNECT, "cannot be reached: no route to its network"),
    errno.EADDRNOTAVAIL: (Reason.CONNECT, "cannot be reached: this machine has no free or fitting address"),
    errno.EACCES: (Reason.CONNECT, "cannot be reached: a rule of this machine forbids it"),
    errno.EPERM: (Reason.CONNECT, "cannot be reached: a rule of this machine forbids it"),
    errno.ETIMEDOUT: (Reason.TIMEOUT, "did not answer until the system gave up"),
}

# X509_V_ERR_* of OpenSSL's include/openssl/x509_vfy.h
_VERIFY = {
    2: "the server's certificate is from an unknown authority (the chain leads to no root that we trust)",
    9: "the server's certificate, or one of its chain, is not yet valid",
    10: "the server's certificate, or one of its chain, has expired",
    18: "the server's certificate is self-signed",
    19: "the server's certificate is from an unknown authority (the chain ends in a root we do not trust)",
    20: "the server's certificate is from an unknown authority (or the server omits an intermediate one)",
    21: "the server's certificate is from an unknown authority (or the server omits an intermediate one)",
    23: "the server's certificate was revoked",
    26: "the server's certificate is not meant for servers",
    62: "the server's certificate is for another host name than {name}",
    64: "the server's certificate is for another address than {name}",
}
_NOT_YET_VALID, _EXPIRED = 9, 10

_PROTOCOL = (
    "UNSUPPORTED_PROTOCOL",
    "PROTOCOL_VERSION",
    "UNSUPPORTED_SSL_VERSION",
    "NO_PROTOCOLS_AVAILABLE",
    "VERSION_TOO_LOW",
)
_RECORDS = frozenset({20, 21, 22, 23})  # the first byte of any TLS record (RFC 8446, section 5.1)
_ALERT = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(.+)")  # how OpenSSL names what a peer's alert said
_LIBRARY_TEXT = re.compile(r"\[[A-Z0-9_:]+\] (.+?)(?: \(|$)")  # "[SSL] tlsv1 alert ... (_ssl.c:1006)"
_OUR_CERTIFICATE = ("bad certificate", "unknown ca", "certificate expired", "certificate revoked")


def reason_of_status(status: int) -> Reason | None:
    """Return the reason that an HTTP status means, None below 400."""
    if status < 400:
        return None
    return _STATUS.get(status) or (Reason.VENDOR_ERROR if status >= 500 else Reason.BAD_RESPONSE)


def check_status(answer: Answer, now: float) -> None:
    """Raise ProbeError for every status but 2xx, with the wait that the server asked for.

    `now` is Unix seconds. A redirect that was not followed is bad_response.
    """
    if not 200 <= answer.status < 300:
        raise status_error(answer, now)


def status_error(answer: Answer, now: float) -> ProbeError:
    """Return the error that `answer` means."""
    reason = reason_of_status(answer.status) or Reason.BAD_RESPONSE
    return ProbeError(
        reason, f"the server answered HTTP {answer.status}", retry_after=pause_of(answer.headers, now)
    )


def os_error(error: OSError, place: str) -> ProbeError | Shortage:
    """Return what an error of the operating system means for the peer at `place`, or for us."""
    if (shortage := shortage_of(error)) is not None:
        return shortage
    reason, words = _SYSTEM.get(error.errno or 0, (Reason.CONNECT, ""))
    code = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return ProbeError(reason, f"{place} {words or f'cannot be reached: {code}'}")


def resolve_error(error: Exception, host: str) -> ProbeError | Shortage:
    """Return what an error of the resolver means for the name `host`, or for us.

    Called at once, since the resolver may have swallowed that it could open nothing.
    """
    shortage = shortage_of(error) or present_shortage()
    code = getattr(error, "errno", None)
    if code == socket.EAI_MEMORY:
        shortage = Shortage(MEMORY, "this machine has no memory left to resolve names; see what uses it")
    if shortage is not None:
        return shortage
    if code == socket.EAI_AGAIN:
        words = "no name server answered"
    elif code in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
        words = "there is no such name, or it has no address of the wanted family"
    else:
        words = "the resolver failed"
    return ProbeError(Reason.DNS, f"the name {host} could not be resolved: {words}")


def tls_error(error: ssl.SSLError, first_bytes: bytes, name: str = "") -> ProbeError:
    """Return which layer of TLS was wrong.

    `first_bytes` are the first ones that the server sent, `name` is what its certificate should be for.
    """
    return ProbeError(Reason.TLS, _tls_words(error, first_bytes, name))


def time_error(code: int, certificate: Certificate, now: float) -> ProbeError | None:
    """Return what a refusal by OpenSSL's `code` means, None where it is not for a date.

    `certificate` is the server's own one: where that is good at `now`, another one of the chain is not.
    """
    own = "the server's certificate", "a certificate of the chain, not the server's own,"
    if code == _EXPIRED and certificate.expiry is not None:
        return ProbeError(Reason.TLS, f"{own[certificate.expiry > now]} has expired")
    if code == _NOT_YET_VALID and certificate.since is not None:
        return ProbeError(Reason.TLS, f"{own[certificate.since <= now]} is not yet valid")
    return None


def _tls_words(error: ssl.SSLError, first_bytes: bytes, asked: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        fallback = f"the server's certificate cannot be verified: {error.verify_message}"
        return _VERIFY.get(error.verify_code, fallback).replace("{name}", asked)
    if first_bytes and first_bytes[0] not in _RECORDS:
        plain = ": it answers plain HTTP" if first_bytes.startswith(b"HTTP/") else ""
        return f"the server does not speak TLS on this port{plain}"
    name = _openssl_name(error)
    if "CERTIFICATE_REQUIRED" in name:
        return "the server requires a client certificate (tls.cert_file)"
    if any(word in name for word in _PROTOCOL):
        return "the server and we have no TLS version in common"
    if "LEGACY_RENEGOTIATION" in name:
        return "the server knows no secure renegotiation (RFC 5746); tls.legacy allows that"
    if alert := _ALERT.match(name):
        return _alert(alert[1].lower().replace("_", " "))
    return f"the TLS handshake failed: {name.lower().replace('_', ' ') or 'unknown error'}"


def _openssl_name(error: ssl.SSLError) -> str:
    """Return OpenSSL's name of an error; Python knows it of most, the text behind has it of all."""
    text = _LIBRARY_TEXT.search(str(error.args[1])) if len(error.args) > 1 else None
    name: str | None = getattr(error, "reason", None)  # not there where Python itself made the error
    return (name or (text[1] if text else "")).upper().replace(" ", "_")


def _alert(alert: str) -> str:
    if alert == "no application protocol":
        return "the server speaks no HTTP/1.1, perhaps HTTP/2 alone (ALPN); use the provider tls or tcp"
    if alert in _OUR_CERTIFICATE:
        return f"the server refused our client certificate (alert: {alert})"
    if alert == "handshake failure":
        return (
            "the server refused the handshake (alert: handshake failure): "
            "no cipher in common (tls.legacy allows old ones), or it requires a client certificate"
        )
    return f"the server refused the handshake (alert: {alert})"
