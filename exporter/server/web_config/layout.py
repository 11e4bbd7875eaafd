"""The keys of the web configuration, as types; their descriptions reach editors through the schema.

Those of the exporter toolkit are as in its docs/web-configuration.md
(https://github.com/prometheus/exporter-toolkit); an empty value counts as none, as it does there.
"""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec

from exporter.config.document.schema import components
from exporter.config.layout_parts import TENANT_PATTERN, Duration
from exporter.core.secret import Secret
from exporter.server.web_config import tls
from exporter.server.web_config.settings import Role

Meta = msgspec.Meta

if TYPE_CHECKING:
    ClientAuth: TypeAlias = str
    Version: TypeAlias = str
    Cipher: TypeAlias = str
    Curve: TypeAlias = str
    Frame: TypeAlias = str
    Sniff: TypeAlias = str
else:  # the words are those of the tables that give them their meaning
    ClientAuth = Literal[("", *tls.CLIENT_AUTH)]
    Version = Literal[("", *tls.VERSIONS)]
    Cipher = Literal[tuple(tls.CIPHERS)]
    Curve = Literal[tuple(tls.CURVES)]
    Frame = Literal["", "deny", "sameorigin"]
    Sniff = Literal["", "nosniff"]

VERBATIM = {"verbatim": True}
"""Mark of a text that counts as it is written, also where it looks like a number."""

HeaderText = Annotated[str, Meta(extra=VERBATIM)]
RolesPart = Annotated[tuple[Role, ...] | None, Meta(description="What it may do.")]
TenantId = Annotated[str, Meta(pattern=TENANT_PATTERN, description="ids hold letters, digits, _.- alone")]
TenantsPart = Annotated[
    tuple[TenantId, ...],
    # An empty list would read as "no tenant" to one person and as "all of them" to another.
    Meta(min_length=1, description="list the tenants it is bound to, or drop the key for all of them"),
]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class TlsPart(_Part, frozen=True):
    """How the listener speaks TLS."""

    cert_file: Annotated[str | None, Meta(description="PEM file of the certificate.")] = None
    key_file: Annotated[str | None, Meta(description="PEM file of its key.")] = None
    client_ca_file: Annotated[
        str | None, Meta(description="PEM file of the authorities of clients' certificates.")
    ] = None
    cert: Annotated[str | None, Meta(description="PEM text of the certificate.")] = None
    key: Annotated[Secret | None, Meta(description="PEM text of its key.")] = None
    client_ca: Annotated[str | None, Meta(description="PEM text of the clients' authorities.")] = None
    client_auth_type: Annotated[
        ClientAuth | None, Meta(description="Whether clients show a certificate.")
    ] = None
    client_allowed_sans: Annotated[
        tuple[str | None, ...] | None, Meta(description="Names: a client's certificate must have one.")
    ] = None
    min_version: Annotated[Version | None, Meta(description="Oldest version of TLS.")] = None
    max_version: Annotated[Version | None, Meta(description="Newest version of TLS.")] = None
    cipher_suites: Annotated[
        tuple[Cipher, ...] | None, Meta(description="Suites of TLS 1.2, by Go's names.")
    ] = None
    prefer_server_cipher_suites: Annotated[
        bool | None, Meta(description="The order of the server counts; true by default.")
    ] = None
    curve_preferences: Annotated[tuple[Curve, ...] | None, Meta(description="The curve, by Go's name.")] = (
        None
    )


class HeadersPart(
    _Part,
    frozen=True,
    rename={
        "content_security_policy": "Content-Security-Policy",
        "x_frame_options": "X-Frame-Options",
        "x_content_type_options": "X-Content-Type-Options",
        "x_xss_protection": "X-XSS-Protection",
        "strict_transport_security": "Strict-Transport-Security",
    },
):
    """Headers of every answer, with the values that the exporter toolkit takes."""

    content_security_policy: HeaderText | None = None
    x_frame_options: Annotated[Frame, Meta(extra=VERBATIM)] | None = None
    x_content_type_options: Annotated[Sniff, Meta(extra=VERBATIM)] | None = None
    x_xss_protection: HeaderText | None = None
    strict_transport_security: HeaderText | None = None


class HttpPart(_Part, frozen=True):
    """How the server speaks HTTP."""

    http2: Annotated[
        bool | None,
        Meta(description="Understood so that files of other exporters are valid; HTTP/2 is never spoken."),
    ] = None
    headers: Annotated[HeadersPart | None, Meta(description="Headers of every answer.")] = None


class TokenPart(_Part, frozen=True):
    """A bearer token of the API."""

    name: Annotated[str | None, Meta(description="A name that logs can show, unique.")] = None
    token: Annotated[Secret | None, Meta(description="The token, at least 16 characters.")] = None
    roles: RolesPart = None
    tenants: TenantsPart = ()


class ProxyPart(_Part, frozen=True):
    """A reverse proxy that has signed the user in."""

    header: Annotated[str | None, Meta(description="The header that names the user.")] = None
    addresses: Annotated[
        tuple[str, ...] | None, Meta(description="The proxy's own addresses, or networks of them.")
    ] = None
    roles: RolesPart = None


class CertificatePart(_Part, frozen=True):
    """What a client's certificate may do, by one of its subject alternative names."""

    name: Annotated[str | None, Meta(description="A name that logs can show; that of `san` by default.")] = (
        None
    )
    san: Annotated[str | None, Meta(description="Its DNS name, URI, address or e-mail.")] = None
    roles: RolesPart = None
    tenants: TenantsPart = ()


class RateLimitPart(_Part, frozen=True):
    """A token bucket over all requests."""

    interval: Annotated[
        Annotated[Duration, Meta(extra=VERBATIM)] | None,
        Meta(description="One more request each; 0 for no limit."),
    ] = None
    burst: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Requests at most at once; 1 by default.")
    ] = None


class WebLayout(_Part, frozen=True):
    """Web configuration of the integration exporter."""

    tls_server_config: Annotated[TlsPart | None, Meta(description="TLS of the listener.")] = None
    http_server_config: Annotated[HttpPart | None, Meta(description="HTTP of the listener.")] = None
    basic_auth_users: Annotated[
        dict[str, Secret] | None, Meta(description="bcrypt hashes of passwords, by user.")
    ] = None
    rate_limit: Annotated[RateLimitPart | None, Meta(description="Requests that are answered.")] = None
    roles: Annotated[
        dict[str, tuple[Role, ...]] | None, Meta(description="What users may do; viewer by default.")
    ] = None
    bearer_tokens: Annotated[tuple[TokenPart, ...] | None, Meta(description="Tokens of the API.")] = None
    trusted_proxy: Annotated[ProxyPart | None, Meta(description="A proxy that signs users in.")] = None
    client_certificates: Annotated[
        tuple[CertificatePart, ...] | None, Meta(description="What clients' certificates may do.")
    ] = None


WORDS = frozenset(
    name for definition in components(WebLayout)[1].values() for name in definition.get("properties", ())
)
"""Every key that the file can hold: the only words of it that messages quote."""
