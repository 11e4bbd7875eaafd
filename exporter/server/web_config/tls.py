"""TLS of the listener: the settings of `tls_server_config` as a context of Python's ssl."""

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exporter.config.document.files import UNNAMED, FileProblem, read_bytes

# Python's ssl verifies every certificate that it asks for, so the types that ask without verifying
# (RequestClientCert, RequireAnyClientCert) cannot be offered; they would prove nothing anyway.
CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
LONGEST = 1 << 20
"""Bytes of a file at most, be it the web configuration or one that it names."""

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}

# Go's names of the suites it calls secure (https://pkg.go.dev/crypto/tls#CipherSuites) and OpenSSL's.
# Those of TLS 1.3 cannot be chosen, in Go neither.
CIPHERS = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}


@dataclass(frozen=True)
class TlsSettings:
    """The part `tls_server_config`; `cert`, `key` and `client_ca` are PEM texts, the others paths."""

    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    cert: str = ""
    key: str = ""
    client_ca: str = ""
    client_auth_type: str = "NoClientCert"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve: str = ""

    @property
    def files(self) -> frozenset[str]:
        """Files it is read from."""
        return frozenset(filter(None, (self.cert_file, self.key_file, self.client_ca_file)))

    @property
    def has_certificate(self) -> bool:
        """Whether certificate and key are given."""
        return bool((self.cert_file or self.cert) and (self.key_file or self.key))

    @property
    def verifies(self) -> bool:
        """Whether every client must show a certificate that we verify."""
        return self.client_auth_type == "RequireAndVerifyClientCert"

    def __repr__(self) -> str:
        """Return a text without the key."""
        return f"TlsSettings({self.cert_file or 'inline'}, {self.client_auth_type})"


class TlsError(Exception):
    """A file of the settings cannot be used: `key` is the setting, the text one sentence."""

    def __init__(self, key: str, what: str) -> None:
        """Keep the setting's name and what is wrong with it."""
        super().__init__(what)
        self.key = key


def context(settings: TlsSettings) -> ssl.SSLContext:
    """Return the context for new connections; raises TlsError naming the setting to blame."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = VERSIONS[settings.min_version]
    made.maximum_version = VERSIONS[settings.max_version]
    # Suites of TLS 1.3 have no name here: set_ciphers cannot choose them.
    chosen = [name for name in map(CIPHERS.get, settings.cipher_suites) if name]
    if chosen:
        made.set_ciphers(":".join(chosen))
    if settings.prefer_server_cipher_suites:
        made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if settings.curve:
        made.set_ecdh_curve(CURVES[settings.curve])
    # HTTP/2 is never spoken: a client that offers it learns so in the handshake.
    made.set_alpn_protocols(["http/1.1"])
    _load_certificate(made, settings)
    _load_authority(made, settings)
    return made


def _load_certificate(made: ssl.SSLContext, settings: TlsSettings) -> None:
    with _file(settings.cert_file, settings.cert) as cert, _file(settings.key_file, settings.key) as key:
        # Before OpenSSL, whose errors do not say which of the files cannot be read.
        _readable("cert_file", cert)
        _readable("key_file", key)
        try:
            # An empty password: without it OpenSSL would ask for one at the terminal and hang there.
            made.load_cert_chain(cert, key, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            raise TlsError(
                "cert_file", f"certificate and key do not fit or are no PEM ({_word(error)})"
            ) from None


def _load_authority(made: ssl.SSLContext, settings: TlsSettings) -> None:
    made.verify_mode = CLIENT_AUTH[settings.client_auth_type]
    if not (settings.client_ca_file or settings.client_ca):
        return
    with _file(settings.client_ca_file, settings.client_ca) as path:
        _readable("client_ca_file", path)
        try:
            made.load_verify_locations(path)
        except (ssl.SSLError, OSError) as error:
            raise TlsError("client_ca_file", f"this is no PEM certificate ({_word(error)})") from None


def _readable(key: str, path: str) -> None:
    try:
        read_bytes(path, LONGEST, UNNAMED)
    except FileProblem as problem:
        raise TlsError(key, problem.what) from None


def _word(error: Exception) -> str:
    return (getattr(error, "reason", "") or type(error).__name__).replace("_", " ").lower()


@contextmanager
def _file(path: str, text: str) -> Iterator[str]:
    """Give the path itself, or that of a private file that holds `text` for a moment."""
    if path or not text:
        yield path
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as inline:  # created with mode 0600
        inline.write(text)
        inline.flush()
        yield inline.name
