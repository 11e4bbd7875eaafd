"""The request that each kind of grant makes at its token endpoint; none follows a redirect."""

import base64
from dataclasses import replace
from functools import singledispatch
from urllib.parse import quote_plus

from exporter.core.errors import ProbeError
from exporter.core.network import Header, Request
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import ClientCredentials, Grant, JwtBearer, MetaExchange, RefreshToken

ASSERTION_LIFE = 600
"""Seconds that a signed assertion is good for; Google takes an hour at most."""

MOST = 64 << 10
"""Bytes of an answer."""

Form = list[Header]


@singledispatch
def request_of(grant: Grant, now: float) -> Request:
    """Return the request that asks for a token; `now` is Unix seconds. ProbeError where none can be made."""
    raise TypeError(f"{type(grant).__name__} is no grant known at {now:.0f}")


@request_of.register
def _client_credentials(grant: ClientCredentials, _now: float) -> Request:
    """RFC 6749, section 4.4.2."""
    form: Form = [("grant_type", "client_credentials"), *_scopes(grant.scopes)]
    if grant.audience:
        form.append(("audience", grant.audience))
    return _with_client(grant, form)


@request_of.register
def _refresh_token(grant: RefreshToken, _now: float) -> Request:
    """RFC 6749, section 6."""
    form: Form = [("grant_type", "refresh_token"), ("refresh_token", grant.refresh_token)]
    return _with_client(grant, [*form, *_scopes(grant.scopes)])


@request_of.register
def _jwt_bearer(grant: JwtBearer, now: float) -> Request:
    """RFC 7523, section 2.1; claims of developers.google.com/identity/protocols/oauth2/service-account."""
    claims = {
        "iss": grant.issuer,
        "aud": grant.audience or grant.token_url,
        "iat": int(now),
        "exp": int(now) + ASSERTION_LIFE,
    }
    if grant.subject:
        claims["sub"] = grant.subject
    if grant.scopes:
        claims["scope"] = " ".join(grant.scopes)
    import jwt  # with its library 9 MB, and few sign in by an assertion

    try:
        assertion = jwt.encode(
            claims,
            grant.private_key.reveal(),
            algorithm="RS256",
            headers={"kid": grant.key_id} if grant.key_id else None,
        )
    except (ValueError, TypeError, jwt.PyJWTError):
        # The text of the error may quote the key.
        raise ProbeError(Reason.AUTH, "the private key is no RSA key in PEM") from None
    kind = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return _post(grant.token_url, grant.tls, [("grant_type", kind), ("assertion", Secret(assertion))])


@request_of.register
def _meta_exchange(grant: MetaExchange, _now: float) -> Request:
    """developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived."""
    query: tuple[Header, ...] = (
        ("grant_type", "fb_exchange_token"),
        ("client_id", grant.app_id),
        ("client_secret", grant.app_secret),
        ("fb_exchange_token", grant.access_token),
    )
    return Request(
        grant.token_url,
        headers=(("Accept", "application/json"),),
        query=query,
        tls=grant.tls,
        reuse=False,
        max_body=MOST,
    )


def _scopes(scopes: tuple[str, ...]) -> Form:
    return [("scope", " ".join(scopes))] if scopes else []


def _with_client(grant: ClientCredentials | RefreshToken, form: Form) -> Request:
    """Name the client in the header or in the body (RFC 6749, section 2.3.1)."""
    if grant.auth_style == "header":
        basic = ("Authorization", _basic(grant.client_id, grant.client_secret))
        return replace(_post(grant.token_url, grant.tls, form), auth=(basic,), proxy=grant.proxy)
    named: Form = [("client_id", grant.client_id), ("client_secret", grant.client_secret)]
    return replace(_post(grant.token_url, grant.tls, [*form, *named]), proxy=grant.proxy)


def _post(url: str, tls: TlsOptions, form: Form) -> Request:
    return Request(
        url,
        "POST",
        headers=(("Accept", "application/json"),),
        form=tuple(form),
        tls=tls,
        reuse=False,
        max_body=MOST,
    )


def _basic(client_id: str, client_secret: Secret) -> Secret:
    """Return the header's value; section 2.3.1 asks for form encoding before Base64."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret.reveal())}"
    return Secret(f"Basic {base64.b64encode(pair.encode()).decode()}")
