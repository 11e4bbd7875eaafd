"""Reads the web configuration file: every mistake at once, each with its line and remedy."""

import hashlib
import ipaddress
import re
from pathlib import Path as FilePath
from typing import Any

from exporter.config import durations
from exporter.config.document.context import DocumentContext, Path
from exporter.config.document.convert import Converter
from exporter.config.document.files import FileProblem, read_text
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.source import YamlSource
from exporter.config.document.validate import Validator
from exporter.config.document.verbatim import read_verbatim
from exporter.core.errors import ConfigError, ConfigIssue
from exporter.server import alternative_names
from exporter.server.web_config import tls
from exporter.server.web_config.layout import (
    WORDS,
    CertificatePart,
    HttpPart,
    ProxyPart,
    RateLimitPart,
    TlsPart,
    TokenPart,
    WebLayout,
)
from exporter.server.web_config.settings import (
    AllowedTenants,
    ApiToken,
    CertificateRole,
    RateLimit,
    Role,
    Roles,
    TrustedProxy,
    WebConfig,
)

# The cost of bcrypt is an exponent of two: each step doubles the time of a guess.
_COSTLY = re.compile(r"\$2[aby]\$(1[7-9]|2\d|3[01])\$")
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}\Z")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
SHORTEST_TOKEN = 16
VIEWER: Roles = frozenset({Role.VIEWER})


def read(path: str) -> WebConfig:
    """Return the content of `path`; raises ConfigError with every mistake. Paths are relative to it."""
    context = DocumentContext({}, str(FilePath(path).absolute().parent))
    try:
        text = read_text(path, tls.LONGEST).text
    except FileProblem as problem:
        issue = ConfigIssue(path, 0, problem.what, f"{problem.remedy}, or correct --web.config.file")
        raise ConfigError([issue]) from None
    source = read_verbatim(text, path, context.add_error)
    config = _Reader(context, source).read() if source else None
    if config is None or context.mistakes:
        raise ConfigError(context.mistakes)
    return config


class _Reader:
    """One reading of one file: its layout by the types, then what types alone do not check."""

    def __init__(self, context: DocumentContext, source: YamlSource) -> None:
        self.context = context
        self.source = source

    def read(self) -> WebConfig | None:
        converter = Converter(self.context, self.source, words=WORDS)
        validator = Validator(part_schema(WebLayout), discreet=True)
        layout, _ = convert_section(converter, self.source.value, WebLayout, validator, instead={}, depth=3)
        if layout is None:
            return None
        settings = self._tls(layout.tls_server_config)
        return WebConfig(
            tls=settings,
            context=self._context(settings),
            headers=self._headers(layout.http_server_config or HttpPart()),
            users=self._users(layout),
            roles=self._roles(layout),
            tokens=self._tokens(layout.bearer_tokens or ()),
            proxy=self._proxy(layout.trusted_proxy),
            certificates=self._certificates(layout.client_certificates or (), settings),
            rate_limit=self._rate_limit(layout.rate_limit or RateLimitPart()),
            files=frozenset(self.context.files),
        )

    def add_error(self, path: Path, what: str, remedy: str) -> None:
        self.context.add_error(self.source.place(path), what, remedy)

    def gives(self, *path: str | int) -> bool:
        """Return whether the file holds a value at `path`, with a mistake or without."""
        value: Any = self.source.value
        for step in path:
            here = isinstance(value, list if isinstance(step, int) else dict)
            value = value[step] if here and (isinstance(step, int) or step in value) else None
        return value is not None and value != ""

    def _tls(self, part: TlsPart | None) -> tls.TlsSettings | None:
        if part is None or part == TlsPart():
            return None
        settings = tls.TlsSettings(
            cert_file=part.cert_file or "",
            key_file=part.key_file or "",
            client_ca_file=part.client_ca_file or "",
            cert=part.cert or "",
            key=part.key.reveal() if part.key else "",
            client_ca=part.client_ca or "",
            client_auth_type=part.client_auth_type or "NoClientCert",
            client_allowed_sans=self._allowed_sans(part),
            min_version=part.min_version or "TLS12",
            max_version=part.max_version or "TLS13",
            cipher_suites=part.cipher_suites or (),
            prefer_server_cipher_suites=part.prefer_server_cipher_suites is not False,
            curve=(part.curve_preferences or ("",))[0],
        )
        self._check_certificate()
        self._check_clients(part, settings)
        top = "tls_server_config"
        if settings.min_version > settings.max_version:
            self.add_error((top, "min_version"), "min_version is above max_version", "swap them")
        if len(part.curve_preferences or ()) > 1:
            what = "curve_preferences names several curves"
            self.add_error((top, "curve_preferences"), what, "keep one, or leave the key out")
        return settings

    def _check_certificate(self) -> None:
        top = "tls_server_config"
        for name in ("cert", "key", "client_ca"):
            twin = f"{name}_file"
            if self.gives(top, name) and self.gives(top, twin):
                self.add_error((top, name), f"both {name} and {twin} are given", "keep one of them")
            elif name != "client_ca" and not self.gives(top, name) and not self.gives(top, twin):
                self.add_error((top,), f"{top} has no {name}", f"give {twin}, the path of a PEM file")

    def _check_clients(self, part: TlsPart, settings: tls.TlsSettings) -> None:
        top = "tls_server_config"
        asks = settings.client_auth_type != "NoClientCert"
        authority = next((key for key in ("client_ca_file", "client_ca") if self.gives(top, key)), "")
        if asks and not authority:
            what = f"{settings.client_auth_type} has nothing to verify with"
            self.add_error((top, "client_auth_type"), what, "give client_ca_file")
        # A mistyped type is reported on its own line: nothing else is derived from it.
        unknown = part.client_auth_type is None and self.gives(top, "client_auth_type")
        if authority and not asks and not unknown:
            what = "a client authority is given but no client is asked for a certificate"
            self.add_error((top, authority), what, "set client_auth_type: RequireAndVerifyClientCert")
        if settings.client_allowed_sans and not settings.verifies:
            what = "client_allowed_sans needs every client to show a certificate"
            remedy = "set client_auth_type: RequireAndVerifyClientCert"
            self.add_error((top, "client_allowed_sans"), what, remedy)

    def _allowed_sans(self, part: TlsPart) -> tuple[str, ...]:
        path = ("tls_server_config", "client_allowed_sans")
        names = part.client_allowed_sans
        for index, name in enumerate(names or ()):
            self._check_san(name or "", (*path, index), path[-1])
        # An empty list admits no client in the exporter toolkit; read as no list it would admit all.
        if names is not None and not any(names):
            remedy = "list the names that may come in, or drop the key"
            self.add_error(path, f"{path[-1]} names nobody", remedy)
        return tuple(filter(None, names or ()))

    def _check_san(self, name: str, path: Path, title: str) -> None:
        """Refuse a subject alternative name that no certificate can have."""
        if flaw := alternative_names.flaw(name):
            self.add_error(path, f"a name of {title} {flaw[0]}", flaw[1])

    def _context(self, settings: tls.TlsSettings | None) -> Any:
        if settings is None or not settings.has_certificate:
            return None
        try:
            return tls.context(settings)
        except tls.TlsError as error:
            remedy = "give the path of a PEM file that the exporter may read"
            self.add_error(("tls_server_config", error.key), f"{error.key}: {error}", remedy)
            return None

    def _headers(self, part: HttpPart) -> tuple[tuple[str, str], ...]:
        if part.headers is None:
            return ()
        names = zip(part.headers.__struct_encode_fields__, part.headers.__struct_fields__, strict=True)
        found = {name: getattr(part.headers, field) or "" for name, field in names}
        for name, value in found.items():
            if not value.isprintable():
                path = ("http_server_config", "headers", name)
                self.add_error(path, f"{name} has control characters", "write it in one line")
        return tuple((name, value) for name, value in found.items() if value)

    def _users(self, layout: WebLayout) -> tuple[tuple[str, bytes], ...]:
        users = []
        for name, password in (layout.basic_auth_users or {}).items():
            path, hashed = ("basic_auth_users", name), password.reveal()
            if ":" in name or not name.isprintable():
                self.add_error(path, "this user name cannot be sent", "leave out ':' and controls")
            if _COSTLY.match(hashed):
                what = "the bcrypt hash of this user costs seconds for each guess"
                remedy = "make it again with a cost from 4 to 16, as `htpasswd -nBC 10 ''` does"
                self.add_error(path, what, remedy)
            elif not _BCRYPT.match(hashed):
                remedy = "write its bcrypt hash of cost 4 to 16, as `htpasswd -nBC 10 ''` prints it"
                self.add_error(path, "the password of this user is no bcrypt hash", remedy)
            users.append((name, hashed.encode()))
        return tuple(users)

    def _roles(self, layout: WebLayout) -> tuple[tuple[str, Roles], ...]:
        written = self.source.value.get("roles")
        # With a proxy, names may be those of its users, which this file does not list.
        if not self.gives("trusted_proxy") and isinstance(written, dict):
            for name in written:
                if not self.gives("basic_auth_users", name):
                    what = "roles names somebody who is no user"
                    self.add_error(("roles", name), what, "add the user or drop the line")
        return tuple((name, frozenset(words)) for name, words in (layout.roles or {}).items())

    def _tokens(self, parts: tuple[TokenPart, ...]) -> tuple[ApiToken, ...]:
        tokens: dict[str, ApiToken] = {}
        for index, part in enumerate(parts):
            path, name = ("bearer_tokens", index), part.name or ""
            if (not name and not self.gives(*path, "name")) or name in tokens:
                self.add_error(
                    path, "a bearer token needs a name of its own", "give a name that logs can show"
                )
            text = self._token_text(part, path)
            digest = hashlib.sha256(text.encode()).digest()
            if text and any(token.digest == digest for token in tokens.values()):
                self.add_error(path, "this token is the same as another", "make a new one")
            roles, tenants = self._grant(part, path, "this token")
            tokens[name] = ApiToken(name, digest, roles, tenants)
        return tuple(tokens.values())

    def _token_text(self, part: TokenPart, path: Path) -> str:
        text = part.token.reveal() if part.token else ""
        if self.gives(*path, "token_file"):
            # A file usually has a line break after the token.
            text = text.strip()
        elif not self.gives(*path, "token"):
            self.add_error(path, "a bearer token needs either token or token_file", "give one of them")
        if text and len(text) < SHORTEST_TOKEN:
            what = f"a bearer token has less than {SHORTEST_TOKEN} characters"
            remedy = f"use {SHORTEST_TOKEN} or more, such as `openssl rand -hex 32` prints"
            self.add_error(path, what, remedy)
        return text

    def _grant(
        self, part: TokenPart | CertificatePart, path: Path, title: str
    ) -> tuple[Roles, AllowedTenants]:
        if not part.roles and not (part.roles is None and self.gives(*path, "roles")):
            self.add_error(path, f"{title} has no role", "give roles, such as [viewer]")
        if any("\n" in tenant for tenant in part.tenants):  # the pattern's $ lets a trailing one through
            self.add_error(
                (*path, "tenants"), f"tenants of {title} are no tenant ids", "write them in one line"
            )
        return frozenset(part.roles or ()), frozenset(part.tenants) or None

    def _proxy(self, part: ProxyPart | None) -> TrustedProxy | None:
        if part is None or part == ProxyPart():
            return None
        path, header = ("trusted_proxy",), part.header or ""
        # Clients send these three themselves: they cannot say whom a proxy has signed in.
        if not _HEADER_NAME.match(header) or header.lower() in ("authorization", "host", "cookie"):
            self.add_error(path, "trusted_proxy needs a header", "name it, such as X-Forwarded-User")
        networks = []
        for index, text in enumerate(part.addresses or ()):
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError:
                here = (*path, "addresses", index)
                self.add_error(here, "addresses has no address", "write 10.0.0.7 or 10.0.0.0/24")
        if not part.addresses and not (part.addresses is None and self.gives(*path, "addresses")):
            remedy = "list the proxy's own addresses: anybody else could send the header"
            self.add_error(path, "trusted_proxy needs addresses", remedy)
        return TrustedProxy(header, tuple(networks), frozenset(part.roles or ()) or VIEWER)

    def _certificates(
        self, parts: tuple[CertificatePart, ...], settings: tls.TlsSettings | None
    ) -> tuple[CertificateRole, ...]:
        top, found = "client_certificates", []
        for index, part in enumerate(parts):
            path, san = (top, index), part.san or ""
            self._check_san(san, (*path, "san"), top)
            if not self.gives(*path, "san"):
                what, remedy = "a client certificate needs a san", "write its DNS name, URI or e-mail"
                self.add_error(path, what, remedy)
            roles, tenants = self._grant(part, path, "this certificate")
            found.append(CertificateRole(part.name or san, san, roles, tenants))
        if found and (settings is None or settings.client_auth_type == "NoClientCert"):
            remedy = "set client_auth_type: VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            self.add_error((top,), f"{top} is of no use when none is asked for", remedy)
        return tuple(found)

    def _rate_limit(self, part: RateLimitPart) -> RateLimit | None:
        seconds = durations.seconds((part.interval or "0").strip())
        return RateLimit(seconds, max(1, part.burst or 1)) if seconds else None
