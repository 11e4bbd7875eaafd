"""Who may use the server and how it speaks TLS: the file of `--web.config.file`.

The format is that of https://github.com/prometheus/exporter-toolkit (docs/web-configuration.md) with
additions of our own: roles, bearer_tokens, trusted_proxy, client_certificates.
"""

import ipaddress
import ssl
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.server.web_config.tls import TlsSettings


class Role(StrEnum):
    """What an identity may do; admin may all that viewer may, ingest and notify grant nothing else."""

    VIEWER = "viewer"
    INGEST = "ingest"
    NOTIFY = "notify"
    ADMIN = "admin"


Roles = frozenset[Role]
AllowedTenants = frozenset[str] | None
"""Tenants an identity is bound to; None where it is not bound."""


@dataclass(frozen=True)
class ApiToken:
    """A bearer token, kept as the SHA-256 of its text."""

    name: str
    digest: bytes = field(repr=False)
    roles: Roles
    tenants: AllowedTenants = None


@dataclass(frozen=True)
class TrustedProxy:
    """A reverse proxy that has signed the user in: peers of `networks` name the user in `header`."""

    header: str
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    roles: Roles


@dataclass(frozen=True)
class CertificateRole:
    """A client certificate, known by one of its subject alternative names."""

    name: str
    san: str
    roles: Roles
    tenants: AllowedTenants = None


@dataclass(frozen=True)
class RateLimit:
    """A token bucket over all requests: one more each `interval` seconds, at most `burst` at once."""

    interval: float
    burst: int


@dataclass(frozen=True)
class WebConfig:
    """The whole file; an empty one lets every caller in. `files` are all files it was read from."""

    tls: TlsSettings | None = None
    context: ssl.SSLContext | None = field(default=None, compare=False, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    users: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    roles: tuple[tuple[str, Roles], ...] = ()
    tokens: tuple[ApiToken, ...] = ()
    proxy: TrustedProxy | None = None
    certificates: tuple[CertificateRole, ...] = ()
    rate_limit: RateLimit | None = None
    files: frozenset[str] = frozenset()

    @property
    def closed(self) -> bool:
        """Whether callers must say who they are."""
        return bool(
            self.users or self.tokens or self.proxy or self.certificates or (self.tls and self.tls.verifies)
        )

    def roles_of(self, user: str, default: Roles = frozenset({Role.VIEWER})) -> Roles:
        """Return the roles of a user by name; without an entry those of `default`."""
        return dict(self.roles).get(user, default)
