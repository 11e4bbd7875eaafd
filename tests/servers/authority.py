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
