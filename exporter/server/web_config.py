"""Who may use the server and how it speaks TLS: the file of `--web.config.file`.

The format is that of https://github.com/prometheus/exporter-toolkit (docs/web-configuration.md) with
additions of our own: roles, bearer_tokens, trusted_proxy, client_certificates.
"""

import ipaddress
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog

from exporter.core.errors import ConfigError
from exporter.server.tls import TlsSettings


class Role(StrEnum):
    """What an identity may do; admin may all that viewer may, ingest and notify grant nothing else."""

    VIEWER = "viewer"
    INGEST = "ingest"
    NOTIFY = "notify"
    ADMIN = "admin"


Roles = frozenset[Role]
Tenants = frozenset[str] | None
"""Tenants an identity is bound to; None where it is not bound."""


@dataclass(frozen=True)
class Token:
    """A bearer token, kept as the SHA-256 of its text."""

    name: str
    digest: bytes = field(repr=False)
    roles: Roles
    tenants: Tenants = None


@dataclass(frozen=True)
class Proxy:
    """A reverse proxy that has signed the user in: peers of `networks` name the user in `header`."""

    header: str
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    roles: Roles


@dataclass(frozen=True)
class Certificate:
    """A client certificate, known by one of its subject alternative names."""

    name: str
    san: str
    roles: Roles
    tenants: Tenants = None


@dataclass(frozen=True)
class RateLimit:
    """A token bucket over all requests: one more each `interval` seconds, at most `burst` at once."""

    interval: float
    burst: int


@dataclass(frozen=True)
class WebConfig:
    """The whole file; an empty one asks nobody for anything. `files` are all files it was read from."""

    tls: TlsSettings | None = None
    context: ssl.SSLContext | None = field(default=None, compare=False, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    users: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    roles: tuple[tuple[str, Roles], ...] = ()
    tokens: tuple[Token, ...] = ()
    proxy: Proxy | None = None
    certificates: tuple[Certificate, ...] = ()
    rate_limit: RateLimit | None = None
    files: frozenset[str] = frozenset()

    @property
    def closed(self) -> bool:
        """Tell whether callers must say who they are."""
        return bool(
            self.users or self.tokens or self.proxy or self.certificates or (self.tls and self.tls.verifies)
        )

    def roles_of(self, user: str, default: Roles = frozenset({Role.VIEWER})) -> Roles:
        """Return the roles of a user by name; without an entry those of `default`."""
        return dict(self.roles).get(user, default)


Stamp = tuple[tuple[str, int, int, int], ...]
Loaded = tuple[WebConfig, Stamp]


class WebConfigFile:
    """The file and its last good content; a change with a mistake is told once and changes nothing."""

    def __init__(self, path: str | None = None) -> None:
        """Remember where the file is; None means that access is not configured."""
        self.path = path
        self.current = WebConfig()
        self._stamp: Stamp = ()
        self._log = structlog.get_logger("exporter.web")

    def read(self) -> Loaded:
        """Read the file and all that it names, without using it; raises ConfigError with every mistake."""
        from exporter.server.web_config_reader import read  # it needs the types of this file

        if self.path is None:
            return WebConfig(), ()
        known = self.current.files | {self.path}
        before = _stamp(known)
        loaded = read(self.path)
        files = loaded.files | {self.path}
        # A file that changed while it was read must look changed at the next look.
        return loaded, before if files == known else _stamp(files)

    def use(self, loaded: Loaded) -> None:
        """Make what `read` returned the current content."""
        self.current, self._stamp = loaded

    def load(self) -> None:
        """Read and use; raises ConfigError with every mistake and keeps the old."""
        self.use(self.read())

    @property
    def changed(self) -> bool:
        """Tell whether a file is not what it was when it was last read."""
        return self.path is not None and self._stamp != _stamp(self.current.files | {self.path})

    def refresh(self) -> bool:
        """Load again when a file changed; return whether there is new content. Never raises."""
        if not self.changed or self.path is None:
            return False
        stamp = _stamp(self.current.files | {self.path})
        try:
            self.load()
        except ConfigError as error:
            self._stamp = stamp  # told once, not at every look
            self._log.error("web configuration kept", mistakes=[str(mistake) for mistake in error.mistakes])
            return False
        self._log.info("web configuration loaded", path=self.path)
        return True


def _stamp(files: frozenset[str]) -> Stamp:
    return tuple(_look(path) for path in sorted(files))


def _look(path: str) -> tuple[str, int, int, int]:
    try:
        stat = Path(path).stat()
    except OSError:
        return (path, 0, 0, 0)
    return (path, stat.st_mtime_ns, stat.st_size, stat.st_ino)
