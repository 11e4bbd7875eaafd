import errno
import socket
import ssl
import time
from email.utils import formatdate

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.reason import Reason
from exporter.net.certificate import Certificate
from exporter.net.reasons import (
    check_status,
    os_error,
    reason_of_status,
    resolve_error,
    time_error,
    tls_error,
)

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, None),
        (302, None),
        (400, Reason.BAD_RESPONSE),
        (401, Reason.AUTH),
        (402, Reason.QUOTA),
        (403, Reason.PERMISSION),
        (404, Reason.NOT_FOUND),
        (408, Reason.VENDOR_ERROR),
        (410, Reason.NOT_FOUND),
        (418, Reason.BAD_RESPONSE),
        (429, Reason.RATE_LIMITED),
        (500, Reason.VENDOR_ERROR),
        (503, Reason.VENDOR_ERROR),
        (504, Reason.VENDOR_ERROR),
        (599, Reason.VENDOR_ERROR),
    ],
)
def test_a_status_has_its_reason(status: int, reason: Reason | None) -> None:
    assert reason_of_status(status) is reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), None),
        ("999999999999", 86_400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_throttling_server_is_given_the_pause_it_asks_for(text: str, seconds: float | None) -> None:
    with pytest.raises(ProbeError) as caught:
        check_status(Answer(429, {"retry-after": text}, b"", "http://x/"), NOW)
    assert (caught.value.reason, caught.value.retry_after) == (Reason.RATE_LIMITED, seconds)


def test_any_2xx_is_good_and_a_redirect_that_was_not_followed_is_not() -> None:
    for status in (200, 204, 299):
        check_status(Answer(status, {}, b"", "http://x/"), time.time())
    with pytest.raises(ProbeError) as caught:
        check_status(Answer(302, {}, b"", "http://x/"), time.time())
    with pytest.raises(ProbeError):
        check_status(Answer(300, {}, b"", "http://x/"), time.time())
    assert caught.value.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (errno.ECONNREFUSED, Reason.CONNECT, "refused the connection"),
        (errno.ECONNRESET, Reason.CONNECT, "reset the connection"),
        (errno.EPIPE, Reason.CONNECT, "closed the connection"),
        (errno.ECONNABORTED, Reason.CONNECT, "cut the connection"),
        (errno.EHOSTUNREACH, Reason.CONNECT, "cannot be reached: no route to the host"),
        (errno.ENETUNREACH, Reason.CONNECT, "cannot be reached: no route to its network"),
        (
            errno.EADDRNOTAVAIL,
            Reason.CONNECT,
            "cannot be reached: this machine has no free",
        ),
        (errno.EACCES, Reason.CONNECT, "cannot be reached: a rule of this machine forbids it"),
        (errno.EPERM, Reason.CONNECT, "cannot be reached: a rule of this machine forbids it"),
        (errno.ETIMEDOUT, Reason.TIMEOUT, "did not answer until the system gave up"),
        (errno.ENOTCONN, Reason.CONNECT, "cannot be reached: ENOTCONN"),
        (None, Reason.CONNECT, "cannot be reached: OSError"),
    ],
)
def test_an_error_of_the_system_is_reported_for_its_place(
    code: int | None, reason: Reason, words: str
) -> None:
    error = os_error(OSError("?") if code is None else OSError(code, "?"), "192.0.2.1:80")
    assert isinstance(error, ProbeError)
    assert (error.reason, error.detail.startswith(f"192.0.2.1:80 {words}")) == (reason, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "?"), "no name server answered"),
        (
            socket.gaierror(socket.EAI_NONAME, "?"),
            "there is no such name, or it has no address of the wanted family",
        ),
        (
            socket.gaierror(socket.EAI_NODATA, "?"),
            "there is no such name, or it has no address of the wanted family",
        ),
        (socket.gaierror(socket.EAI_FAIL, "?"), "the resolver failed"),
        (OSError("?"), "the resolver failed"),
    ],
)
def test_an_error_of_the_resolver_is_reported_for_its_name(error: Exception, words: str) -> None:
    message = resolve_error(error, "a.example")
    assert isinstance(message, ProbeError)
    assert (message.reason, message.detail) == (
        Reason.DNS,
        f"the name a.example could not be resolved: {words}",
    )


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] ?")
    error.verify_code, error.verify_message = code, "words of OpenSSL"
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, "is from an unknown authority (the chain leads to no root that we trust)"),
        (9, ", or one of its chain, is not yet valid"),
        (10, ", or one of its chain, has expired"),
        (18, "is self-signed"),
        (19, "is from an unknown authority (the chain ends in a root we do not trust)"),
        (20, "is from an unknown authority (or the server omits an intermediate one)"),
        (21, "is from an unknown authority (or the server omits an intermediate one)"),
        (23, "was revoked"),
        (26, "is not meant for servers"),
        (62, "is for another host name than a.example"),
        (64, "is for another address than a.example"),
        (66, "cannot be verified: words of OpenSSL"),
    ],
)
def test_a_refused_certificate_is_reported_by_openssls_code(code: int, words: str) -> None:
    error = tls_error(verification(code), b"\x16", "a.example")
    message = error.detail.removeprefix("the server's certificate").strip()
    assert (error.reason, message) == (Reason.TLS, words)


@pytest.mark.parametrize(
    ("first", "name", "words"),
    [
        (b"HTTP/1.1", "WRONG_VERSION_NUMBER", "does not speak TLS on this port: it answers plain HTTP"),
        (b"220 hi", "WRONG_VERSION_NUMBER", "the server does not speak TLS on this port"),
        (b"\x13x", "WRONG_VERSION_NUMBER", "the server does not speak TLS on this port"),
        (b"\x18x", "WRONG_VERSION_NUMBER", "the server does not speak TLS on this port"),
        (b"\x14\x03", "UNEXPECTED_MESSAGE", "the TLS handshake failed: unexpected message"),
        (b"\x15\x03", "SSLV3_ALERT_HANDSHAKE_FAILURE", "no cipher in common"),
        (b"\x16\x03", "UNSUPPORTED_PROTOCOL", "no TLS version in common"),
        (b"\x16\x03", "WRONG_SSL_VERSION_TOO_LOW", "no TLS version in common"),
        (b"\x17\x03", "TLSV1_ALERT_PROTOCOL_VERSION", "no TLS version in common"),
        (b"", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "requires a client certificate (tls.cert_file)"),
        (b"", "SSLV3_ALERT_BAD_CERTIFICATE", "refused our client certificate (alert: bad certificate)"),
        (b"", "TLSV1_ALERT_UNKNOWN_CA", "refused our client certificate (alert: unknown ca)"),
        (
            b"",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            "our client certificate (alert: certificate expired)",
        ),
        (
            b"",
            "SSLV3_ALERT_CERTIFICATE_REVOKED",
            "our client certificate (alert: certificate revoked)",
        ),
        (b"", "TLSV1_UNRECOGNIZED_NAME", "refused the handshake (alert: unrecognized name)"),
        (
            b"",
            "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
            "no secure renegotiation (RFC 5746)",
        ),
        (b"", "", "the TLS handshake failed: unknown error"),
    ],
)
def test_a_failed_handshake_is_reported_by_its_layer(first: bytes, name: str, words: str) -> None:
    error = ssl.SSLError(1, "?")
    error.reason = name
    assert words in tls_error(error, first).detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[SSL] tlsv1 alert no application protocol (_ssl.c:1006)", "speaks no HTTP/1.1"),
        ("[SSL] tlsv1 alert user cancelled", "alert: user cancelled"),
        ("something else", "unknown error"),
    ],
)
def test_what_python_has_no_name_for_is_reported_by_openssls_text(text: str, words: str) -> None:
    assert words in tls_error(ssl.SSLError(1, text), b"").detail


def test_an_error_without_any_text_is_unknown() -> None:
    for error in (ssl.SSLError(), ssl.SSLError("one")):
        assert tls_error(error, b"").detail == "the TLS handshake failed: unknown error"


@pytest.mark.parametrize(
    ("code", "since", "expiry", "words"),
    [
        (10, 0.0, NOW + 1, "a certificate of the chain, not the server's own, has expired"),
        (10, 0.0, NOW, "the server's certificate has expired"),
        (10, 0.0, None, None),
        (9, NOW, NOW + 9, "a certificate of the chain, not the server's own, is not yet valid"),
        (9, NOW + 1, NOW + 9, "the server's certificate is not yet valid"),
        (9, None, NOW + 9, None),
        (20, 0.0, NOW + 9, None),
    ],
)
def test_a_refusal_for_a_date_names_the_certificate_that_has_it(
    code: int, since: float | None, expiry: float | None, words: str | None
) -> None:
    error = time_error(code, Certificate(expiry, "?", since), NOW)
    assert (error and error.detail) == words
    assert error is None or error.reason is Reason.TLS
