"""What the server needs of the rest of the house, handed in as one object."""

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.audit import AuditEntry
from exporter.core.changes import ChangeFeed
from exporter.core.configuration import Configuration
from exporter.core.errors import StoreError
from exporter.core.probe import Result, Target
from exporter.endpoints.directory import EndpointDirectory
from exporter.engine.board import Board
from exporter.engine.history import History
from exporter.ingest.audit_trail import AuditTrail
from exporter.ingest.events import EventIntake
from exporter.ingest.webhooks import WebhookIntake
from exporter.notices.desk import AlertDesk
from exporter.notices.intake import NoticeIntake
from exporter.notices.maintenance import MaintenanceKeeper
from exporter.notices.sms import SmsIntake
from exporter.outbox.outbox import Outbox
from exporter.ratelimits.service import RateLimits
from exporter.server.admin import AdminToken
from exporter.server.paths import Paths
from exporter.server.web_config.file import WebConfigFile
from exporter.tokens.manager import TokenManager

T = TypeVar("T")


class StoreReader(Protocol):
    """Asks the store, off the event loop."""

    async def __call__(self, call: Callable[[Connection], T], timeout: float = 10.0, /) -> T:
        """Return `call(connection)`; StoreError when it fails or takes longer than `timeout` seconds."""


async def _no_store(_call: Callable[[Connection], Any], _timeout: float = 10.0, /) -> NoReturn:
    raise StoreError("there is no store")


async def _nothing_waits() -> None:
    """Return at once."""


@dataclass(frozen=True)
class StreamLimits:
    """Bounds of the streams that feed open pages, in seconds but for the first two.

    `most` are open at one time, `of_bound` those of one caller that is bound to tenants. `gap` is between two
    messages, `slow_gap` between two about figures; `gather` is how long the first changes after a silence
    wait for others. After `beat` of silence there is a comment, so that no
    proxy closes; access is judged again as often.
    """

    most: int = 256
    of_bound: int = 32
    gap: float = 0.5
    slow_gap: float = 5.0
    gather: float = 0.05
    beat: float = 15.0


@dataclass(frozen=True)
class Services:
    """Everything that the handlers use.

    `render` takes (openmetrics, gzip) and returns the body of /metrics. `reload` loads the configuration
    again and raises ConfigError with every mistake. `check_now` runs one probe at once, within the
    budget of its credential, or raises Deferred. `explain` writes a result as exposition text. `ready`
    returns "" once every part runs, else one sentence that says what it waits for. `docs_url` is linked
    from the page, where it is given. `sd_addresses` are templates of the addresses at which Prometheus
    reaches every process. `read_store` asks what is kept, `flush` writes what waits
    for the store. `tenant_warnings` says what is wrong with the
    sources of tenants. `tokens` renews tokens. `admin` is who may change things while no access is
    configured.
    `endpoints` receive the webhooks of tenants, None where there is no such part. `audit` keeps who did what,
    `audit_trail` is how that is reviewed and erased, None where there is none yet.
    `outbox` takes deliveries, None where there is none yet. `webhook_summaries` hands what was counted of
    them over to the store.
    `runbook` returns the HTML page of an alert by its name and its Content-Security-Policy. `webhooks` takes
    what vendors send, None where that is switched off. `events` takes what apps report, `notices` what
    Alertmanager sends, `sms` what it sends for phones. `alerts` is where people answer alerts. `ratelimits`
    say how often somebody may ask, `maintenance` keeps the windows in which alerts notify nobody. `feed` says
    what changes, `streams` to how many pages at one time. `openapi` returns the API's description as JSON.
    """

    board: Board
    configuration: Callable[[], Configuration]
    render: Callable[[bool, bool], Awaitable[bytes]]
    reload: Callable[[], Awaitable[None]]
    tokens: TokenManager
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
    flush: Callable[[], Awaitable[object]] = _nothing_waits
    tenant_warnings: Callable[[], Iterable[str]] = tuple
    runbook: Callable[[str], tuple[str, str] | None] = lambda _name: None
    admin: AdminToken = field(default_factory=AdminToken)
    endpoints: EndpointDirectory | None = None
    audit: Callable[[AuditEntry], None] = lambda _entry: None
    audit_trail: AuditTrail | None = None
    outbox: Outbox | None = None
    webhook_summaries: Callable[[], None] = lambda: None
    webhooks: WebhookIntake | None = None
    events: EventIntake | None = None
    notices: NoticeIntake | None = None
    alerts: AlertDesk | None = None
    sms: SmsIntake | None = None
    ratelimits: RateLimits | None = None
    maintenance: MaintenanceKeeper | None = None
    feed: ChangeFeed = field(default_factory=ChangeFeed)
    streams: StreamLimits = field(default_factory=StreamLimits)
    openapi: Callable[[], bytes] = lambda: b"{}"


SERVICES = web.AppKey("services", Services)
