"""A probe, what it is given and what it leaves."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.core.alert import Alert
from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.options import Options, TlsOptions
from exporter.core.panel import Panel
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import AccessToken, ClientCredentials, Grant

DAY = 86_400.0
MONTH = 30 * DAY
"""Seconds in the 30 days over which vendors count reads."""

DEFAULT_TLS = TlsOptions()
Header = tuple[str, "str | Secret"]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP call. `headers` may hold Secrets; they are revealed on the wire only.

    `auth` headers are dropped when a redirect leaves the origin. `query` are credentials that are added to
    the URL's query on the wire alone; any redirect drops them. `form`, in place of `body`, holds the fields
    of a form (application/x-www-form-urlencoded); with a Secret in it redirects must stay 0. `redirects` is
    how many are followed (0: the 3xx is the answer). `max_body` bounds the body as unpacked, in bytes.
    `family` is `any`, `4` or `6`.
    `reuse` keeps the connection for the next call to the same origin.
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
    max_body: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names are in lower case, repeated ones joined by a comma.

    `certificate_expiry` is the notAfter of the peer's certificate in Unix seconds, None without TLS.
    `url` is the last one asked, `redirects` how many led there. `http_version` is such as "1.1",
    `tls_version` such as "TLSv1.3", "" without TLS.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    certificate_expiry: float | None = None
    redirects: int = 0
    http_version: str = ""
    tls_version: str = ""


@dataclass(frozen=True)
class Peer:
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
        """Take what arrived, a datagram or a piece of a stream; raise ProbeError if it is no good answer."""

    def finish(self) -> None:
        """Tell that the peer closed the connection; raise ProbeError if that cut the answer."""

    def release(self) -> None:
        """Tell that nothing more will come."""


class Talk(Protocol):
    """An open connection for a protocol of the probe's own: one question and one answer at a time.

    `place` is "address:port", `local` our own address, `secured` tells that TLS is on.
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
    ) -> Peer:
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
    """Decides where a run may connect to; equal guards decide alike. See net/addresses.py."""

    def refusal(self, address: str) -> str:
        """Return why the IP address `address` may not be dialled, "" when it may."""


@dataclass(slots=True)
class Trace:
    """What one run leaves besides its samples: filled by the network and the kit, read by the engine.

    `phases` are seconds by phase, added up over the calls of the run. `certificate_expiry` is a dated
    fact: it is kept even when the run fails. `log` are lines (seconds since the start, text). `pause` is
    how many seconds the vendor's headers ask us to wait. `started` and `deadline` are readings of
    `time.monotonic`; the run is cancelled at the deadline, None if never. `guard` judges every address
    before it is dialled, None where all may be. `vendor_details` are names and texts for people.
    """

    phases: dict[str, float] = field(default_factory=dict)
    http_status: int | None = None
    certificate_expiry: float | None = None
    facts: list[Sample] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    calls: int = 0
    pause: float | None = None
    started: float = field(default_factory=time.monotonic)
    deadline: float | None = None
    guard: AddressGuard | None = None
    vendor_details: tuple[tuple[str, str], ...] = ()

    def note(self, text: str) -> None:
        """Add a line to the log; it must hold no secret."""
        self.log.append((time.monotonic() - self.started, text))

    def phase(self, name: str, seconds: float) -> None:
        """Add `seconds` to a phase."""
        self.phases[name] = self.phases.get(name, 0.0) + seconds


class Kit(Protocol):
    """All that a check may use."""

    trace: Trace

    async def call(self, request: Request) -> Answer:
        """Make one HTTP call; counted as an API call of the integration."""

    async def connect(
        self, host: str, port: int, *, tls: TlsOptions | None = None, family: str = "any"
    ) -> Peer:
        """Open and close a connection; see `Network.connect`."""

    def talk(
        self,
        host: str,
        port: int,
        *,
        tls: TlsOptions | None = None,
        family: str = "any",
        datagrams: bool = False,
    ) -> AbstractAsyncContextManager[Talk]:
        """Open a connection to speak on; see `Network.talk`."""

    async def token(self, grant: Grant, refused: AccessToken | None = None) -> AccessToken:
        """Return an access token: from memory, where targets share it, or fetched, which counts as a call.

        `refused` is one that the server did not take: another one is fetched, if that may help. The token's
        expiry becomes a fact of the run. An endpoint that gives none is a ProbeError.
        """

    def token_told(self, token: Secret, expiry: float | None, scopes: frozenset[str] | None = None) -> None:
        """Take what the vendor tells of a token that it was shown.

        `expiry` is Unix seconds, `core.token.NEVER` for a token that does not end, None if unknown.
        """

    async def every(self, key: str, period: float, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return the last answer of `call`, made anew when it is older than `period` seconds.

        `call` must return what JSON can hold. The answer and its time survive reloads and restarts.
        An error of `call` is raised and nothing is kept.
        """

    def recall(self, key: str) -> Any:
        """Return what `remember` kept under `key`, None if nothing; survives like an answer of `every`."""

    def remember(self, key: str, value: Any) -> None:
        """Keep `value`, which must be what JSON can hold, for the next run."""

    def now(self) -> float:
        """Return the wall clock in Unix seconds."""

    def log(self, text: str) -> None:
        """Add a line to the log of this run; it must hold no secret."""

    def vendor_detail(self, name: str, text: str | None) -> None:
        """Tell viewers of the status how the vendor names things: an account's id or name, never a secret.

        It becomes no label and no line of the log. At most eight are kept, of 200 characters each.
        """

    def fact(self, sample: Sample) -> None:
        """Keep the sample of a dated metric even when the check fails after this."""

    def document(self, answer: Answer) -> Document:
        """Return the JSON body of `answer`; bad JSON is `bad_response`, odd fields count as drift."""


Check = Callable[["Target", Kit], Awaitable[Iterable[Sample]]]


@dataclass(frozen=True)
class Allowance:
    """A documented limit of reads: `calls` in 30 days for one credential; `source` says where it stands."""

    calls: float
    source: str


@dataclass(frozen=True)
class Probe:
    """A kind of integration: one file in `probes/` defines one as `PROBE`.

    `check` returns samples or raises ProbeError. `needs` are the options without which a target is not
    configured. `interval` and `timeout` are defaults in seconds. `calls` tells how many reads a target
    makes in 30 days; `credential` is the option that targets sharing an `allowance` have in common.
    `concurrency` bounds the runs at one time over all targets of the provider; for a `generic` one, whose
    integrations are strangers to one another, it holds for each integration. `environment` names the
    environment variables that configure one target without a file. `dynamic` returns the metrics
    that depend on the options. `verify` returns what is wrong with options that each have the right type.
    `grant` tells how a target's access token is renewed, None where the one in its options stands as it is.
    `token_option` is the option that holds a token which another source may have in its place.
    """

    name: str
    title: str
    options: type[Options]
    check: Check
    metrics: tuple[Metric, ...] = ()
    alerts: tuple[Alert, ...] = ()
    panels: tuple[Panel, ...] = ()
    needs: tuple[str, ...] = ()
    interval: float = 300.0
    timeout: float = 10.0
    concurrency: int = 16
    generic: bool = False
    calls: Callable[[Any, float], float] | None = None
    allowance: Allowance | None = None
    credential: str = ""
    environment: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dynamic: Callable[[Any], tuple[Metric, ...]] | None = None
    verify: Callable[[Any], list[str]] | None = None
    grant: Callable[[Any], Grant | None] | None = None
    token_option: str = ""

    def calls_per_month(self, options: Options, interval: float) -> float:
        """Return the reads in 30 days of one target probed every `interval` seconds."""
        return self.calls(options, interval) if self.calls else MONTH / interval

    def __hash__(self) -> int:
        """Hash by name: probes are unique by name."""
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        """Compare by name, so that targets compare cheaply."""
        return isinstance(other, Probe) and other.name == self.name


Key = tuple[str, str]
"""Identity of a target: (integration, tenant)."""


@dataclass(frozen=True, slots=True)
class Target:
    """One integration of one tenant; equal targets are unchanged ones and are left alone by a reload.

    `interval` and `timeout` are seconds. `tenant` is "" where the integration has none. `over_budget` says
    that its operator allows more reads than the vendor documents. `networks` is None where the operator chose
    the addresses; else a stranger did, and they must be public or in one of these networks.
    """

    integration: str
    tenant: str
    probe: Probe
    options: Any
    interval: float
    timeout: float
    labels: tuple[tuple[str, str], ...] = ()
    critical: bool = False
    over_budget: bool = False
    networks: tuple[str, ...] | None = None

    @property
    def key(self) -> Key:
        """Identity of the target."""
        return (self.integration, self.tenant)

    @property
    def provider(self) -> str:
        """Name of its probe."""
        return self.probe.name

    @property
    def configured(self) -> bool:
        """Tell whether every option that the probe needs is there."""
        return all(getattr(self.options, name) for name in self.probe.needs)

    def __str__(self) -> str:
        """Return `integration` or `integration/tenant`, for logs."""
        return f"{self.integration}/{self.tenant}" if self.tenant else self.integration


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of a target came to; there always is one.

    `at` is the start in Unix seconds, `took` the whole duration in seconds. `reason` is None on success.
    `detail` is one sentence without secrets. `samples` are measured values, none after a failure; `facts` the
    dated ones, which a failure keeps. `vendor_details` are what the status shows to people.
    """

    at: float
    took: float
    reason: Reason | None = None
    detail: str = ""
    samples: tuple[Sample, ...] = ()
    facts: tuple[Sample, ...] = ()
    http_status: int | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    log: tuple[tuple[float, str], ...] = ()
    drift: tuple[str, ...] = ()
    calls: int = 0
    retry_after: float | None = None
    trace_id: str = ""
    vendor_details: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether the target is connected."""
        return self.reason is None


__all__ = [
    "DAY",
    "MONTH",
    "AccessToken",
    "Allowance",
    "Answer",
    "Check",
    "ClientCredentials",
    "Grant",
    "Header",
    "Key",
    "Kit",
    "Network",
    "Peer",
    "Probe",
    "ProbeError",
    "Reader",
    "Request",
    "Result",
    "Talk",
    "Target",
    "Trace",
]
