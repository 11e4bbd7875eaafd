"""The keys of the configuration file, as types; their descriptions reach editors through the schema."""

from typing import Annotated, Any

import msgspec

from exporter.config import durations
from exporter.core.notifications import Notifications
from exporter.core.secret import Secret

Meta = msgspec.Meta

RAW: dict[str, Any] = {"raw": True}
"""Mark of a part that is judged later, when its own type is known."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
TENANT_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"

Duration = Annotated[str, Meta(pattern=durations.PATTERN, description="A duration: 500ms, 30s, 5m, 1h, 1d.")]
Labels = Annotated[
    dict[str, str], Meta(description="Labels of the targets; they appear on integration_info alone.")
]
Thresholds = Annotated[dict[str, Any], Meta(description="Thresholds by family and severity.", extra=RAW)]
Options = Annotated[
    dict[str, Any], Meta(description="What the provider declares; see its reference page.", extra=RAW)
]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Defaults(_Part, frozen=True):
    """What integrations take when they do not say it themselves."""

    interval: Annotated[Duration | None, Meta(description="Time between two probes of a target.")] = None
    timeout: Annotated[Duration | None, Meta(description="Longest time of one probe.")] = None
    labels: Labels = {}


class TenantRow(_Part, frozen=True):
    """One tenant of an integration."""

    id: Annotated[
        str,
        Meta(
            pattern=TENANT_PATTERN,
            description="The label `tenant`: up to 64 letters, digits and _.-, unique here.",
        ),
    ]
    labels: Labels = {}
    options: Annotated[dict[str, Any], Meta(description="Options of this tenant alone.", extra=RAW)] = {}
    thresholds: Thresholds = {}


class Tenants(_Part, frozen=True):
    """Where the tenants of an integration come from; all sources are joined."""

    list: Annotated[tuple[Any, ...], Meta(description="Rows in this file.", extra=RAW)] = ()
    files: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(description="Files with lists of rows, YAML or JSON; may hold the wildcards * ? [] and **."),
    ] = ()
    secrets_dir: Annotated[
        str,
        Meta(
            description="Folder of the tenants' secret files. Set it when others than you write the tenant"
            " files: their rows may then name only plain files in it and use no ${...}."
        ),
    ] = ""


class IntegrationPart(_Part, frozen=True):
    """One configured use of a provider."""

    name: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="The label `integration`: up to 64 letters, digits and _.-, unique.",
        ),
    ]
    provider: Annotated[str, Meta(description="Kind of the integration.")]
    critical: Annotated[bool, Meta(description="Its failure makes the overall status critical.")] = False
    interval: Annotated[Duration | None, Meta(description="Time between two probes of a target.")] = None
    timeout: Annotated[Duration | None, Meta(description="Longest time of one probe.")] = None
    labels: Labels = {}
    thresholds: Thresholds = {}
    options: Options = {}
    tenants: Tenants | None = None
    allow_over_budget: Annotated[
        bool, Meta(description="Accept more calls than the vendor's documented allowance.")
    ] = False


class Retention(_Part, frozen=True):
    """How long rows are kept, by table."""

    checks: Duration | None = None
    errors: Duration | None = None
    webhooks: Duration | None = None
    requests: Duration | None = None
    audit: Duration | None = None
    notices: Duration | None = None
    tokens: Duration | None = None
    rate_limits: Duration | None = None


class StorePart(_Part, frozen=True):
    """Where state is kept."""

    url: Annotated[
        Secret | None, Meta(description="SQLAlchemy URL, such as sqlite:///integration-exporter.db.")
    ] = None
    retention: Retention = Retention()


class Layout(_Part, frozen=True):
    """Configuration of the integration exporter."""

    defaults: Defaults = Defaults()
    integrations: Annotated[tuple[Any, ...], Meta(description="What is probed.", extra=RAW)] = ()
    thresholds: Thresholds = {}
    notifications: Notifications = Notifications()
    store: StorePart = StorePart()
    replicas: Annotated[
        int, Meta(ge=1, le=1000, description="Exporters that run this configuration; divides call budgets.")
    ] = 1
