"""A small certificate authority, and server certificates with every fault that a client must notice."""

import datetime
import ssl
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """Issues certificates for this machine; `ca_file` is what clients trust."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.ca = trustme.CA(organization_name="Test authority")
        self.ca_file = str(directory / f"{name}.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)
        self._directory = directory

    def server(
        self, *names: str, since: float = -1.0, until: float = 30.0, ask_client: bool = False
    ) -> ssl.SSLContext:
        """Return a server's context; the certificate is valid from `since` to `until` days from now."""
        now = datetime.datetime.now(datetime.UTC)
        leaf = self.ca.issue_cert(
            *(names or ("localhost", "127.0.0.1", "::1")),
            not_before=now + datetime.timedelta(days=since),
            not_after=now + datetime.timedelta(days=until),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(context)
        return context

    def client(self, name: str = "client") -> tuple[str, str]:
        """Return the files of a certificate and its key for a client."""
        leaf = self.ca.issue_cert(f"{name}@example.org")
        cert, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        leaf.cert_chain_pems[0].write_to_path(cert)
        leaf.private_key_pem.write_to_path(key)
        return str(cert), str(key)


def self_signed(directory: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "self-signed.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _signed(
    name: str, until: float, issuer: "tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None", leaf: bool
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=40))
        .not_valid_after(now + datetime.timedelta(days=until))
        .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
    )
    if leaf and name != "nameless":
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def _pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


class Chain:
    """A root, an authority below it, and a server's certificate for localhost, each good for some days.

    `ca_file` holds the root, `middle_file` the authority below it alone. `surplus` days make a second
    certificate of that authority's name, by another key, which the server sends too.
    """

    def __init__(
        self,
        directory: Path,
        *,
        leaf: float = 90.0,
        middle: float = 400.0,
        root: float = 900.0,
        surplus: float | None = None,
        name: str = "localhost",
    ) -> None:
        self.directory = directory
        top = _signed("Test root", root, None, leaf=False)
        self.middle = _signed("Test middle", middle, top, leaf=False)
        self.leaf, self.key = _signed(name, leaf, self.middle, leaf=True)
        extra = () if surplus is None else (_signed("Test middle", surplus, top, leaf=False)[0],)
        self.sent = (self.leaf, *extra, self.middle[0])
        self.ca_file = self._write("root.pem", _pem(top[0]))
        self.middle_file = self._write("middle.pem", _pem(self.middle[0]))

    def server(self) -> ssl.SSLContext:
        """Return a server's context that sends the chain without its root."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file())
        return context

    def file(self) -> str:
        """Return a file with the key and the chain."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._write("sent.pem", key + _pem(*self.sent))

    def _write(self, name: str, data: bytes) -> str:
        path = self.directory / name
        path.write_bytes(data)
        return str(path)
