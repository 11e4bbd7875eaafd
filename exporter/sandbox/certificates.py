"""Makes throw-away certificates for the sandbox: one authority to trust and one that no client trusts."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exporter.core.defaults import LOOPBACK_HOSTS

LIFE = datetime.timedelta(days=90)


@dataclass(frozen=True)
class Authority:
    """A certificate authority that lives as long as the process."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, name: str) -> "Authority":
        """Make an authority called `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _builder(subject, subject, key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        # keyCertSign and cRLSign alone: strict verification demands the extension of an authority.
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    def write(self, path: Path) -> None:
        """Write the certificate as PEM, for clients to trust."""
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, directory: Path, stem: str) -> ssl.SSLContext:
        """Return a server's TLS context with a new certificate for this machine's own names.

        The key is written to `directory`, because `ssl` reads keys from files only.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_alternative(name) for name in LOOPBACK_HOSTS])
        leaf = (
            _builder(_name("sandbox"), self.certificate.subject, key.public_key())
            .add_extension(names, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = directory / f"{stem}.pem"
        # Before the key is in it: a mode that is set afterwards would leave a moment to read the key.
        path.touch(mode=0o600)
        path.write_bytes(_pem(key) + leaf.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ a little
        .not_valid_after(now + LIFE)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        # Clients compare addresses with names of this kind alone (RFC 9525, section 6.4).
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
