"""What the server needs of the rest of the house, handed in as one object."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, TypeVar

from aiohttp import web

from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.probe import Result, Target, TargetKey
from exporter.core.reason import Reason
from exporter.core.store import Failure, StateChange, Store
from exporter.server.admin import AdminToken
from exporter.server.keeping import Keeper, NoKeeper
from exporter.server.paths import Paths
from exporter.server.web_config.file import WebConfigFile

T = TypeVar("T")


class State(Protocol):
    """What the board knows of one target; times are Unix seconds, None if it never happened.

    `status` is `connected`, `not_configured`, `error`, or `unknown` before the first run.
    """

    @property
    def target(self) -> Target:
        """The target it speaks of."""

    @property
    def status(self) -> str:
        """The status in one word."""

    @property
    def reason(self) -> Reason | None:
        """Why it is not connected."""

    @property
    def detail(self) -> str:
        """One sentence without secrets."""

    @property
    def vendor_details(self) -> tuple[tuple[str, str], ...]:
        """Names and texts of the vendor's, for people."""

    @property
    def since(self) -> float | None:
        """Since when status and reason are what they are."""

    @property
    def last_run(self) -> float | None:
        """Start of the last run."""

    @property
    def last_success(self) -> float | None:
        """Start of the last run that found it connected."""

    @property
    def next_run(self) -> float | None:
        """When the next run is due."""

    @property
    def failures(self) -> int:
        """Failed runs since the last success."""

    @property
    def result(self) -> Result | None:
        """The last run itself."""


class Board(Protocol):
    """The last known state of every target."""

    def states(self) -> Sequence[State]:
        """Return every state, in the order of the configuration."""

    def get(self, key: TargetKey) -> State | None:
        """Return the state of one target, None if there is no such target."""


class History(Protocol):
    """What happened lately, kept in memory."""

    def recent_changes(self, key: TargetKey | None = None, limit: int = 100) -> Sequence[StateChange]:
        """Return the newest state changes first."""

    def recent_failures(self, key: TargetKey | None = None, limit: int = 100) -> Sequence[Failure]:
        """Return the newest failures first, each with its log."""


class StoreReader(Protocol):
    """Asks the store, beside the loop."""

    async def __call__(self, call: Callable[[Store], T], timeout: float = 10.0, /) -> T:
        """Return `call(store)`; StoreError when it fails or takes longer than `timeout` seconds."""


async def _no_store(_call: Callable[[Store], Any], _timeout: float = 10.0, /) -> NoReturn:
    raise StoreError("there is no store")


@dataclass(frozen=True)
class Services:
    """Everything that the handlers use.

    `render` takes (openmetrics, gzip) and returns the body of /metrics. `reload` loads the configuration
    anew and raises ConfigError with every mistake. `check_now` runs one probe at once, within the
    budget of its credential, or raises Deferred. `explain` writes a result as exposition text. `ready`
    returns "" once every part runs, else one sentence that says what it waits for. `docs_url` is linked
    from the page, where it is given. `sd_addresses` are templates of the addresses at which Prometheus
    reaches every process. `read_store` asks what is kept. `tenant_warnings` says what is wrong with the
    sources of tenants. `tokens` renews tokens. `admin` is who may change things while no access is
    configured.
    `runbook` returns the HTML page of an alert by its name and its Content-Security-Policy.
    """

    board: Board
    configuration: Callable[[], Configuration]
    render: Callable[[bool, bool], Awaitable[bytes]]
    reload: Callable[[], Awaitable[None]]
    check_now: Callable[[Target], Awaitable[Result]]
    explain: Callable[[Target, Result], str]
    history: History
    ready: Callable[[], str]
    web: WebConfigFile
    paths: Paths = field(default_factory=Paths)
    now: Callable[[], float] = time.time
    docs_url: str = ""
    sd_addresses: tuple[str, ...] = ()
    read_store: StoreReader = _no_store
    tenant_warnings: Callable[[], Iterable[str]] = tuple
    tokens: Keeper = field(default_factory=NoKeeper)
    runbook: Callable[[str], tuple[str, str] | None] = lambda _name: None
    admin: AdminToken = field(default_factory=AdminToken)


SERVICES = web.AppKey("parts", Services)
