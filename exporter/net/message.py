"""A request as bytes: the one place where secrets are revealed, and where a header cannot smuggle another."""

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from exporter.core.defaults import USER_AGENT
from exporter.core.errors import ProbeError
from exporter.core.network import Header, Request
from exporter.core.quoting import quoted
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.url import Url

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
"""Headers that say where a message ends: only we write them."""

CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINE_END = re.compile(r"[\x00\n\r]")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def encode(
    request: Request, url: Url, method: str, body: bytes, *, credentials: bool, query: bool, home: bool
) -> bytes:
    """Return the bytes of one HTTP/1.1 request.

    Without `credentials` the `auth` headers, cookies and every secret header are left out; without `query`
    the secret parameters; away from `home` a Host header, which names the configured host. A name or value
    that could break out of its line is refused as not_configured.
    """
    if not TOKEN.match(method):
        raise ProbeError(Reason.NOT_CONFIGURED, "the HTTP method is no valid word")
    plain_proxy = request.proxy if url.scheme == "http" else None
    target = str(url) if plain_proxy else url.target  # RFC 9112, section 3.2.2
    target += _extra(url, request.query) if query else ""
    lines = [f"{method} {target} HTTP/1.1"]
    given = set()
    for name, value in _headers(request, credentials):
        if not home and name.lower() == "host":
            continue
        given.add(name.lower())
        lines.append(_line(name, value, verbatim=request.verbatim))
    if plain_proxy and plain_proxy.auth:
        lines.append(_line("Proxy-Authorization", plain_proxy.auth))
    lines.extend(f"{name}: {value}" for name, value in _own(request, url) if name.lower() not in given)
    if body or method in _WITH_BODY:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1" if request.verbatim else "utf-8") + body


def body_of(request: Request) -> bytes:
    """Return the body: the fields of the form, or the bytes as they are."""
    if not request.form:
        return request.body
    return "&".join(f"{quote_plus(name)}={quote_plus(_text(value))}" for name, value in request.form).encode()


def secrets_of(request: Request) -> set[str]:
    """Return the texts of every Secret that `request` carries, for redaction.

    Of a value such as `Bearer abc` the last word is one too.
    """
    every = (*request.headers, *request.auth, *request.query, *request.form)
    whole = {value.reveal() for _, value in every if isinstance(value, Secret)}
    if request.proxy and request.proxy.auth:
        whole.add(request.proxy.auth.reveal())
    return whole | {text.rpartition(" ")[2] for text in whole}


def _own(request: Request, url: Url) -> Iterable[tuple[str, str]]:
    yield "Host", url.authority
    if not request.verbatim:
        yield "User-Agent", USER_AGENT
        yield "Accept", "*/*"
        yield "Accept-Encoding", "gzip, deflate"
    if request.form:
        yield "Content-Type", "application/x-www-form-urlencoded"
    if not request.reuse:
        yield "Connection", "close"


def _headers(request: Request, credentials: bool) -> Iterable[Header]:
    if credentials:
        return (*request.headers, *request.auth)
    return (
        (name, value)
        for name, value in request.headers
        if not isinstance(value, Secret) and name.lower() not in CREDENTIAL_HEADERS
    )


def _text(value: "str | Secret") -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _line(name: str, value: "str | Secret", *, verbatim: bool = False) -> str:
    text = _text(value)
    if not TOKEN.match(name) or name.lower() in FRAMING:
        raise ProbeError(
            Reason.NOT_CONFIGURED, f"the header {quoted(name, 'given')} is no header that can be set"
        )
    if (_LINE_END if verbatim else _CONTROL).search(text):
        raise ProbeError(
            Reason.NOT_CONFIGURED, f"the value of the header {name} holds a line break or control character"
        )
    return f"{name}: {text}"


def _extra(url: Url, query: tuple[Header, ...]) -> str:
    if not query:
        return ""
    pairs = ((quote(name, safe=""), quote(_text(value), safe="")) for name, value in query)
    return ("&" if "?" in url.target else "?") + "&".join(f"{name}={value}" for name, value in pairs)
