"""The options of the provider `http`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from exporter.config import durations
from exporter.core.network import DEFAULT_TLS
from exporter.core.options import FILE_TWIN, OPERATOR, PER_TENANT, Options, TlsOptions
from exporter.core.secret import Secret
from exporter.probes._host import Family


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Basic(_Part, frozen=True):
    """User name and password (RFC 7617)."""

    username: Annotated[str, Meta(description="User name; it may hold no colon.")]
    password: Annotated[Secret, Meta(description="Password.")]


class Bearer(_Part, frozen=True):
    """A token in the header Authorization (RFC 6750)."""

    token: Annotated[Secret, Meta(description="Token, without the word Bearer.")]


class ApiKey(_Part, frozen=True):
    """A key in a header or a query parameter of the service's choice; a tenant's row brings the key alone."""

    key: Annotated[Secret | None, Meta(description="The key.")] = None
    header: Annotated[str, OPERATOR, Meta(description="Header that carries the key, such as X-Api-Key.")] = ""
    query: Annotated[str, OPERATOR, Meta(description="Query parameter that carries the key.")] = ""


class OAuth2(_Part, frozen=True):
    """OAuth 2.0 (RFC 6749, sections 4.4 and 6); the tokens come from `token_endpoint`."""

    client_id: Annotated[str, Meta(description="Id of the client.", min_length=1)]
    client_secret: Annotated[Secret, Meta(description="Secret of the client.")]
    refresh_token: Annotated[
        Secret | None,
        Meta(description="Refresh token, for `token_endpoint.grant: refresh_token`; a newer one is kept."),
    ] = None


class Auth(_Part, frozen=True):
    """Who we are: one of the four."""

    basic: Annotated[Basic | None, Meta(description="User name and password.")] = None
    bearer: Annotated[Bearer | None, Meta(description="A token in the header Authorization.")] = None
    api_key: Annotated[ApiKey | None, Meta(description="A key in a header or in the query.")] = None
    oauth2: Annotated[OAuth2 | None, Meta(description="OAuth 2.0; see `token_endpoint`.")] = None


class TokenEndpoint(_Part, frozen=True):
    """Where the tokens of `auth.oauth2` come from.

    It is a key beside `auth` and not in it: a tenant may set `auth`, and must never choose where a
    credential is sent.
    """

    url: Annotated[
        str, Meta(description="What gives the tokens: https://, http:// on this machine.", min_length=1)
    ]
    grant: Annotated[
        str,
        Meta(
            pattern="^(client_credentials|refresh_token)$",
            description="What a token is asked for with: client_credentials, or refresh_token, which is"
            " in `auth.oauth2` or where `tokens.source` says.",
        ),
    ] = "client_credentials"
    scopes: Annotated[
        tuple[str, ...], Meta(description="Scopes to ask for; none asks for the usual ones.")
    ] = ()
    audience: Annotated[
        str, Meta(description="Parameter `audience`, which some services need, such as Auth0.")
    ] = ""
    auth_style: Annotated[
        str,
        Meta(
            pattern="^(header|body)$",
            description="How the client shows itself: header (HTTP Basic) or body (form fields).",
        ),
    ] = "header"
    tls: Annotated[TlsOptions, Meta(description="How the endpoint's certificate is judged.")] = DEFAULT_TLS


class HeaderExpect(_Part, frozen=True):
    """What a header of the answer must be like."""

    name: Annotated[str, Meta(description="Name of the header.")]
    matches: Annotated[
        str, Meta(description="Regular expression that its value matches; an absent header fails.")
    ] = ""
    not_matches: Annotated[
        str, Meta(description="Regular expression that its value does not match; an absent header passes.")
    ] = ""


class Expect(_Part, frozen=True):
    """What a good answer is; everything given must hold."""

    status: Annotated[
        tuple[int | str, ...],
        Meta(
            description="Good statuses: numbers, classes such as 2xx, ranges such as 200-204.", min_length=1
        ),
    ] = ("2xx",)
    body: Annotated[tuple[str, ...], Meta(description="JMESPath expressions that must be true.")] = ()
    matches: Annotated[
        tuple[str, ...],
        Meta(description="Regular expressions, each found in the first 32 KiB of the body."),
    ] = ()
    not_matches: Annotated[
        tuple[str, ...],
        Meta(description="Regular expressions, none found in the first 32 KiB of the body."),
    ] = ()
    headers: Annotated[tuple[HeaderExpect, ...], Meta(description="What headers must be like.")] = ()
    max_latency: Annotated[
        str, Meta(pattern=durations.PATTERN, description="The longest that all phases together may take.")
    ] = "0s"
    http_version: Annotated[
        tuple[str, ...], Meta(description='HTTP versions that are good, such as "1.1"; empty for any.')
    ] = ()
    tls: Annotated[
        str,
        Meta(
            pattern="^(any|required|forbidden)$",
            description="Whether the last answer must come over TLS: any, required or forbidden.",
        ),
    ] = "any"


class Extract(_Part, frozen=True):
    """One value of the answer as a gauge `integration_http_<metric>`."""

    metric: Annotated[
        str,
        Meta(pattern="^[a-z][a-z0-9]*(_[a-z0-9]+)*$", description="Name behind integration_http_."),
    ]
    path: Annotated[
        str, Meta(description="JMESPath of a number, a boolean (0 or 1) or a text with a number.")
    ]
    help: Annotated[str, Meta(description="What it means, one sentence that ends with a full stop.")]
    each: Annotated[
        str,
        Meta(description="JMESPath of a list: path and labels then look into each of its elements."),
    ] = ""
    labels: Annotated[dict[str, str], Meta(description="Labels: name to JMESPath of its value.")] = (
        msgspec.field(default_factory=dict)
    )


class HttpOptions(Options, frozen=True, dict=True):
    """One request and what is expected of its answer; what follows from them alone may be kept with them."""

    url: Annotated[str, FILE_TWIN, Meta(description="What to ask: http:// or https://.", min_length=1)]
    method: Annotated[str, Meta(description="HTTP method.", pattern="^[A-Z]{3,10}$")] = "GET"
    headers: Annotated[
        dict[str, str], Meta(description="Headers of the request; credentials belong in `auth`.")
    ] = msgspec.field(default_factory=dict)
    auth: Annotated[
        Auth | None, PER_TENANT, Meta(description="Credentials: basic, bearer, api_key or oauth2.")
    ] = None
    token_endpoint: Annotated[
        TokenEndpoint | None, Meta(description="Where the tokens of `auth.oauth2` come from.")
    ] = None
    body: Annotated[str, Meta(description="Body of the request.", max_length=1 << 20)] = ""
    expect: Annotated[Expect, Meta(description="What a good answer is; by default a status of 2xx.")] = (
        Expect()
    )
    extract: Annotated[tuple[Extract, ...], Meta(description="Values to export.", max_length=100)] = ()
    tls: Annotated[TlsOptions, Meta(description="How the server's certificate is judged.")] = DEFAULT_TLS
    proxy_url: Annotated[
        str,
        Meta(
            description="HTTP proxy to go through, also to an https token endpoint: http://host:port."
            " HTTPS_PROXY and the like are ignored."
        ),
    ] = ""
    proxy_auth: Annotated[Basic | None, Meta(description="User name and password for the proxy.")] = None
    redirects: Annotated[
        int, Meta(ge=0, le=20, description="How many redirects to follow; 0: the redirect is the answer.")
    ] = 5
    family: Family = "any"
    connection: Annotated[
        str,
        Meta(
            pattern="^(new|reuse)$",
            description="new connects for each probe, so that DNS, connect and certificate faults show at "
            "once; reuse keeps the connection up to five minutes.",
        ),
    ] = "new"
    max_body: Annotated[
        int, Meta(ge=1, le=64 << 20, description="Longest body in bytes, unpacked; a longer one fails.")
    ] = 1 << 20
