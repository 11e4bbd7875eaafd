"""A probe, what it is given and what it leaves."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol

import msgspec

from exporter.core.alert import Alert
from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.network import Answer, ConnectedPeer, Request, Talk, Trace
from exporter.core.options import Options, TlsOptions
from exporter.core.panel import Panel
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import AccessToken, ClientCredentials, Grant

DAY = 86_400.0
MONTH = 30 * DAY
"""Seconds in the 30 days over which vendors count reads."""


class Kit(Protocol):
    """All that a check may use."""

    trace: Trace

    async def call(self, request: Request) -> Answer:
        """Make one HTTP call; counted as an API call of the integration."""

    async def connect(
        self, host: str, port: int, *, tls: TlsOptions | None = None, family: str = "any"
    ) -> ConnectedPeer:
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

    def report_token(self, token: Secret, expiry: float | None, scopes: frozenset[str] | None = None) -> None:
        """Take what the vendor reports of a token.

        `expiry` is Unix seconds, `core.token.NEVER` for a token that never expires, None if unknown.
        """

    async def every(self, key: str, period: float, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return the last answer of `call`, made again when it is older than `period` seconds.

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
        """Show viewers of the status how the vendor names things: an account's id or name, never a secret.

        It becomes neither a label nor a line of the log. At most eight are kept, of 200 characters each.
        """

    def fact(self, sample: Sample) -> None:
        """Keep the sample of a dated metric even when the check fails after this."""

    def document(self, answer: Answer) -> Document:
        """Return the JSON body of `answer`; bad JSON is `bad_response`, odd fields count as drift."""


Check = Callable[["Target", Kit], Awaitable[Iterable[Sample]]]


@dataclass(frozen=True)
class Allowance:
    """A documented limit of reads: `calls` in 30 days for one credential; `source` is its document."""

    calls: float
    source: str


@dataclass(frozen=True)
class Probe:
    """A kind of integration: one file in `probes/` defines one as `PROBE`.

    `check` returns samples or raises ProbeError. `needs` are the options without which a target is not
    configured; `asks` are further ones that a first configuration asks for.
    `interval` and `timeout` are defaults in seconds. `calls` returns how many reads a target
    makes in 30 days; `credential` is the option that targets sharing an `allowance` have in common.
    `concurrency` bounds the runs at one time over all targets of the provider; for a `generic` one, whose
    integrations are independent, it holds for each integration. `environment` names the
    environment variables that configure one target without a file. `dynamic` returns the metrics
    that depend on the options. `verify` returns what is wrong with options that each have the right type.
    `grant` returns how a target's access token is renewed, None where its options have the one to use.
    `encrypts` says that its connections may be encrypted, so that targets may show dates of certificates.
    `drifts` says of options whether answers are read field by field, and can drift; None is always.
    `token_option` is the option that holds a token which another source may have in its place. `events` are
    globs of the types of the vendor's webhooks that say something new of a reading, with its name: a genuine
    one makes the reading due.
    """

    name: str
    title: str
    options: type[Options]
    check: Check
    metrics: tuple[Metric, ...] = ()
    alerts: tuple[Alert, ...] = ()
    panels: tuple[Panel, ...] = ()
    needs: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
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
    encrypts: bool = True
    drifts: Callable[[Any], bool] | None = None
    events: Mapping[str, str] = field(default_factory=dict)

    def readings_of(self, event: str) -> frozenset[str]:
        """Return the names of the readings that a webhook of the type `event` makes due."""
        return frozenset(reading for glob, reading in self.events.items() if fnmatchcase(event, glob))

    def calls_per_month(self, options: Options, interval: float) -> float:
        """Return the reads in 30 days of one target probed every `interval` seconds."""
        return self.calls(options, interval) if self.calls else MONTH / interval

    def __hash__(self) -> int:
        """Hash by name: probes are unique by name."""
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        """Compare by name, so that targets compare cheaply."""
        return isinstance(other, Probe) and other.name == self.name


def never(_options: Any) -> bool:
    """Return False, of any options: nothing of an answer is read field by field."""
    return False


TargetKey = tuple[str, str]
"""Identity of a target: (integration, tenant)."""


@dataclass(frozen=True, slots=True)
class Target:
    """One integration of one tenant; equal targets are unchanged ones and are left alone by a reload.

    `interval` and `timeout` are seconds. `tenant` is "" where the integration has none. `over_budget` says
    that its operator allows more reads than the vendor documents. `networks` is None where the operator chose
    the addresses; else an untrusted source did, and they must be public or in one of these networks. `hidden`
    are texts that may be credentials although their option is not a Secret: they show nowhere. `key` is its
    identity.
    """

    integration: str
    tenant: str
    probe: Probe
    options: Any  # what `probe.options` names; each check gives it that type
    interval: float
    timeout: float
    labels: tuple[tuple[str, str], ...] = ()
    critical: bool = False
    over_budget: bool = False
    networks: tuple[str, ...] | None = None
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    # Made once: each run needs it many times, and what is kept by target shares it.
    key: TargetKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the key."""
        object.__setattr__(self, "key", (self.integration, self.tenant))

    @property
    def provider(self) -> str:
        """Name of its probe."""
        return self.probe.name

    def same(self, other: "Target") -> bool:
        """Return whether `other` is this target, unchanged."""
        # Most targets of a reload are the very ones of before: to compare thousands by value takes its time.
        return self is other or self == other

    @property
    def configured(self) -> bool:
        """Return whether every option that the probe needs is there."""
        needs = self.probe.needs
        return not needs or all(getattr(self.options, name) for name in needs)

    @property
    def absence(self) -> str:
        """Which options are missing that the probe needs, and the variables that set them without a file."""
        absent = [name for name in self.probe.needs if not getattr(self.options, name)]
        names = [self.probe.environment[name][0] for name in absent if name in self.probe.environment]
        hint = f" (without a file: {', '.join(names)})" if names else ""
        return f"no {' and no '.join(absent)} is configured{hint}"

    def __str__(self) -> str:
        """Return `integration` or `integration/tenant`, for logs."""
        return f"{self.integration}/{self.tenant}" if self.tenant else self.integration


class Result(msgspec.Struct, frozen=True):
    """The outcome of one run of a target; there always is one.

    `at` is the start in Unix seconds, `duration_seconds` that of the whole run. `reason` is None on success.
    `detail` is one sentence without secrets. `samples` are measured values, none after a failure; `facts` the
    dated ones, which a failure keeps. `vendor_details` are what the status shows to people. `private` is for
    the administrator who asked for this run: it may quote the answer, so it is neither stored nor listed.
    """

    at: float
    duration_seconds: float
    reason: Reason | None = None
    detail: str = ""
    samples: tuple[Sample, ...] = ()
    facts: tuple[Sample, ...] = ()
    http_status: int | None = None
    phases: Mapping[str, float] = msgspec.field(default_factory=dict)
    log: tuple[tuple[float, str], ...] = ()
    drift: tuple[str, ...] = ()
    calls: int = 0
    retry_after: float | None = None
    trace_id: str = ""
    vendor_details: tuple[tuple[str, str], ...] = ()
    private: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Return whether the target is connected."""
        return self.reason is None


# With names of other files that nearly every probe needs, so that one import is enough there.
__all__ = [
    "DAY",
    "MONTH",
    "AccessToken",
    "Allowance",
    "Check",
    "ClientCredentials",
    "Grant",
    "Kit",
    "Probe",
    "ProbeError",
    "Result",
    "Target",
    "TargetKey",
    "never",
]
