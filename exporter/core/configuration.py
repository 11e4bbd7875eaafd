"""The configuration as every room reads it: typed, resolved, whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from exporter.core.event_settings import EventSettings
from exporter.core.generation import Generation
from exporter.core.maintenance import MaintenanceWindow
from exporter.core.notifications import Notifications
from exporter.core.own_alert import OwnAlert, RuleFileText
from exporter.core.probe import Probe, Target, TargetKey
from exporter.core.ratelimit import RateLimitSettings
from exporter.core.secret import Secret
from exporter.core.service_level import ServiceLevel
from exporter.core.threshold import Threshold
from exporter.core.token import TokenSettings
from exporter.core.webhook import Webhooks


@dataclass(frozen=True)
class Integration:
    """One configured use of a provider; `tokens` says where the tokens of its targets are kept.

    `drifts` says that answers are read field by field, so that one can be another than documented.
    """

    name: str
    probe: Probe
    critical: bool
    interval: float
    labels: tuple[tuple[str, str], ...] = ()
    tokens: TokenSettings = field(default_factory=TokenSettings)
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    drifts: bool = True


@dataclass(frozen=True)
class StoreSettings:
    """Where state is kept: a SQLAlchemy URL (may hold a password: never print it), seconds by table.

    `token_keys` encrypt tokens: the first one does, all of them decrypt. Without any no token is stored.
    """

    url: str = field(default="sqlite:///integration-exporter.db", repr=False)
    retention: Mapping[str, float] = field(default_factory=dict)
    token_keys: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class Shard:
    """Which part of the targets a process serves: the shard `index`, counted from 0, of `count`.

    `elsewhere` are the keys of targets that other shards serve: unknown here, but not gone.
    """

    index: int = 0
    count: int = 1
    elsewhere: frozenset[TargetKey] = frozenset()

    @cached_property
    def integrations(self) -> frozenset[str]:
        """Names of the integrations that other shards have targets of."""
        return frozenset(name for name, _ in self.elsewhere)

    def __str__(self) -> str:
        """Return such as "0 of 3"."""
        return f"{self.index} of {self.count}"


@dataclass(frozen=True)
class TenantFeed:
    """A source of tenants that is asked every `refresh` seconds; `source` is http or sql."""

    integration: str
    source: str
    refresh: float


@dataclass(frozen=True)
class Configuration:
    """All that was configured. `path` is None when it came from the environment alone.

    `targets` is in the order of the file. `files` are all files it was read from (itself, tenant files,
    secret files, certificates): a change of any of them means that it is to be loaded again. `secrets`
    are all credential texts, for redaction. `text` is the YAML it was read from, None without a file;
    `redacted_text` is what `/config` shows of it, with stars. `notes` are sentences for the operator on
    what was configured and is not used. `shard` says which of the targets in the file `targets` are.
    `feeds` are the sources of tenants that are asked again and again. `generation` is what `generate`
    writes beside notifications and rules. `alerts` and `rule_files` are the user's own, `maintenance` the
    windows of the file. `ca_file` are the authorities trusted by default, "" for the system's. `webhooks` is
    empty where WEBHOOK_MONITORING_ENABLED switches them off.
    """

    path: str | None
    integrations: tuple[Integration, ...]
    targets: Mapping[TargetKey, Target]
    thresholds: tuple[Threshold, ...]
    notifications: Notifications
    store: StoreSettings
    replicas: int = 1
    files: frozenset[str] = frozenset()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    text: str | None = field(default=None, repr=False)
    redacted_text: str = ""
    switched_off: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    shard: Shard = Shard()
    feeds: tuple[TenantFeed, ...] = ()
    generation: Generation = field(default_factory=Generation)
    ca_file: str = ""
    webhooks: Webhooks = field(default_factory=Webhooks)
    alerts: tuple[OwnAlert, ...] = ()
    rule_files: tuple[RuleFileText, ...] = ()
    events: EventSettings = field(default_factory=EventSettings)
    ratelimits: RateLimitSettings = field(default_factory=RateLimitSettings)
    maintenance: tuple[MaintenanceWindow, ...] = ()

    @cached_property
    def longest_interval(self) -> float:
        """The longest interval of any integration, in seconds; 60 where there is none."""
        return max((integration.interval for integration in self.integrations), default=60.0)
