"""From the options of `tls` to a context that judges a server: the same for every client of the program."""

import ssl

from exporter.core.options import TlsOptions

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
# Level 1 is the highest at which OpenSSL 3 still takes keys of 1024 bits; the default is 2 in Debian.
_LEGACY_CIPHERS = "DEFAULT:@SECLEVEL=1"
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, which Python names from 3.12 on


class TlsFileError(Exception):
    """A file of the options cannot be used: one sentence with the option and the path.

    `error` is what the system or OpenSSL said of it.
    """

    def __init__(self, text: str, error: Exception) -> None:
        """Keep the sentence and its cause."""
        super().__init__(text)
        self.error = error


def client_context(tls: TlsOptions, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return a context for `tls` that offers `protocols` by ALPN; raise TlsFileError.

    Reads files, and takes up to 60 ms where the system's authorities are loaded.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.hostname_checks_common_name = False  # names are in subjectAltName alone (RFC 9525, section 2)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if tls.legacy:
        context.set_ciphers(_LEGACY_CIPHERS)
        context.options |= _LEGACY_SERVER_CONNECT
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _load_authorities(context, tls)
    if tls.cert_file:
        _load_own(context, tls)
    return context


def _load_authorities(context: ssl.SSLContext, tls: TlsOptions) -> None:
    if not tls.ca_file:
        _load_system_authorities(context)
        return
    try:
        context.load_verify_locations(cafile=tls.ca_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _unusable("tls.ca_file", tls.ca_file, error) from None
    # What the operator names is trusted as it is, also an intermediate authority without its root.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _load_system_authorities(context: ssl.SSLContext) -> None:
    """Load what the system trusts; that loads nothing, and says nothing, where its file cannot be opened."""
    context.load_default_certs()
    file = ssl.get_default_verify_paths().cafile
    if file is None or context.cert_store_stats()["x509_ca"]:
        return
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        return  # a file without certificates: there may be a folder
    except OSError as error:
        raise _unusable("the system's authorities in", file, error) from None


def _load_own(context: ssl.SSLContext, tls: TlsOptions) -> None:
    try:
        # Without a password function OpenSSL would ask for one on the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file or None, password=lambda: "")
    except (OSError, ValueError) as error:
        raise _unusable("tls.cert_file and tls.key_file", tls.cert_file, error) from None


def _unusable(option: str, path: str, error: Exception) -> TlsFileError:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        why = "it holds no PEM that fits"
    else:
        why = (error.strerror or "it cannot be read").lower()
    return TlsFileError(f"{option} {path} cannot be used: {why}", error)
