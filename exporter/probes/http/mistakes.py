"""What is wrong with options of the provider `http` that each have the right type."""

import ipaddress
import re
from collections.abc import Iterator

from exporter.core.network import Proxy
from exporter.core.quoting import is_plain_key, quoted
from exporter.net import proxy
from exporter.net import url as urls
from exporter.net.message import CREDENTIAL_HEADERS, FRAMING, TOKEN
from exporter.probes.http.expect import expression, pattern, status_matcher
from exporter.probes.http.extract import OWN_NAMES, metric_of
from exporter.probes.http.options import ApiKey, Auth, Expect, Extract, HttpOptions

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")  # RFC 6749, section 3.3


def mistakes(options: HttpOptions) -> list[str]:
    """Return what is wrong with `options`: each begins with the key; its remedy comes last, behind `; `."""
    return [
        *_of_request(options),
        *_of_proxy(options),
        *(_of_auth(options.auth) if options.auth else ()),
        *_of_tokens(options),
        *_of_expect(options.expect),
        *_of_extract(options.extract),
    ]


def _of_request(options: HttpOptions) -> Iterator[str]:
    try:
        urls.parse(options.url)
    except ValueError as error:
        yield f"url: {error}; write it as https://host/path"
    for name, value in options.headers.items():
        if not TOKEN.match(name) or name.lower() in FRAMING:
            yield f"headers: {quoted(name, 'a name')} is no header that can be set; remove it"
        elif name.lower() in CREDENTIAL_HEADERS:
            yield f"headers: {name} is a credential; give it in auth, where it stays secret"
        elif not value.isprintable():
            shown = quoted(name, "a header")
            yield f"headers: the value of {shown} has a line break or control character; remove it"


def _of_proxy(options: HttpOptions) -> Iterator[str]:
    if options.proxy_url:
        try:
            proxy.address(Proxy(options.proxy_url))
        except ValueError as error:
            yield f"proxy_url: {error}; write it as http://host:port"
    elif options.proxy_auth:
        yield "proxy_auth: there is no proxy to show it to; add proxy_url, or remove it"
    if options.proxy_auth and ":" in options.proxy_auth.username:
        yield "proxy_auth: a user name holds no colon (RFC 7617); correct it"


def _of_auth(auth: Auth) -> Iterator[str]:
    if sum(kind is not None for kind in (auth.basic, auth.bearer, auth.api_key, auth.oauth2)) != 1:
        yield "auth: there must be exactly one kind; keep one of basic, bearer, api_key and oauth2"
    if auth.basic and ":" in auth.basic.username:
        yield "auth: a user name holds no colon (RFC 7617); correct it"
    if auth.api_key:
        yield from _of_api_key(auth.api_key)


def _of_api_key(key: ApiKey) -> Iterator[str]:
    if key.key is None:
        yield "auth: the api_key has no key; add key or key_file, or let each tenant's row bring its own"
    if bool(key.header) == bool(key.query):
        yield (
            "auth: an api_key goes into a header or a query parameter; set exactly one of header and query"
            " under the integration's options"
        )
    if key.header and not _may_carry(key.header):
        shown = quoted(key.header, "the name")
        yield f"auth: {shown} is no header that can carry a key; choose one such as X-Api-Key"


def _of_tokens(options: HttpOptions) -> Iterator[str]:
    endpoint, auth = options.token_endpoint, options.auth
    if endpoint is None:
        if auth and auth.oauth2:
            yield "auth: oauth2 needs to know where its tokens come from; add token_endpoint: {url: ...}"
        return
    if auth and auth.oauth2 and auth.oauth2.refresh_token and endpoint.grant != "refresh_token":
        yield "auth: the refresh_token is not used; set token_endpoint.grant: refresh_token"
    if auth is None:
        yield "token_endpoint: nobody is there to ask it for tokens; add auth.oauth2, or remove it"
    try:
        url = urls.parse(endpoint.url)
    except ValueError as error:
        yield f"token_endpoint: {error}; write it as https://host/path"
        return
    if url.scheme != "https" and not _on_this_machine(url.host):
        yield "token_endpoint: a secret must not go over the network in clear; write https:// (RFC 6749, 3.2)"
    for scope in endpoint.scopes:
        if not _SCOPE.match(scope):
            yield f"token_endpoint: {quoted(scope, 'one')} is no scope; write each by itself, without quotes"


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Any other name may resolve to another machine tomorrow; this one may not (RFC 6761, section 6.3).
        return host == "localhost"


def _may_carry(header: str) -> bool:
    # A key in `Host` would change which site answers.
    return bool(TOKEN.match(header)) and header.lower() not in FRAMING | {"host"}


def _of_expect(expect: Expect) -> Iterator[str]:
    for status in expect.status:
        try:
            status_matcher(status)
        except ValueError as error:
            yield f"expect: status {error}; write a number, 2xx or 200-204"
    for index, text in enumerate(expect.body):
        yield from _of_path(f"expect: body[{index}]", text)
    regexes = [(f"matches[{index}]", text) for index, text in enumerate(expect.matches)]
    regexes += [(f"not_matches[{index}]", text) for index, text in enumerate(expect.not_matches)]
    for index, header in enumerate(expect.headers):
        regexes += [(f"headers[{index}].matches", header.matches)]
        regexes += [(f"headers[{index}].not_matches", header.not_matches)]
    for where, text in regexes:
        try:
            pattern(text)
        except ValueError as error:
            yield f"expect: the regular expression {where} {error}; correct it"
    for header in expect.headers:
        if not TOKEN.match(header.name) or not (header.matches or header.not_matches):
            yield "expect: a header needs a name, and matches or not_matches; add what is missing"


def _of_path(where: str, text: str) -> Iterator[str]:
    try:
        expression(text)
    except ValueError as error:
        yield f"{where} is no JMESPath: {error}; see https://jmespath.org"


def _of_extract(extracts: tuple[Extract, ...]) -> Iterator[str]:
    seen: set[str] = set()
    for index, item in enumerate(extracts):
        paths = {"path": item.path, "each": item.each, **{f"labels.{n}": p for n, p in item.labels.items()}}
        for name, text in paths.items():
            if text or name != "each":
                # The name of a label may be a credential in the wrong place: only a plain one is shown.
                where = name if is_plain_key(name) else "one of labels"
                yield from _of_path(f"extract: [{index}].{where}", text)
        if item.metric in seen or f"integration_http_{item.metric}" in OWN_NAMES:
            shown = item.metric if is_plain_key(item.metric) else f"of [{index}]"
            yield f"extract: the metric {shown} is taken; choose another name"
        seen.add(item.metric)
        try:
            metric_of(item.metric, item.help, tuple(item.labels))
        except ValueError as error:
            words = (
                error if all(map(is_plain_key, (item.metric, *item.labels))) else f"[{index}] is no metric"
            )
            yield f"extract: {words}; correct it"
