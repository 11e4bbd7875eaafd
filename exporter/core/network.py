"""What a probe may ask of the network, what comes back, and what a run leaves on the way."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from exporter.core.metric import Sample
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret

DEFAULT_TLS = TlsOptions()
Header = tuple[str, "str | Secret"]


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: `url` is http://host:port, `auth` the value of Proxy-Authorization."""

    url: str
    auth: Secret | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP call. `headers` may hold Secrets; they are revealed on the wire only.

    `auth` headers are dropped when a redirect leaves the origin. `query` are credentials that are added to
    the URL's query on the wire alone; any redirect drops them. `form`, in place of `body`, holds the fields
    of a form (application/x-www-form-urlencoded); with a Secret in it redirects must stay 0. `redirects` is
    how many are followed (0: the 3xx is the answer). `max_body` bounds the body as unpacked, in bytes.
    `family` is `any`, `4` or `6`.
    `resend` follows only redirects that keep method and body (307 and 308); the others are the answer.
    `reuse` keeps the connection for the next call to the same origin. `repeatable` says that the server may
    get it twice, whatever its method: it then goes out on a kept connection too. With `verbatim` the texts of
    headers are bytes as latin-1, and none is added but Host and what frames the message. With `proxy` all of
    it, redirects too, goes through that proxy, which then resolves the names. `memo` is the network's own:
    what it worked out of a request that is sent again and again.
    """

    url: str
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    auth: tuple[Header, ...] = ()
    query: tuple[Header, ...] = ()
    body: bytes = b""
    form: tuple[Header, ...] = ()
    tls: TlsOptions = DEFAULT_TLS
    family: str = "any"
    reuse: bool = True
    redirects: int = 0
    resend: bool = False
    max_body: int = 1 << 20
    proxy: Proxy | None = None
    repeatable: bool = False
    verbatim: bool = False
    memo: Any = field(default=None, init=False, repr=False, compare=False)


class Answer(msgspec.Struct, frozen=True):
    """What came back: header names are in lower case, repeated ones joined by a comma.

    `certificate_expiry` is the notAfter of the peer's certificate in Unix seconds, None without TLS.
    `url` is the last one asked, `redirects` how many led there. `http_version` is such as "1.1",
    `tls_version` such as "TLSv1.3", "" without TLS. `packed` names a content encoding that we cannot undo:
    `body` is then as it was sent, and core/body.py reads nothing from it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    certificate_expiry: float | None = None
    redirects: int = 0
    http_version: str = ""
    tls_version: str = ""
    packed: str = ""


@dataclass(frozen=True)
class ConnectedPeer:
    """Facts of a connection that was opened and closed again."""

    address: str
    certificate_expiry: float | None = None
    tls_version: str = ""


class Reader(Protocol):
    """Takes what a peer says, piece by piece, until one answer is whole."""

    @property
    def done(self) -> bool:
        """Whether the answer is whole."""

    def feed(self, data: bytes) -> None:
        """Take what arrived, a datagram or a piece of a stream; raise ProbeError if that is not an answer."""

    def finish(self) -> None:
        """Note that the peer closed the connection; raise ProbeError if that cut the answer."""

    def release(self) -> None:
        """Note that nothing more will come."""


class Talk(Protocol):
    """An open connection for a protocol of the probe's own: one question and one answer at a time.

    `place` is "address:port", `local` our own address, `secured` says that TLS is on.
    """

    @property
    def place(self) -> str:
        """Where the peer is."""

    @property
    def local(self) -> str:
        """Our own address."""

    @property
    def secured(self) -> bool:
        """Whether what is said is encrypted."""

    async def ask(self, data: bytes, reader: Reader, phase: str, waiting_for: str) -> None:
        """Send `data` (maybe nothing) and feed what comes to `reader` until it is done.

        The time taken is added to the phase. `waiting_for` says in the log what did not come in time.
        """

    async def secure(self, tls: TlsOptions, again: "Callable[[Talk], Awaitable[None]] | None" = None) -> None:
        """Shake hands by TLS on the open connection.

        Where the certificate is refused, `again` leads a new connection to the same point, so that the
        certificate can be read after all; nothing is said on that one afterwards.
        """


class Network(Protocol):
    """How a probe reaches the world. Every failure is a ProbeError with its reason.

    Phases (`resolve`, `connect`, `tls`, `processing`, `transfer`) and the HTTP status go to the run's Trace.
    """

    async def call(self, request: Request, trace: "Trace") -> Answer:
        """Send `request` and read the whole answer, whatever its status."""

    async def connect(
        self, host: str, port: int, trace: "Trace", *, tls: TlsOptions | None = None, family: str = "any"
    ) -> ConnectedPeer:
        """Open a connection, with a TLS handshake where `tls` is given, and close it."""

    def talk(
        self,
        host: str,
        port: int,
        trace: "Trace",
        *,
        tls: TlsOptions | None = None,
        family: str = "any",
        datagrams: bool = False,
    ) -> AbstractAsyncContextManager[Talk]:
        """Open a connection to speak on, by TLS where `tls` is given; it is closed at the end of the block.

        `datagrams` opens a UDP socket: each answer is one datagram, and a question is repeated every
        second until it is answered.
        """


class AddressGuard(Protocol):
    """Decides where a run may connect to; equal guards decide alike. See net/addresses.py.

    `origin` says in the message of a refusal who named the address, and what could permit it.
    """

    @property
    def origin(self) -> str:
        """Return such as "named by a tenant's row; tenants.allow_networks can permit its network"."""

    def refusal(self, address: str) -> str:
        """Return why the IP address `address` may not be dialled, "" when it may."""


@dataclass(slots=True)
class Trace:
    """What one run leaves besides its samples: filled by the network and the kit, read by the engine.

    `phases` are seconds by phase, added up over the calls of the run. `certificate_expiry` (of the server's
    own certificate), `chain_expiry` (the first one of its chain, its own among them) and
    `client_certificate_expiry` (of the one we show) are dated facts in Unix seconds: they are kept even when
    the run fails. `log` are lines (seconds since the start, text). `pause` is
    how many seconds the vendor's headers ask us to wait. `started` and `deadline` are readings of
    `time.monotonic`; the run is cancelled at the deadline, None if never. `guard` judges every address
    before it is dialled, None where all may be. `delay` are seconds for which whole answers waited for a turn
    of the loop: the process took them, and no vendor. `vendor_details` are names and texts for people.
    `private` is for the administrator who asks for this run: it may quote an answer, and is neither stored
    nor listed.
    """

    phases: dict[str, float] = field(default_factory=dict)
    http_status: int | None = None
    certificate_expiry: float | None = None
    chain_expiry: float | None = None
    client_certificate_expiry: float | None = None
    facts: list[Sample] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    calls: int = 0
    pause: float | None = None
    started: float = field(default_factory=time.monotonic)
    deadline: float | None = None
    guard: AddressGuard | None = None
    delay: float = 0.0
    vendor_details: tuple[tuple[str, str], ...] = ()
    private: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a line to the log; it must hold no secret."""
        self.log.append((time.monotonic() - self.started, text))

    def phase(self, name: str, seconds: float) -> None:
        """Add `seconds` to a phase."""
        self.phases[name] = self.phases.get(name, 0.0) + seconds
