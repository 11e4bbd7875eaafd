"""What a leg of a request puts on the wire, worked out once where a request is sent again and again."""

from dataclasses import dataclass, field

import msgspec

from exporter.core.network import Request, Trace
from exporter.core.options import TlsOptions
from exporter.net import redirects
from exporter.net.message import encode
from exporter.net.pool import PoolKey
from exporter.net.redirects import Leg

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that may be sent a second time when a kept connection turns out to be closed."""


@dataclass(frozen=True, slots=True)
class WireMessage:
    """The bytes of one leg, credentials among them, and what they are sent with.

    `url` is what is asked, `tls` says how the server is judged, `line` is for the log, `reuse` allows a kept
    connection. `key` is that of its connections in the pool, for runs without a guard.
    """

    leg: Leg
    url: str
    data: bytes = field(repr=False)
    tls: TlsOptions
    key: PoolKey = field(repr=False)
    line: str
    reuse: bool

    def key_for(self, trace: Trace) -> PoolKey:
        """Return the key of connections that the run of `trace` may use."""
        origin, tls, family, _, proxy = self.key
        return self.key if trace.guard is None else (origin, tls, family, trace.guard, proxy)


def first_message(request: Request) -> WireMessage:
    """Return the message of the first leg; a bad URL or header is not_configured.

    It is kept with the request, so that a probe which sends the same one each time builds it once.
    """
    message: WireMessage | None = request.memo
    if message is None:
        message = message_of(request, redirects.first(request))
        # The field is no part of what the request says, so that writing it breaks no promise of a frozen one.
        object.__setattr__(request, "memo", message)
    return message


def message_of(request: Request, leg: Leg) -> WireMessage:
    """Return the message of any leg."""
    tls = _tls_of(request, leg)
    return WireMessage(
        leg=leg,
        url=str(leg.url),
        data=encode(
            request,
            leg.url,
            leg.method,
            leg.body,
            credentials=leg.credentials,
            query=leg.query,
            home=leg.home,
        ),
        tls=tls,
        key=(leg.url.origin, tls, request.family, None, request.proxy),
        line=f"sending {leg.method} {leg.url.redact()}",
        reuse=request.reuse and (request.repeatable or leg.method in IDEMPOTENT),
    )


def _tls_of(request: Request, leg: Leg) -> TlsOptions:
    """Return how the server of `leg` is judged: a configured name is that of the configured host."""
    if leg.home or not request.tls.server_name:
        return request.tls
    return msgspec.structs.replace(request.tls, server_name="")
