"""What a check asks an access token with, and what it gets (RFC 6749, RFC 7523, Meta's exchange)."""

from dataclasses import dataclass, field

from exporter.core.options import TlsOptions
from exporter.core.secret import Secret

_NONE = Secret("")


@dataclass(frozen=True)
class ClientCredentials:
    """A client credentials grant (RFC 6749, section 4.4): who asks, where, and for what.

    `auth_style` is `header` (HTTP Basic, as section 2.3.1 recommends) or `body`. `audience` is sent as the
    parameter of that name where it is not empty. Equal grants share a token.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    scopes: tuple[str, ...] = ()
    audience: str = ""
    auth_style: str = "header"
    tls: TlsOptions = field(default_factory=TlsOptions)


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token grant (RFC 6749, section 6), as Google and most vendors offer it.

    `refresh_token` is the one that the configuration tells; where a source of tokens is configured, or a
    newer one was handed out since, that one is sent instead. `access_token` is one that is already there,
    empty if none is known.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    refresh_token: Secret = _NONE
    access_token: Secret = _NONE
    scopes: tuple[str, ...] = ()
    auth_style: str = "body"
    tls: TlsOptions = field(default_factory=TlsOptions)


@dataclass(frozen=True)
class JwtBearer:
    """A signed assertion of a service account (RFC 7523, section 2.1), signed by RS256.

    `private_key` is PEM. `subject` is who the account acts for, empty for itself; an empty `audience` is the
    `token_url`. Equal grants share a token.
    """

    token_url: str
    issuer: str
    private_key: Secret
    key_id: str = ""
    subject: str = ""
    audience: str = ""
    scopes: tuple[str, ...] = ()
    tls: TlsOptions = field(default_factory=TlsOptions)


@dataclass(frozen=True)
class MetaExchange:
    """Meta's exchange of a token that still lives for one that lives longer (`fb_exchange_token`).

    There is no refresh token: the access token itself is what is handed in, so an expired one is final.
    """

    token_url: str
    app_id: str
    app_secret: Secret
    access_token: Secret = _NONE
    tls: TlsOptions = field(default_factory=TlsOptions)


Grant = ClientCredentials | RefreshToken | JwtBearer | MetaExchange


@dataclass(frozen=True)
class AccessToken:
    """A token: `expiry` is Unix seconds, None where the endpoint did not tell.

    `fresh` tells that it was fetched for this call: a server that refuses it will refuse the next one too.
    `scopes` are those granted, None where that is not told.
    """

    value: Secret
    expiry: float | None = None
    fresh: bool = False
    scopes: frozenset[str] | None = None
