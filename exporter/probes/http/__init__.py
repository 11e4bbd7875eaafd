"""Asks one URL and judges the answer: a vendor we do not know is a few lines of YAML.

It answers: does the service answer, in time, with the right status and body, and what do the numbers in its
body say? It needs no permission but to ask, and costs one call per probe and redirect. Each probe opens a
new connection unless configured otherwise, so that DNS, connect and certificate faults show within one
interval.

With OAuth2 a token is fetched now and then, for all targets that share the credential: one call more, whose
phases, status and certificate do not count as those of the probe.

It connects directly, whatever HTTPS_PROXY says, unless `proxy_url` names a proxy; an https token endpoint is
asked through the same one.

A status that is not expected is reported by its meaning (401 is auth, 404 not_found, 429 rate_limited, 5xx
vendor_error); anything else that is not as expected is an assertion, and the first one is named.
"""

import base64
from collections.abc import Iterable
from functools import cache

from exporter.config.document.credentials import SECRET_NAME
from exporter.core.metric import Metric, Sample
from exporter.core.network import Answer, Header, Proxy, Request
from exporter.core.probe import AccessToken, ClientCredentials, Grant, Kit, Probe, Target
from exporter.core.secret import Secret
from exporter.core.token import EXTERNAL, RefreshToken
from exporter.probes.http import evidence, expect, extract
from exporter.probes.http.alerts import ALERTS
from exporter.probes.http.echo import RequestRedactor
from exporter.probes.http.mistakes import mistakes
from exporter.probes.http.options import Auth, Basic, HttpOptions

__all__ = ["PROBE", "check"]


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask the URL and return what the answer says; raise ProbeError unless it is as expected."""
    options: HttpOptions = target.options
    request, answer = await _ask(options, kit)
    # The status first: a 401 with an unexpected body is `auth`, not an assertion.
    expect.check_status(options.expect, answer, kit.now())
    expect.check_answer(options.expect, answer, sum(kit.trace.phases.values()))
    samples = [
        extract.body_bytes(len(answer.body)),
        extract.redirects(answer.redirects),
        extract.protocol(answer.http_version, answer.tls_version),
    ]
    if options.expect.body or options.extract:
        document = kit.document(answer).value
        # Gathered only where something of the answer is shown.
        redactor = cache(lambda: RequestRedactor(request, options, target.hidden))
        wrong = expect.first_untrue(options.expect, document)
        if wrong is not None:
            kit.trace.private += map(redactor(), evidence.values(options.expect.body[wrong], document))
            raise expect.untrue(options.expect, wrong)
        if options.extract:
            samples.extend(extract.samples(options.extract, document, kit, redactor()))
    return samples


async def _ask(options: HttpOptions, kit: Kit) -> tuple[Request, Answer]:
    """Ask the URL; where a token from memory is refused, once more with another one."""
    grant = grant_of(options)
    token = await kit.token(grant) if grant else None
    request = _same_request(options) if token is None else request_of(options, token)
    answer = await kit.call(request)
    if grant is None or token is None or answer.status != 401 or token.fresh:
        return request, answer
    other = await kit.token(grant, refused=token)
    if other.value == token.value:
        return request, answer
    kit.log("the token from memory was refused: asking again with another one")
    request = request_of(options, other)
    return request, await kit.call(request)


def grant_of(options: HttpOptions) -> Grant | None:
    """Return what a token is asked for with, None where the credential is of another kind."""
    client, endpoint = options.auth.oauth2 if options.auth else None, options.token_endpoint
    if client is None or endpoint is None:
        return None
    if endpoint.grant == "refresh_token":
        return RefreshToken(
            endpoint.url,
            client.client_id,
            client.client_secret,
            client.refresh_token or EXTERNAL,
            scopes=endpoint.scopes,
            auth_style=endpoint.auth_style,
            tls=endpoint.tls,
            proxy=_proxy_to(endpoint.url, options),
        )
    return ClientCredentials(
        endpoint.url,
        client.client_id,
        client.client_secret,
        endpoint.scopes,
        endpoint.audience,
        endpoint.auth_style,
        endpoint.tls,
        _proxy_to(endpoint.url, options),
    )


def _proxy_to(token_url: str, options: HttpOptions) -> Proxy | None:
    """Return the proxy on the way to `token_url`.

    None on the way to http://, which is on this machine: the proxy would read the secret, and ask its own
    machine.
    """
    return _proxy(options) if token_url.lower().startswith("https:") else None


def _same_request(options: HttpOptions) -> Request:
    """Return the request without a token, the same object each time: the network keeps what it made of it."""
    kept = options.__dict__
    request: Request | None = kept.get("request")
    if request is None:
        request = kept["request"] = request_of(options)
    return request


def request_of(options: HttpOptions, token: AccessToken | None = None) -> Request:
    """Return the request that `options` describe, with `token` where one is needed."""
    header, query = _credentials(options.auth)
    if token is not None:
        header = (("Authorization", Secret(f"Bearer {token.value.reveal()}")),)
    return Request(
        url=options.url,
        method=options.method,
        # A second key, which `auth` has no place for, stays behind on redirects as the first one does.
        headers=tuple(
            (name, Secret(value) if SECRET_NAME.search(name) else value)
            for name, value in options.headers.items()
        ),
        auth=header,
        query=query,
        body=options.body.encode(),
        tls=options.tls,
        family=options.family,
        reuse=options.connection == "reuse",
        redirects=options.redirects,
        max_body=options.max_body,
        proxy=_proxy(options),
    )


def _proxy(options: HttpOptions) -> Proxy | None:
    if not options.proxy_url:
        return None
    return Proxy(options.proxy_url, _basic(options.proxy_auth) if options.proxy_auth else None)


def _basic(pair: Basic) -> Secret:
    """Return the value of a header for HTTP Basic (RFC 7617)."""
    text = f"{pair.username}:{pair.password.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(text).decode()}")


def _credentials(auth: Auth | None) -> tuple[tuple[Header, ...], tuple[Header, ...]]:
    """Return the headers and the query parameters that carry the credential."""
    if auth is None:
        return (), ()
    if auth.basic:
        return (("Authorization", _basic(auth.basic)),), ()
    if auth.bearer:
        return (("Authorization", Secret(f"Bearer {auth.bearer.token.reveal()}")),), ()
    key = auth.api_key
    if key is None or key.key is None:
        return (), ()
    return (((key.header, key.key),), ()) if key.header else ((), ((key.query, key.key),))


def _reads_fields(options: HttpOptions) -> bool:
    return bool(options.extract or options.expect.body)


def _extracted(options: HttpOptions) -> tuple[Metric, ...]:
    return tuple(extract.metric_of(item.metric, item.help, tuple(item.labels)) for item in options.extract)


PROBE = Probe(
    name="http",
    title="HTTP",
    options=HttpOptions,
    check=check,
    metrics=extract.METRICS,
    alerts=ALERTS,
    interval=60.0,
    timeout=10.0,
    generic=True,
    dynamic=_extracted,
    verify=mistakes,
    grant=grant_of,
    drifts=_reads_fields,
)
