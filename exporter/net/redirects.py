"""What a redirect asks for, and whether we follow it."""

from dataclasses import dataclass
from urllib.parse import urljoin

from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Request
from exporter.core.reason import Reason
from exporter.net import url as urls
from exporter.net.message import body_of
from exporter.net.reader import REDIRECTS
from exporter.net.url import Url

RESENDING = frozenset({307, 308})
"""Redirects that keep method and body (RFC 9110, section 15.4)."""


@dataclass(frozen=True)
class Leg:
    """One request on the way; `credentials` and `query` say whether those of the request may be sent.

    `home` says that it goes to the configured host: a configured Host header and `tls.server_name` are its.
    """

    url: Url
    method: str
    body: bytes
    credentials: bool = True
    query: bool = True
    home: bool = True


def first(request: Request) -> Leg:
    """Return the request as it was asked for; a bad URL is not_configured."""
    try:
        return Leg(urls.parse(request.url), request.method.upper(), body_of(request))
    except ValueError as error:
        raise ProbeError(Reason.NOT_CONFIGURED, str(error)) from None


def follow(leg: Leg, answer: Answer, way: list[Leg], most: int, *, resend: bool = False) -> Leg | None:
    """Return the next request, or None where `answer` is no redirect; raise ProbeError (bad_response).

    With `most` 0 none is followed, with `resend` only what keeps method and body.

    `way` are the legs so far. Methods change as in browsers: 303, and POST at 301 and 302, become
    GET. Once another origin was asked, credentials stay behind for good. From https to http is refused.
    """
    location = answer.headers.get("location", "")
    wanted = most > 0 and answer.status in (RESENDING if resend else REDIRECTS)
    if not wanted or not location:
        return None
    target = _target(leg, location)
    if leg.url.scheme == "https" and target.scheme == "http":
        raise _error("the server redirects from https to http, which gives up encryption")
    if len(way) > most:
        raise _error(f"the server redirects more than {most} times, at last to {target.redact()}")
    becomes_get = answer.status == 303 or (answer.status in (301, 302) and leg.method == "POST")
    method = "GET" if becomes_get and leg.method != "HEAD" else leg.method
    same = target.origin == leg.url.origin
    if any(passed.url == target and passed.method == method for passed in way):
        raise _error(f"the server redirects in a circle, back to {target.redact()}")
    body = b"" if becomes_get else leg.body
    home = _is_home(way[0].url, target)
    return Leg(target, method, body, leg.credentials and same, query=False, home=home)


def _is_home(configured: Url, target: Url) -> bool:
    """Return whether `target` is the configured origin, or the same host with encryption added."""
    if target.origin == configured.origin:
        return True
    plain = (configured.scheme, configured.port) == ("http", urls.PORTS["http"])
    return plain and target.origin == ("https", configured.host, urls.PORTS["https"])


def _target(leg: Leg, location: str) -> Url:
    try:
        # Servers forget to encode spaces, and browsers and curl do it for them.
        joined = urljoin(str(leg.url), location.strip().replace(" ", "%20"))
        scheme = joined.partition(":")[0].lower()
        if scheme not in urls.PORTS:
            raise _error("the server redirects to another scheme than http and https")
        return urls.parse(joined)
    except ValueError as error:
        raise _error(f"the server redirects to an address that cannot be used: {error}") from None


def _error(detail: str) -> ProbeError:
    return ProbeError(Reason.BAD_RESPONSE, detail)
