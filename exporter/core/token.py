"""What a check asks an access token with, and what it gets (RFC 6749, RFC 7523, Meta's exchange)."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.core.errors import ProbeError
from exporter.core.network import Proxy
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret

NEVER = math.inf
"""The expiry of a token that never expires."""

FLOOR = 30.0
"""Seconds between two renewals of a credential, at least; a shorter life cannot be planned by."""

UPDATE_PARAMETERS = ("access_token", "refresh_token", "expires_at", "refresh_expires_at")
"""What the UPDATE of a database of tokens may take, besides :tenant and :integration."""

EXTERNAL = Secret("(from the source of tokens)")
"""Takes the place in the options of a token that another source has; it is never sent."""

_NONE = Secret("")


@dataclass(frozen=True)
class ClientCredentials:
    """A client credentials grant (RFC 6749, section 4.4): the caller, the endpoint and the scopes.

    `auth_style` is `header` (HTTP Basic, as section 2.3.1 recommends) or `body`. `audience` is sent as the
    parameter of that name where it is not empty. `proxy` is what the endpoint is asked through. Equal
    grants share a token.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    scopes: tuple[str, ...] = ()
    audience: str = ""
    auth_style: str = "header"
    tls: TlsOptions = field(default_factory=TlsOptions)
    proxy: Proxy | None = None


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token grant (RFC 6749, section 6), as Google and most vendors offer it.

    `refresh_token` is the configured one; where a source of tokens is configured, or a
    newer one was handed out since, that one is sent instead. `access_token` is one that is already there,
    empty if none is known. `proxy` is what the endpoint is asked through.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    refresh_token: Secret = _NONE
    access_token: Secret = _NONE
    scopes: tuple[str, ...] = ()
    auth_style: str = "body"
    tls: TlsOptions = field(default_factory=TlsOptions)
    proxy: Proxy | None = None


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

LongLivedGrant = RefreshToken | MetaExchange
"""Grants whose token is worth keeping: what was handed out last is needed to ask for the next one."""


class TokenState(StrEnum):
    """What can be said of one token: the label `state`.

    `implausible` is an expiry that cannot be one, or a life below `FLOOR` seconds; `refused` a token that the
    vendor took back: only a person can bring another one.
    """

    VALID = "valid"
    EXPIRED = "expired"
    NEVER_EXPIRES = "never_expires"
    UNKNOWN = "unknown"
    IMPLAUSIBLE = "implausible"
    REFUSED = "refused"


class GrantRefusedError(ProbeError):
    """The endpoint says by `code` that the credential itself is dead: asking again cannot help."""

    def __init__(self, reason: Reason, detail: str, code: str) -> None:
        """Keep the cause, its explanation and the code that the endpoint gave."""
        super().__init__(reason, detail)
        self.code = code


@dataclass(frozen=True)
class TokenResponse:
    """What a token endpoint answered. Lives are seconds, None where it reports none, or one that cannot be.

    `refresh` is a new refresh token, None where the old one stays. `scopes` are None where it
    reports none. `implausible`: the life it names is none, or below `FLOOR`.
    """

    access: Secret
    life: float | None = None
    refresh: Secret | None = None
    refresh_life: float | None = None
    scopes: frozenset[str] | None = None
    implausible: bool = False


@dataclass(frozen=True)
class TokenSet:
    """The tokens that are kept for one credential; times are Unix seconds.

    An expiry is None where it is unknown and `NEVER` where there is none. `obtained` is when they were
    handed out, None where another program got them. `rotates`: whether the last refresh brought a new
    refresh token, None before the first one. `refused`: the vendor no longer takes them.
    """

    access: Secret = _NONE
    refresh: Secret = _NONE
    expiry: float | None = None
    refresh_expiry: float | None = None
    obtained: float | None = None
    scopes: frozenset[str] | None = None
    implausible: bool = False
    rotates: bool | None = None
    refused: bool = False

    def after(self, granted: TokenResponse, now: float) -> "TokenSet":
        """Return what is to be kept once `granted` was answered to a request of `now`."""
        renewed = granted.refresh is not None and granted.refresh != self.refresh
        ends = now + granted.refresh_life if granted.refresh_life is not None else None
        expiry = None if granted.life is None else now + granted.life
        implausible = granted.implausible
        if granted.access == self.access and self.expiry is not None and not self.implausible:
            # The same token again (WSO2, Spring): what is left of its life says nothing of lives granted.
            expiry, implausible = self.expiry if expiry is None else expiry, False
        return TokenSet(
            access=granted.access,
            refresh=granted.refresh or self.refresh,
            expiry=expiry,
            # A new refresh token of unknown life expires at an unknown time.
            refresh_expiry=ends if ends is not None or renewed else self.refresh_expiry,
            obtained=now,
            scopes=granted.scopes if granted.scopes is not None else self.scopes,
            implausible=implausible,
            rotates=renewed if self.refresh else None,
        )

    def same(self, other: "TokenSet | None") -> bool:
        """Return whether `other` holds the same credentials."""
        return other is not None and (self.access, self.refresh) == (other.access, other.refresh)

    @property
    def seed(self) -> Secret:
        """What is handed in for the next token."""
        return self.refresh or self.access


def state_of(expiry: float | None, now: float, *, implausible: bool = False) -> TokenState:
    """Return the state of a token that expires at `expiry`."""
    if implausible:
        return TokenState.IMPLAUSIBLE
    if expiry is None:
        return TokenState.UNKNOWN
    if expiry == NEVER:
        return TokenState.NEVER_EXPIRES
    return TokenState.VALID if now < expiry else TokenState.EXPIRED


def plausible(expiry: float) -> bool:
    """Return whether `expiry` can be Unix seconds: from 2001 on, and no milliseconds."""
    # From 2001 to 5138; milliseconds of our days are beyond that.
    return expiry == NEVER or 1e9 < expiry < 1e11


@dataclass(frozen=True)
class SqlTokens:
    """Where the platform keeps its tenants' tokens: a SQLAlchemy URL and two statements.

    `select` returns one row with `access_token`, `refresh_token` and, where they are known, `expires_at`,
    `refresh_expires_at` and `scope`; `update` writes them back. Both know `:tenant` and `:integration`.
    """

    url: Secret
    select: str
    update: str


@dataclass(frozen=True)
class TokenSettings:
    """How the tokens of an integration are stored: `source` is `options`, `store` or `sql`.

    `refresh_before` is how many seconds before its expiry a token is renewed, at most a tenth of its life.
    """

    refresh_before: float = 86_400.0
    source: str = "options"
    sql: SqlTokens | None = None


RESULTS = ("ok", "adopted", "failed")
"""How an operation on a token ends; adopted: another process had renewed it."""


@dataclass(frozen=True)
class TokenEvent:
    """One operation on a token, for the log of tokens; `reason` is empty for a success.

    `operation` is `refresh` or `write_back`, `result` one of `RESULTS`. `actor` is `exporter` for what was
    due, `probe` where a probe needed it, else a user.
    """

    at: float
    integration: str
    tenant: str
    provider: str
    token: str
    actor: str
    operation: str
    result: str
    reason: str = ""
    duration_seconds: float = 0.0


@dataclass(frozen=True)
class AccessToken:
    """A token: `expiry` is Unix seconds, None where the endpoint did not report it.

    `fresh`: it was fetched for this call, and a server that refuses it will refuse the next one too.
    `scopes` are those granted, None where that is unknown.
    """

    value: Secret
    expiry: float | None = None
    fresh: bool = False
    scopes: frozenset[str] | None = None
