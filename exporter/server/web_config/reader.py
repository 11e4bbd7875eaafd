"""Reads the web configuration file: every mistake at once, each with its line and remedy."""

import hashlib
import ipaddress
import re
import ssl
from pathlib import Path

import yaml

from exporter.core.errors import ConfigError, ConfigIssue
from exporter.server import alternative_names
from exporter.server.web_config import go_durations, plain_files, tls
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
from exporter.server.web_config.yaml_nodes import Nodes

_TOP = (
    "tls_server_config",
    "http_server_config",
    "basic_auth_users",
    "rate_limit",
    "roles",
    "bearer_tokens",
    "trusted_proxy",
    "client_certificates",
)
_TLS = (
    "cert_file",
    "key_file",
    "client_ca_file",
    "cert",
    "key",
    "client_ca",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
)
# Values are those that the exporter toolkit takes (web/handler.go, extraHTTPHeaders); none: any.
_HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
_COSTLY = re.compile(r"\$2[aby]\$(1[7-9]|2\d|3[01])\$")
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}\Z")
_TENANT = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
SHORTEST_TOKEN = 16
VIEWER: Roles = frozenset({Role.VIEWER})


def read(path: str) -> WebConfig:
    """Return the content of `path`; raises ConfigError with every mistake. Paths are relative to it."""
    try:
        text = plain_files.text(path)
    except plain_files.FileError as error:
        mistake = ConfigIssue(path, 0, f"the file cannot be read ({error})", "fix --web.config.file")
        raise ConfigError([mistake]) from None
    return _Reader(path).read(text)


class _Reader:
    """One reading of one file."""

    def __init__(self, path: str) -> None:
        self.nodes = Nodes(path)
        self.folder = Path(path).parent
        self.files: set[str] = set()

    def read(self, text: str) -> WebConfig:
        root = self.nodes.root(text)
        top = self.nodes.mapping(root, "the file", _TOP)
        settings = self._tls(top.get("tls_server_config"))
        config = WebConfig(
            tls=settings,
            context=self._context(settings, top.get("tls_server_config")),
            headers=self._headers(top.get("http_server_config")),
            users=self._users(top.get("basic_auth_users")),
            roles=self._roles(top),
            tokens=self._tokens(top.get("bearer_tokens")),
            proxy=self._proxy(top.get("trusted_proxy")),
            certificates=self._certificates(top.get("client_certificates"), settings),
            rate_limit=self._rate_limit(top.get("rate_limit")),
            files=frozenset(self.files),
        )
        if self.nodes.mistakes:
            raise ConfigError(self.nodes.mistakes)
        return config

    def _path(self, node: yaml.Node | None, place: str) -> str:
        text = self.nodes.text(node, place)
        if not text:
            return ""
        path = str(self.folder / text)
        self.files.add(path)
        return path

    def _tls(self, node: yaml.Node | None) -> tls.TlsSettings | None:
        keys = self.nodes.mapping(node, "tls_server_config", _TLS)
        if not keys or node is None:
            return None
        get, text = keys.get, self.nodes.text
        settings = tls.TlsSettings(
            cert_file=self._path(get("cert_file"), "cert_file"),
            key_file=self._path(get("key_file"), "key_file"),
            client_ca_file=self._path(get("client_ca_file"), "client_ca_file"),
            cert=text(get("cert"), "cert"),
            key=text(get("key"), "key"),
            client_ca=text(get("client_ca"), "client_ca"),
            client_auth_type=self._choice(
                get("client_auth_type"), "client_auth_type", tuple(tls.CLIENT_AUTH), "NoClientCert"
            ),
            client_allowed_sans=self._allowed_sans(get("client_allowed_sans")),
            min_version=self._choice(get("min_version"), "min_version", tuple(tls.VERSIONS), "TLS12"),
            max_version=self._choice(get("max_version"), "max_version", tuple(tls.VERSIONS), "TLS13"),
            cipher_suites=self._choices(get("cipher_suites"), "cipher_suites", tuple(tls.CIPHERS)),
            prefer_server_cipher_suites=self.nodes.flag(
                get("prefer_server_cipher_suites"), "prefer_server_cipher_suites", True
            ),
            curve=self._curve(get("curve_preferences")),
        )
        self._judge_tls(node, keys, settings)
        return settings

    def _judge_tls(self, node: yaml.Node, keys: dict[str, yaml.Node], settings: tls.TlsSettings) -> None:
        add_error = self.nodes.add_error
        for name in ("cert", "key", "client_ca"):
            if name in keys and f"{name}_file" in keys:
                add_error(keys[name], f"both {name} and {name}_file are given", "keep one of them")
        for name in ("cert", "key"):
            if not (getattr(settings, name) or getattr(settings, f"{name}_file")):
                add_error(
                    node, f"tls_server_config has no {name}", f"give {name}_file, the path of a PEM file"
                )
        asks = settings.client_auth_type != "NoClientCert"
        has_authority = bool(settings.client_ca or settings.client_ca_file)
        if asks and not has_authority:
            add_error(node, f"{settings.client_auth_type} has nothing to verify with", "give client_ca_file")
        if has_authority and not asks:
            add_error(
                node,
                "a client authority is given but no client is asked for a certificate",
                "set client_auth_type: RequireAndVerifyClientCert",
            )
        if settings.client_allowed_sans and not settings.verifies:
            add_error(
                keys["client_allowed_sans"],
                "client_allowed_sans needs every client to show a certificate",
                "set client_auth_type: RequireAndVerifyClientCert",
            )
        if settings.min_version > settings.max_version:
            add_error(keys.get("min_version", node), "min_version is above max_version", "swap them")

    def _allowed_sans(self, node: yaml.Node | None) -> tuple[str, ...]:
        place = "client_allowed_sans"
        found = tuple(self._san(item, place) for item in self.nodes.items(node, place))
        # An empty list admits nobody in the exporter toolkit; read as no list it would admit all.
        if isinstance(node, yaml.SequenceNode) and not any(found):
            remedy = "list the names that may come in, or drop the key"
            self.nodes.add_error(node, f"{place} names nobody", remedy)
        return tuple(filter(None, found))

    def _san(self, node: yaml.Node | None, place: str) -> str:
        """Return a subject alternative name; one that no certificate can have is a mistake."""
        name = self.nodes.text(node, place)
        flaw = alternative_names.flaw(name)
        if flaw:
            self.nodes.add_error(node, f"a name of {place} {flaw[0]}", flaw[1])
        return name

    def _context(self, settings: tls.TlsSettings | None, node: yaml.Node | None) -> ssl.SSLContext | None:
        if settings is None or not settings.has_certificate:
            return None
        try:
            return tls.context(settings)
        except tls.TlsError as error:
            keys = self.nodes.mapping(node, "tls_server_config", _TLS)
            remedy = "give the path of a PEM file that the exporter may read"
            self.nodes.add_error(keys.get(error.key, node), f"{error.key}: {error}", remedy)
            return None

    def _choice(self, node: yaml.Node | None, place: str, allowed: tuple[str, ...], default: str) -> str:
        word = self.nodes.text(node, place)
        if word and word not in allowed:
            self.nodes.add_error(node, f"{place} is not one that is offered", "use " + ", ".join(allowed))
        return word if word in allowed else default

    def _choices(self, node: yaml.Node | None, place: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        items = self.nodes.items(node, place)
        return tuple(filter(None, (self._choice(item, place, allowed, "") for item in items)))

    def _curve(self, node: yaml.Node | None) -> str:
        curves = self._choices(node, "curve_preferences", tuple(tls.CURVES))
        if len(curves) > 1:
            self.nodes.add_error(
                node, "curve_preferences names several curves", "keep one, or leave the key out"
            )
        return curves[0] if curves else ""

    def _headers(self, node: yaml.Node | None) -> tuple[tuple[str, str], ...]:
        part = self.nodes.mapping(node, "http_server_config", ("http2", "headers"))
        # HTTP/2 is never spoken here; the key is understood so that files of other exporters are valid.
        self.nodes.flag(part.get("http2"), "http2", True)
        headers = self.nodes.mapping(part.get("headers"), "headers", _HEADERS)
        found = {name: self.nodes.plain(value, name) for name, value in headers.items()}
        for name, value in found.items():
            if value and value not in _HEADERS[name] and _HEADERS[name]:
                remedy = "use " + " or ".join(_HEADERS[name])
                self.nodes.add_error(headers[name], f"{name} has a value that no browser knows", remedy)
            if not value.isprintable():
                self.nodes.add_error(headers[name], f"{name} has control characters", "write it in one line")
        return tuple((name, value) for name, value in found.items() if value)

    def _users(self, node: yaml.Node | None) -> tuple[tuple[str, bytes], ...]:
        users = []
        for name, (_, value) in self.nodes.pairs(node, "basic_auth_users").items():
            hashed = self.nodes.text(value, "a password")
            if ":" in name or not name.isprintable():
                self.nodes.add_error(value, "this user name cannot be sent", "leave out ':' and controls")
            if _COSTLY.match(hashed):
                remedy = "make it again with a cost from 4 to 16, as `htpasswd -nBC 10 ''` does"
                self.nodes.add_error(
                    value, "the bcrypt hash of this user costs seconds for each guess", remedy
                )
            elif not _BCRYPT.match(hashed):
                remedy = "write its bcrypt hash of cost 4 to 16, as `htpasswd -nBC 10 ''` prints it"
                self.nodes.add_error(value, "the password of this user is no bcrypt hash", remedy)
            users.append((name, hashed.encode()))
        return tuple(users)

    def _roles(self, top: dict[str, yaml.Node]) -> tuple[tuple[str, Roles], ...]:
        users = self.nodes.pairs(top.get("basic_auth_users"), "basic_auth_users") if top else {}
        found = []
        for name, (key, value) in self.nodes.pairs(top.get("roles"), "roles").items():
            found.append((name, self.nodes.words(value, "the roles of this user", Role)))
            if name not in users and "trusted_proxy" not in top:
                self.nodes.add_error(
                    key, "roles names somebody who is no user", "add the user or drop the line"
                )
        return tuple(found)

    def _tokens(self, node: yaml.Node | None) -> tuple[ApiToken, ...]:
        known = ("name", "token", "token_file", "roles", "tenants")
        tokens: dict[str, ApiToken] = {}
        for item in self.nodes.items(node, "bearer_tokens"):
            keys = self.nodes.mapping(item, "a bearer token", known)
            name = self.nodes.text(keys.get("name"), "name")
            if not name or name in tokens:
                self.nodes.add_error(
                    item, "a bearer token needs a name of its own", "give a name that logs can show"
                )
            text = self._token_text(item, keys)
            digest = hashlib.sha256(text.encode()).digest()
            if text and any(token.digest == digest for token in tokens.values()):
                self.nodes.add_error(item, "this token is the same as another", "make a new one")
            roles, tenants = self._grant(item, keys, "this token")
            tokens[name] = ApiToken(name, digest, roles, tenants)
        return tuple(tokens.values())

    def _token_text(self, item: yaml.Node, keys: dict[str, yaml.Node]) -> str:
        text = self.nodes.text(keys.get("token"), "token")
        path = self._path(keys.get("token_file"), "token_file")
        if bool(text) == bool(path):
            self.nodes.add_error(item, "a bearer token needs either token or token_file", "give one of them")
            return ""
        if path:
            try:
                text = plain_files.text(path).strip()
            except plain_files.FileError as error:
                remedy = f"name a text file; paths are relative to {self.folder}"
                self.nodes.add_error(keys["token_file"], f"token_file cannot be read ({error})", remedy)
                return ""
        if len(text) < SHORTEST_TOKEN:
            remedy = f"use {SHORTEST_TOKEN} or more, such as `openssl rand -hex 32` prints"
            self.nodes.add_error(item, f"a bearer token has less than {SHORTEST_TOKEN} characters", remedy)
        return text

    def _grant(self, item: yaml.Node, keys: dict[str, yaml.Node], place: str) -> tuple[Roles, AllowedTenants]:
        roles = self.nodes.words(keys.get("roles"), f"roles of {place}", Role)
        if not roles:
            self.nodes.add_error(item, f"{place} has no role", "give roles, such as [viewer]")
        if "tenants" not in keys:
            return roles, None
        tenants = self.nodes.texts(keys["tenants"], f"tenants of {place}")
        # An empty list would read as "no tenant" to one person and "all of them" to another.
        if not tenants or not all(map(_TENANT.match, tenants)):
            remedy = "list ids of letters, digits, '_', '.' and '-', or drop the key for all tenants"
            self.nodes.add_error(keys["tenants"], f"tenants of {place} are no tenant ids", remedy)
        return roles, frozenset(tenants)

    def _proxy(self, node: yaml.Node | None) -> TrustedProxy | None:
        keys = self.nodes.mapping(node, "trusted_proxy", ("header", "addresses", "roles"))
        if not keys or node is None:
            return None
        header = self.nodes.text(keys.get("header"), "header")
        if not _HEADER_NAME.match(header) or header.lower() in ("authorization", "host", "cookie"):
            self.nodes.add_error(node, "trusted_proxy needs a header", "name it, such as X-Forwarded-User")
        networks = []
        for item in self.nodes.items(keys.get("addresses"), "addresses"):
            try:
                networks.append(ipaddress.ip_network(self.nodes.text(item, "addresses")))
            except ValueError:
                self.nodes.add_error(item, "addresses has no address", "write 10.0.0.7 or 10.0.0.0/24")
        if not networks:
            remedy = "list the proxy's own addresses: anybody else could send the header"
            self.nodes.add_error(node, "trusted_proxy needs addresses", remedy)
        roles = self.nodes.words(keys.get("roles"), "roles of trusted_proxy", Role) or VIEWER
        return TrustedProxy(header, tuple(networks), roles)

    def _certificates(
        self, node: yaml.Node | None, settings: tls.TlsSettings | None
    ) -> tuple[CertificateRole, ...]:
        found = []
        for item in self.nodes.items(node, "client_certificates"):
            keys = self.nodes.mapping(item, "a client certificate", ("name", "san", "roles", "tenants"))
            san = self._san(keys.get("san"), "client_certificates")
            if not san:
                self.nodes.add_error(
                    item, "a client certificate needs a san", "write its DNS name, URI or e-mail"
                )
            roles, tenants = self._grant(item, keys, "this certificate")
            found.append(
                CertificateRole(self.nodes.text(keys.get("name"), "name") or san, san, roles, tenants)
            )
        if found and (settings is None or settings.client_auth_type == "NoClientCert"):
            remedy = "set client_auth_type: VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            self.nodes.add_error(node, "client_certificates is of no use when none is asked for", remedy)
        return tuple(found)

    def _rate_limit(self, node: yaml.Node | None) -> RateLimit | None:
        keys = self.nodes.mapping(node, "rate_limit", ("interval", "burst"))
        interval = keys.get("interval")
        try:
            seconds = go_durations.seconds(self.nodes.plain(interval, "interval") or "0")
        except ValueError:
            self.nodes.add_error(interval, "interval is no duration", "write it like 100ms, 1s or 1m30s")
            return None
        return (
            RateLimit(seconds, max(1, self.nodes.count(keys.get("burst"), "burst", 1))) if seconds else None
        )
