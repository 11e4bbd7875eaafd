"""What a check asks an access token with, and what it gets (RFC 6749)."""

from dataclasses import dataclass, field

from exporter.core.options import TlsOptions
from exporter.core.secret import Secret


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
class AccessToken:
    """A token: `expiry` is Unix seconds, None where the endpoint did not tell.

    `fresh` tells that it was fetched for this call: a server that refuses it will refuse the next one too.
    """

    value: Secret
    expiry: float | None = None
    fresh: bool = False
