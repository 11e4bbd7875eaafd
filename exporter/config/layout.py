"""The keys of the configuration file, as types; their descriptions reach editors through the schema."""

from typing import Annotated, Any

from msgspec import Meta

from exporter.config.layout_events import EventsPart
from exporter.config.layout_maintenance import MaintenancePart
from exporter.config.layout_parts import NAME_PATTERN, PATH, PUBLIC, RAW, TENANT_PATTERN, Duration, Part
from exporter.config.layout_ratelimits import RateLimitsPart
from exporter.config.layout_slo import SloPart
from exporter.config.layout_webhooks import WebhooksPart
from exporter.core.generation import Generation
from exporter.core.notifications import Notifications
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret

LabelsPart = Annotated[
    dict[str, Annotated[str, Meta(extra=PUBLIC)]],
    Meta(description="Labels of the targets; they appear on integration_info alone."),
]
ThresholdsPart = Annotated[dict[str, Any], Meta(description="Thresholds by family and severity.", extra=RAW)]
OptionsPart = Annotated[
    dict[str, Any], Meta(description="What the provider declares; see its reference page.", extra=RAW)
]


class DefaultTls(Part, frozen=True):
    """Whom everything trusts that this configuration dials: vendors, token endpoints, tenants, channels.

    Where a `tls` of its own names a `ca_file`, that one counts there; a database has `sslrootcert`.
    """

    # ca_file alone: a client certificate or a disabled check, sent to every host, would be wrong at most.
    ca_file: Annotated[
        str,
        Meta(
            description="PEM file of the authorities to trust instead of the system's; let it hold the public"
            " ones too where public services are dialled."
        ),
    ] = ""


class Defaults(Part, frozen=True):
    """What integrations take when they do not say it themselves."""

    interval: Annotated[Duration | None, Meta(description="Time between two probes of a target.")] = None
    timeout: Annotated[Duration | None, Meta(description="Longest time of one probe.")] = None
    labels: LabelsPart = {}
    slo: Annotated[SloPart, Meta(description="How available integrations are meant to be.")] = SloPart()
    tls: Annotated[DefaultTls, Meta(description="Whom everything that is dialled is judged by.")] = (
        DefaultTls()
    )


class TenantRow(Part, frozen=True):
    """One tenant of an integration."""

    id: Annotated[
        str,
        Meta(
            pattern=TENANT_PATTERN,
            description="The label `tenant`: up to 64 letters, digits and _.-, unique here.",
            extra=PUBLIC,
        ),
    ]
    labels: LabelsPart = {}
    options: Annotated[dict[str, Any], Meta(description="Options of this tenant alone.", extra=RAW)] = {}
    thresholds: ThresholdsPart = {}


class FeedBasic(Part, frozen=True):
    """User name and password (RFC 7617)."""

    username: Annotated[str, Meta(description="User name; it may hold no colon.")]
    password: Annotated[Secret, Meta(description="Password.")]


class FeedBearer(Part, frozen=True):
    """A token in the header Authorization (RFC 6750)."""

    token: Annotated[Secret, Meta(description="Token, without the word Bearer.")]


class FeedAuth(Part, frozen=True):
    """Who we are: one of the two."""

    basic: Annotated[FeedBasic | None, Meta(description="User name and password.")] = None
    bearer: Annotated[FeedBearer | None, Meta(description="A token.")] = None


class Feed(Part, frozen=True, kw_only=True):
    """What every source has that is asked again and again."""

    refresh: Annotated[Duration, Meta(description="Time between two refreshes, at least 1s.")] = "5m"
    timeout: Annotated[Duration, Meta(description="Longest time of one refresh, at most 5m.")] = "10s"
    max_rows: Annotated[
        int, Meta(ge=1, le=200_000, description="Most tenants it may answer; more are a failed refresh.")
    ] = 20_000
    allow_empty: Annotated[
        bool,
        Meta(description="Believe an answer without any tenant where there were some before."),
    ] = False
    loss_after: Annotated[
        Duration,
        Meta(
            description="How long answers must lack more than half of at least ten tenants until these are"
            " let go; 0s lets them go at once."
        ),
    ] = "1h"
    cache: Annotated[
        str,
        Meta(
            description="File that keeps the last good rows, credentials included, for a start while the"
            " source cannot be reached; readable by its owner alone. Empty: no file.",
            extra=PATH,
        ),
    ] = ""


class HttpTenants(Feed, frozen=True, kw_only=True):
    """An address that answers with tenants in JSON: Prometheus' http_sd, or rows as in tenant files."""

    url: Annotated[str, Meta(description="What to ask: http:// or https://.")] = ""
    url_file: Annotated[str, Meta(description="File that holds `url`.")] = ""
    headers: Annotated[dict[str, Secret], Meta(description="Headers of the request.")] = {}
    auth: Annotated[FeedAuth | None, Meta(description="Credentials: basic or bearer.")] = None
    tls: Annotated[TlsOptions, Meta(description="How the server's certificate is judged.")] = TlsOptions()


class SqlTenants(Feed, frozen=True, kw_only=True):
    """A query whose rows are tenants."""

    url: Annotated[
        str, Meta(description="SQLAlchemy URL: postgresql://user:password@host/database or sqlite:///file.")
    ] = ""
    url_file: Annotated[str, Meta(description="File that holds `url`.")] = ""
    query: Annotated[
        str,
        Meta(
            description="SELECT with the columns id (or tenant), label_<name>, labels, options, thresholds,"
            " and one for each option, by its name.",
            min_length=1,
        ),
    ]


class Tenants(Part, frozen=True):
    """Where the tenants of an integration come from; all sources are joined."""

    list: Annotated[tuple[Any, ...], Meta(description="Rows in this file.", extra=RAW)] = ()
    files: Annotated[
        tuple[Annotated[str, Meta(min_length=1, extra=PATH)], ...],
        Meta(description="Files with lists of rows, YAML or JSON; may hold the wildcards * ? [] and **."),
    ] = ()
    http: Annotated[HttpTenants | None, Meta(description="An address that answers with rows.")] = None
    sql: Annotated[SqlTenants | None, Meta(description="A query that answers with rows.")] = None
    secrets_dir: Annotated[
        str,
        Meta(
            description="Folder of the tenants' secret files. Set it when others than you write the tenant"
            " files: their rows may then name only plain files in it and use no ${...}. Rows of http and sql"
            " may name no file without it.",
            extra=PATH,
        ),
    ] = ""
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks, such as 10.0.0.0/8, that addresses in rows of http and sql may lead to"
            " although they are not public; with `secrets_dir` those in rows of files too."
        ),
    ] = ()


class SqlTokensPart(Part, frozen=True, kw_only=True):
    """Tokens in a table of the platform's own database."""

    url: Annotated[
        Secret | None, Meta(description="SQLAlchemy URL: postgresql://user:password@host/database.")
    ] = None
    select: Annotated[
        str,
        Meta(
            description="SELECT of one row with access_token, refresh_token and, where they are known,"
            " expires_at, refresh_expires_at, scope; its WHERE names :tenant or :integration.",
            min_length=1,
        ),
    ]
    update: Annotated[
        str,
        Meta(
            description="UPDATE of that row; it may take :access_token, :refresh_token, :expires_at and"
            " :refresh_expires_at (Unix seconds), and names :tenant or :integration.",
            min_length=1,
        ),
    ]


class TokensPart(Part, frozen=True):
    """How the tokens of an integration's targets are kept and renewed."""

    refresh_before: Annotated[
        Duration,
        Meta(description="How long before its expiry a token is renewed; at most a tenth of its life."),
    ] = "24h"
    source: Annotated[
        str,
        Meta(
            pattern="^(options|store|sql)$",
            description="Where tokens come from: options, which seed the store again when they change; store,"
            " which options seed once; sql, the platform's own database, which new ones are written back to.",
        ),
    ] = "options"
    sql: Annotated[SqlTokensPart | None, Meta(description="Where and how, for `source: sql`.")] = None


class IntegrationPart(Part, frozen=True):
    """One configured use of a provider."""

    name: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="The label `integration`: up to 64 letters, digits and _.-, unique.",
            extra=PUBLIC,
        ),
    ]
    provider: Annotated[str, Meta(description="Kind of the integration.")]
    critical: Annotated[bool, Meta(description="Its failure makes the overall status critical.")] = False
    interval: Annotated[Duration | None, Meta(description="Time between two probes of a target.")] = None
    timeout: Annotated[Duration | None, Meta(description="Longest time of one probe.")] = None
    labels: LabelsPart = {}
    slo: Annotated[SloPart, Meta(description="How available it is meant to be.")] = SloPart()
    thresholds: ThresholdsPart = {}
    options: OptionsPart = {}
    tenants: Annotated[Tenants | None, Meta(description="For whom: one target for each tenant.")] = None
    tokens: Annotated[
        TokensPart | None, Meta(description="How the tokens of its targets are kept and renewed.")
    ] = None
    allow_over_budget: Annotated[
        bool, Meta(description="Accept more calls than the vendor's documented allowance.")
    ] = False


class Retention(Part, frozen=True):
    """How long rows are kept, by table; at least 1m."""

    checks: Annotated[
        Duration | None,
        Meta(description="State changes, summaries and failed checks by hour and day; 30d by default."),
    ] = None
    errors: Annotated[Duration | None, Meta(description="Failed checks with their logs; 30d by default.")] = (
        None
    )
    webhooks: Annotated[
        Duration | None,
        Meta(description="Webhooks received and delivered; 30d by default, or `WEBHOOK_LOG_RETENTION_DAYS`."),
    ] = None
    requests: Annotated[
        Duration | None,
        Meta(description="Requests that applications report; 7d by default, or `API_LOG_RETENTION_DAYS`."),
    ] = None
    statistics: Annotated[
        Duration | None,
        Meta(description="Summaries by hour and day of what applications report; 90d by default."),
    ] = None
    audit: Annotated[
        Duration | None, Meta(description="Audit events; 90d by default, or `AUDIT_LOG_RETENTION_DAYS`.")
    ] = None
    notices: Annotated[
        Duration | None, Meta(description="Alerts as Alertmanager sent them; 90d by default.")
    ] = None
    tokens: Annotated[
        Duration | None,
        Meta(description="What was done with tokens; 90d by default. Tokens themselves stay."),
    ] = None
    rate_limits: Annotated[
        Duration | None,
        Meta(description="Rate-limit counts; 1h by default, or `RATE_LIMIT_CLEANUP_MINUTES`."),
    ] = None


class StorePart(Part, frozen=True):
    """Where state is kept."""

    url: Annotated[
        Secret | None,
        Meta(description="Database: sqlite:///integration-exporter.db or postgresql://user@host/database."),
    ] = None
    token_keys: Annotated[
        Secret | None,
        Meta(
            description="Fernet keys that encrypt stored tokens, one a line or separated by spaces: the first"
            " encrypts, all of them decrypt. Without any no token is stored."
        ),
    ] = None
    retention: Annotated[Retention, Meta(description="How long what is stored is kept.")] = Retention()


class Layout(Part, frozen=True):
    """Configuration of the integration exporter."""

    defaults: Annotated[Defaults, Meta(description="What integrations take by default.")] = Defaults()
    integrations: Annotated[tuple[Any, ...], Meta(description="What is probed.", extra=RAW)] = ()
    thresholds: ThresholdsPart = {}
    alerts: Annotated[tuple[Any, ...], Meta(description="Alerts of your own.", extra=RAW)] = ()
    rule_files: Annotated[
        tuple[Annotated[str, Meta(min_length=1, extra=PATH)], ...],
        Meta(
            description="Files with Prometheus rules of your own, which `generate` puts beside the others;"
            " they may hold the wildcards * ? [] and **."
        ),
    ] = ()
    notifications: Annotated[Notifications, Meta(description="Who is notified.")] = Notifications()
    maintenance: Annotated[
        tuple[MaintenancePart, ...], Meta(description="When alerts of what is worked on notify nobody.")
    ] = ()
    generate: Annotated[
        Generation, Meta(description="What `generate` writes about Prometheus and Alertmanager.")
    ] = Generation()
    store: Annotated[StorePart, Meta(description="Where state is kept, and for how long.")] = StorePart()
    webhooks: Annotated[
        WebhooksPart, Meta(description="Webhooks that vendors send here, and those that tenants get.")
    ] = WebhooksPart()
    events: Annotated[EventsPart, Meta(description="Events that apps report.")] = EventsPart()
    ratelimits: Annotated[RateLimitsPart, Meta(description="How often endpoints may be called.")] = (
        RateLimitsPart()
    )
    replicas: Annotated[
        int, Meta(ge=1, le=1000, description="Exporters that run this configuration; divides call budgets.")
    ] = 1
